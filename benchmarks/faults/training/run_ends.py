"""The files of runs: whether they are whole, and how two finished runs differ."""

import csv
import json
import math
from collections.abc import Collection, Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import torch
import yaml
from torch import Tensor

from lightning_modules.run.checkpoint import read_checkpoint

TIMES = {"seconds", "training", "validating", "validation_seconds", "examples_per_second"}
"""Names of what no two runs share."""

TEXTS = ("predictions.tsv", "hparams.yaml")
"""Files that have no times in them."""


def unreadable(folder: Path) -> list[str]:
    """Return which files of a run are not whole.

    The last row of ``metrics.csv`` may be half written, since rows are added to it; a run that goes
    on writes it again. A file ``*.part`` is one that was being written.
    """
    found = []
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        try:
            problem = "" if _is_whole(path) else "not whole"
        except (ValueError, yaml.YAMLError, csv.Error) as error:
            problem = str(error)[:300]
        if problem:
            found.append(f"{path.parent.name}/{path.name}: {problem}")
    return found


def _is_whole(path: Path) -> bool:
    if path.suffix == ".ckpt":
        return bool(read_checkpoint(path))
    if path.suffix == ".png":
        return path.read_bytes().endswith(b"IEND\xae\x42\x60\x82")
    if path.suffix not in (".json", ".yaml", ".csv", ".tsv", ".html"):
        return True
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".json":
        return isinstance(json.loads(text), dict)
    if path.suffix == ".yaml":
        return isinstance(yaml.safe_load(text), dict)
    if path.suffix == ".html":
        HTMLParser().feed(text)
        return text.rstrip().endswith("</html>")
    if path.suffix == ".csv":
        text = text[: text.rfind("\n") + 1]
    elif not text.endswith("\n"):
        return False
    rows = csv.reader(
        text.removesuffix("\n").split("\n"), delimiter="," if path.suffix == ".csv" else "\t"
    )
    return len({len(row) for row in rows}) <= 1


def differences(whole: Path, other: Path, tolerance: float = 0.0) -> list[str]:
    """Return how the ends of two runs differ.

    All that checkpoints hold is compared, the state of the optimizer too, and all values that were
    logged or reported, but for times and folders. Without a tolerance all has to be equal bit for
    bit, and so have predictions and pictures.

    Args:
        whole: The folder of a run without any fault.
        other: The folder of the other one.
        tolerance: Relative and absolute difference that counts as none.
    """
    found = []
    for name in ("model", "last"):
        first, second = (
            read_state(run / "checkpoints" / f"{name}.ckpt", run) for run in (whole, other)
        )
        found += [f"{name}.ckpt: {text}" for text in _unequal(first, second, tolerance)]
    for read in (read_curves, read_scores):
        found += _unequal(read(whole), read(other), tolerance)
    names = {path.relative_to(whole) for path in whole.rglob("*")}
    others = {path.relative_to(other) for path in other.rglob("*")}
    found += [f"left over: {path}" for path in sorted(others - names)]
    found += [f"missing: {path}" for path in sorted(names - others)]
    if not tolerance:
        found += [
            f"other bytes: {path}"
            for path in sorted(names & others)
            if (path.suffix == ".png" or path.name in TEXTS)
            and (whole / path).read_bytes() != (other / path).read_bytes()
        ]
    return found


def _unequal(first: dict[str, Any], second: dict[str, Any], tolerance: float) -> list[str]:
    keys = [*first, *(key for key in second if key not in first)]
    return [
        f"{key}: {_short(first.get(key))}, {_short(second.get(key))}"
        for key in keys
        if not (key in first and key in second and are_equal(first[key], second[key], tolerance))
    ]


def _short(value: object) -> str:
    if isinstance(value, Tensor) and value.numel() > 1:
        return f"{value.dtype} {list(value.shape)}"
    return repr(value)[:60]


def are_equal(first: object, second: object, tolerance: float = 0.0) -> bool:
    """Return whether two values are equal: bit for bit and of one type if there is no tolerance."""
    if isinstance(first, Tensor) and isinstance(second, Tensor):
        if first.dtype != second.dtype or first.shape != second.shape:
            return False
        if tolerance:
            return torch.allclose(first.double(), second.double(), tolerance, tolerance, True)
        first, second = (t.contiguous().reshape(-1).view(torch.uint8) for t in (first, second))
        return torch.equal(first, second)
    if type(first) is not type(second):
        return False
    if isinstance(first, float) and isinstance(second, float):
        if math.isnan(first) or math.isnan(second):
            return math.isnan(first) and math.isnan(second)
        if not tolerance:
            return first == second and math.copysign(1, first) == math.copysign(1, second)
        return math.isclose(first, second, rel_tol=tolerance, abs_tol=tolerance)
    return first == second


def read_state(path: Path, run: Path) -> dict[str, Any]:
    """Read all that a checkpoint holds, but for times, by its place; the run's folder is "RUN"."""
    return {
        place.replace(str(run), "RUN"): (
            value.replace(str(run), "RUN") if isinstance(value, str) else value
        )
        for place, value in flatten(read_checkpoint(path))
    }


def flatten(
    content: object, place: str = "", but: Collection[object] = TIMES
) -> Iterator[tuple[str, object]]:
    """Yield what nested dictionaries and lists hold, but for some names, each with its place."""
    if isinstance(content, dict):
        items: list[tuple[object, object]] = [i for i in content.items() if i[0] not in but]
    elif isinstance(content, list | tuple):
        items = list(enumerate(content))
    else:
        yield place, content
        return
    if not items:
        yield place, type(content).__name__
    for name, value in items:
        yield from flatten(value, f"{place}.{name}" if place else str(name), but)


def read_curves(run: Path) -> dict[str, Any]:
    """Read all logged values, by name and step, and the number of those that are repeated."""
    curves: dict[str, Any] = {}
    with (run / "metrics.csv").open(newline="") as file:
        for row in csv.DictReader(file):
            for name, value in row.items():
                if value:
                    curves.setdefault(f"{name} at {row['step']}", []).append(float(value))
    return dict(flatten(curves))


def read_scores(run: Path) -> dict[str, Any]:
    """Read what the summary says, but for times."""
    return dict(flatten(json.loads((run / "summary.json").read_text())))
