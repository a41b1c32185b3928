"""Random damage to the arrays of a file."""

from random import Random
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]
Arrays = dict[str, Array]

TYPES = ("f2", "f4", "f8", "i1", "u1", "i4", "i8", "u8", "?", "c8", "U3", ">i8", ">f4", "M8[s]")
"""Types of arrays."""


def mutate_arrays(arrays: Arrays, rng: Random) -> tuple[Arrays, list[str]]:
    """Damage arrays by name: what they hold, their types and shapes, and which are there."""
    done: list[str] = []
    changed = dict(arrays)
    while _bits(changed) == _bits(arrays):
        changed, done = _damage(arrays, rng)
    return changed, done


def _bits(arrays: Arrays) -> dict[str, tuple[str, tuple[int, ...], bytes]]:
    return {name: (a.dtype.str, a.shape, a.tobytes()) for name, a in arrays.items()}


def _damage(arrays: Arrays, rng: Random) -> tuple[Arrays, list[str]]:
    changed, done = dict(arrays), []
    for _ in range(rng.choice([1, 1, 1, 2, 3])):
        name = rng.choice(sorted(changed) or [""])
        if not name:
            break
        kind = rng.choice(("drop", "rename", "value", "value", "value", "type", "shape", "size"))
        array = changed.pop(name)
        rows = np.atleast_1d(array)
        if kind == "rename":
            changed[rng.choice(["x", "y", "pos", "edge_attr", "num_nodes"])] = array
        elif kind == "value":
            changed[name] = _change_value(array, rng)
        elif kind == "type":
            known = array.dtype.kind in "iuf"
            with np.errstate(all="ignore"):
                changed[name] = array.astype(rng.choice(TYPES)) if known else array
        elif kind == "shape":
            shapes: list[Any] = [rows[None], rows[..., None], rows.ravel(), rows.T, rows[:0]]
            changed[name] = rng.choice([*shapes, rows.ravel()[-1:].squeeze()])
        elif kind == "size":
            changed[name] = rng.choice([rows[:-1], rows[..., :-1], np.concatenate([rows] * 2)])
        done.append(f"{kind} {name}")
    return changed, done


def _change_value(array: Array, rng: Random) -> Array:
    """Replace one number, or all of them."""
    floats = (np.nan, np.inf, -np.inf, 1e9, 1e-45, 0.0)
    integers = (-1, -1, -1, -2, 0, 1, 100, 2**31, 2**62, -(2**63))
    if array.dtype.kind not in "fi" or array.size == 0:
        return array
    changed = array.copy()
    value = rng.choice(floats if array.dtype.kind == "f" else integers)
    place = slice(None) if rng.random() < 0.3 else rng.randrange(array.size)
    with np.errstate(all="ignore"):
        changed.reshape(-1)[place] = np.array(value).astype(array.dtype)
    return changed
