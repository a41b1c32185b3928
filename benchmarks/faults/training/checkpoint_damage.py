"""Damage to the file of a checkpoint."""

import contextlib
import importlib
import io
import os
import pickle
import sys
import zipfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

import torch

from lightning_modules.run.checkpoint import CHECKSUM
from lightning_modules.run.checksum import compute_checksum

CUTS, FLIPS = 20, 50

COMMANDS = ("predict", "evaluate", "fit")


class Damage(NamedTuple):
    """A damaged or foreign file.

    Attributes:
        how: What was done.
        written: The file.
        refused_by: The commands that have to refuse it; the others do not read what is damaged.
    """

    how: str
    written: bytes
    refused_by: Sequence[str] = COMMANDS


class Payload:
    """An object that makes a folder when it is unpickled."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[str]]:
        return os.mkdir, (str(self.folder),)


def damages(last: Path, executed: Path, rng: Random) -> Iterator[Damage]:
    """Yield damaged and foreign files.

    Args:
        last: A whole checkpoint.
        executed: A folder that code inside a file would make.
        rng: Decides which bits are flipped.
    """
    written = last.read_bytes()
    cuts = [len(written) * (index + 1) // (CUTS + 1) for index in range(CUTS)]
    for length in (0, *cuts, len(written) - 1):
        yield Damage(f"cut to {length} of {len(written)} bytes", written[:length])
    for _ in range(FLIPS):
        place, bit = rng.randrange(len(written)), rng.randrange(8)
        flipped = bytearray(written)
        flipped[place] ^= 1 << bit
        yield Damage(f"bit {bit} of byte {place} flipped", bytes(flipped))
    yield Damage("a text", b"no checkpoint\n")
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("data.pkl", "nothing")
    yield Damage("another archive", archive.getvalue())
    content = torch.load(last, weights_only=True)
    yield Damage("weights alone", save(content["state_dict"]))
    yield Damage("a list", save([1, 2]))
    yield Damage("no checksum", save({k: v for k, v in content.items() if k != CHECKSUM}))
    payload = Payload(executed)
    yield Damage("a pickled payload", pickle.dumps(payload))
    yield Damage("a saved payload", save({**content, "payload": payload}))
    with foreign_module(executed) as module:
        foreign = save({**content, "payload": module.Stranger()})
        del sys.modules[module.__name__]  # So that it would have to be imported.
        yield Damage("an object of a foreign module", foreign)
    yield from _other_contents(content)


def _other_contents(content: dict[str, Any]) -> Iterator[Damage]:
    """Yield files with a checksum that fits: someone has written them so."""
    weights = content["state_dict"]
    names = [n for n, w in weights.items() if w.is_floating_point() and "extra_state" not in n]
    for name in {names[0], names[-1]}:
        yield Damage(f"NaN in {name}", seal(content, state_dict=_with_nan(weights, name)))
    if "current_model_state" in content:
        # Training goes on from these weights; the others are their averages.
        current = _with_nan(content["current_model_state"], names[0])
        damaged = seal(content, current_model_state=current)
        yield Damage("NaN in the weights that are trained", damaged, ("fit",))
    other = {**weights, "other": weights[names[0]]}
    yield Damage("weights of another model", seal(content, state_dict=other))
    longer = {**weights, names[0]: torch.cat([weights[names[0]].reshape(-1)] * 2)}
    yield Damage("weights of another shape", seal(content, state_dict=longer))
    yield Damage("a list of weights", seal(content, state_dict=list(weights.values())))
    yield Damage("no weights", seal(content, state_dict=None))
    yield Damage("a number as a weight", seal(content, state_dict={**weights, names[0]: 1.0}))
    for how, value in _odd_values():
        odd = {**content, "odd": value, CHECKSUM: "0" * 64}
        yield Damage(f"{how} in it", save(odd))
    told = ("predict", "evaluate")  # The class and its options; fit knows them.
    for path in ("os.path", "stranger.Stranger", "torch.utils.tensorboard.SummaryWriter"):
        yield Damage(f"the class {path}", seal(content, class_path=path), told)
    options = dict.fromkeys(content["hyper_parameters"], "other")
    yield Damage("other options", seal(content, hyper_parameters=options), told)
    yield Damage("a list of options", seal(content, hyper_parameters=[1]), told)
    for name in names:
        if name.endswith("encoder.deviation"):
            zeros = {**weights, name: torch.zeros_like(weights[name])}
            yield Damage(f"zeros in {name}", seal(content, state_dict=zeros))
    without = {name: value for name, value in content.items() if name != "loops"}
    yield Damage("no progress of the run", seal(without), ("fit",))
    yield Damage("a number as progress", seal(content, loops=3), ("fit",))


def _odd_values() -> Iterator[tuple[str, object]]:
    """Yield values that torch loads and no run saves."""
    endless: list[object] = []
    endless.append(endless)
    yield "a list that contains itself", endless
    yield "a sparse tensor", torch.eye(2).to_sparse()
    yield "a tensor without values", torch.ones(2, device="meta")
    yield "a conjugate tensor", torch.ones(2, dtype=torch.complex64).conj()


@contextlib.contextmanager
def foreign_module(executed: Path) -> Iterator[Any]:
    """Make a module that can be imported, and makes a folder each time."""
    path = executed.with_name("stranger.py")
    path.write_text(f"import os\nos.mkdir({str(executed)!r})\nclass Stranger: pass\n")
    sys.path.insert(0, str(path.parent))
    try:
        module = importlib.import_module(path.stem)
        executed.rmdir()
        yield module
    finally:
        sys.path.remove(str(path.parent))
        sys.modules.pop(path.stem, None)


def _with_nan(weights: dict[str, Any], name: str) -> dict[str, Any]:
    return {**weights, name: torch.full_like(weights[name], torch.nan)}


def seal(content: dict[str, Any], **changes: Any) -> bytes:
    """Return a file of changed content with a checksum that fits."""
    changed = {name: value for name, value in {**content, **changes}.items() if name != CHECKSUM}
    return save({**changed, CHECKSUM: compute_checksum(changed)})


def save(content: Any) -> bytes:
    """Return what torch saves."""
    file = io.BytesIO()
    torch.save(content, file)
    return file.getvalue()
