"""Checkpoints that are damaged or foreign, given to all commands."""

import contextlib
import io
import os
import pickle
import random
import shutil
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import torch

from benchmarks.faults.outcome import Outcome, add_up
from benchmarks.faults.runs import TASKS, train
from lightning_modules import evaluate, fit, predict
from lightning_modules.run.checkpoint import CHECKSUM, read_checkpoint
from lightning_modules.run.checksum import compute_checksum

CUTS, FLIPS = 20, 50

Command = Callable[[list[str]], None]


class Payload:
    """What runs a command when it is unpickled: it makes a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[str]]:
        return os.mkdir, (str(self.folder),)


def damage_checkpoints(task: str, seed: int, folder: Path) -> Outcome:
    """Give damaged and foreign checkpoints of a task to ``predict``, ``evaluate`` and ``fit``.

    Each has to be refused in one line, and nothing in it may run. One whose content is that of the
    whole checkpoint may be loaded: that a bit has changed where nothing is read does no harm.
    """
    options = TASKS[task](folder)
    data = next(o.split("=", 1)[1] for o in options if o.startswith("--data.train="))
    last = train(options, folder / "run") / "checkpoints" / "last.ckpt"
    whole = content_of(last)
    damaged, executed = folder / "damaged.ckpt", folder / "executed"
    commands: dict[str, tuple[Command, list[str]]] = {
        "predict": (predict.main, ["cat"] if task == "text" else [data]),
        "evaluate": (evaluate.main, [data]),
        "fit": (fit.main, [o for o in options if not o.startswith("--ckpt_path")]),
    }
    outcomes: list[Outcome] = []
    for how, written in damages(last, executed, random.Random(seed)):
        damaged.write_bytes(written)
        same = content_of(damaged) == whole
        for name, (command, arguments) in commands.items():
            given = ["--ckpt_path", str(damaged), *arguments]
            if name == "fit":
                given.append(f"--output={folder / 'resumed'}")
            problem = "" if same else refuses(command, given, str(damaged))
            if executed.exists():
                problem = "what it holds has run"
                executed.rmdir()
            failures = [f"{task}, {how}, {name}: {problem}"] if problem else []
            outcomes.append(Outcome(1, same, not (same or problem), failures))
    command, arguments = commands["fit"]
    other = [*arguments, "--model.channels=12", f"--output={folder / 'resumed'}"]
    problem = refuses(command, ["--ckpt_path", str(last), *other], str(last))
    failures = [f"{task}, a model of another size, fit: {problem}"] if problem else []
    outcomes.append(Outcome(1, 0, not problem, failures))
    shutil.rmtree(folder / "resumed", ignore_errors=True)
    return add_up(outcomes)


def content_of(path: Path) -> str | None:
    """Return the checksum of all that a checkpoint holds; None if it cannot be read."""
    try:
        return compute_checksum(read_checkpoint(path))
    except ValueError:
        return None


def refuses(command: Command, arguments: list[str], name: str) -> str:
    """Return what is wrong with the way in which a command refuses its arguments, or nothing."""
    out, err = io.StringIO(), io.StringIO()
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            command(arguments)
    except SystemExit as end:
        # Lightning says which seed it has set.
        lines = [line for line in err.getvalue().splitlines() if not line.startswith("Seed set")]
        if end.code and len(lines) == 1 and name in lines[0]:
            return ""
        return f"status {end.code}, {lines}"
    except BaseException as error:
        return f"{type(error).__name__}: {error}"
    return "no error"


def damages(last: Path, executed: Path, rng: random.Random) -> Iterator[tuple[str, bytes]]:
    """Yield the damaged and foreign files, each with what was done."""
    written = last.read_bytes()
    for index in range(CUTS):
        length = len(written) * index // CUTS
        yield f"cut to {length} of {len(written)} bytes", written[:length]
    for _ in range(FLIPS):
        place, bit = rng.randrange(len(written)), rng.randrange(8)
        flipped = bytearray(written)
        flipped[place] ^= 1 << bit
        yield f"bit {bit} of byte {place} flipped", bytes(flipped)
    yield "a text", b"no checkpoint\n"
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("data.pkl", "nothing")
    yield "another archive", archive.getvalue()
    content = torch.load(last, weights_only=True)
    yield "weights alone", saved(content["state_dict"])
    yield "a list", saved([1, 2])
    yield "no checksum", saved({k: v for k, v in content.items() if k != CHECKSUM})
    payload = Payload(executed)
    yield "a pickled payload", pickle.dumps(payload)
    yield "a saved payload", saved({**content, "payload": payload})
    weights = content["state_dict"]
    name = next(name for name, value in weights.items() if value.is_floating_point())
    broken = {**weights, name: torch.full_like(weights[name], torch.nan)}
    yield "weights that are NaN", saved(with_checksum({**content, "state_dict": broken}))
    other = {**weights, "other": weights[name]}
    yield "weights of another model", saved(with_checksum({**content, "state_dict": other}))
    strange = {**content, "state_dict": other, "class_path": "os.path"}
    yield "an unknown class", saved(with_checksum(strange))


def with_checksum(content: dict[str, Any]) -> dict[str, Any]:
    """Return the content of a checkpoint with a checksum that fits."""
    content = {name: value for name, value in content.items() if name != CHECKSUM}
    return {**content, CHECKSUM: compute_checksum(content)}


def saved(content: Any) -> bytes:
    """Return what torch saves."""
    file = io.BytesIO()
    torch.save(content, file)
    return file.getvalue()
