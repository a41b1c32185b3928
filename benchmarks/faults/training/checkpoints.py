"""Checkpoints that are damaged or foreign, given to all commands."""

import contextlib
import io
import random
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import torch

from benchmarks.faults.outcome import Outcome, add_up, name_error
from benchmarks.faults.training.checkpoint_damage import damages
from benchmarks.faults.training.run_ends import are_equal, flatten
from benchmarks.faults.training.runs import TASKS, train
from lightning_modules import evaluate, fit, predict

Command = Callable[[list[str]], None]


class Answer(NamedTuple):
    """How a command ends.

    Attributes:
        status: 0, or the status that it ends with.
        written: What it writes to standard output.
        errors: Lines of standard error.
        bug: The exception that it raises, or nothing.
    """

    status: object
    written: str
    errors: list[str]
    bug: str = ""


def damage_checkpoints(task: str, seed: int, folder: Path) -> Outcome:
    """Give damaged and foreign checkpoints of a task to ``predict``, ``evaluate`` and ``fit``.

    Each has to be refused in one line, and nothing in it may run. A file that holds what the whole
    checkpoint holds may be loaded, since no harm is done, and so may one whose damage a command
    does not read; the command has to write then what it writes with the whole one.
    """
    options = TASKS[task](folder)
    last = train(options, folder / "run") / "checkpoints" / "last.ckpt"
    damaged, executed = folder / "damaged.ckpt", folder / "executed"
    commands = _commands(task, options, folder / "resumed")
    answers = {name: ask(command, given, last) for name, (command, given) in commands.items()}
    whole = torch.load(last, weights_only=True)
    outcomes: list[Outcome] = []
    for damage in damages(last, executed, random.Random(seed)):
        damaged.write_bytes(damage.written)
        is_same = holds(damaged, whole)
        for name, (command, given) in commands.items():
            answer = ask(command, given, damaged)
            expected = answers[name] if is_same or name not in damage.refused_by else None
            outcome = judge(f"{task}, {damage.how}, {name}", answer, expected, damaged)
            if executed.exists():
                executed.rmdir()
                outcome = Outcome(1, 0, 0, [f"{task}, {damage.how}, {name}: its code has run"])
            outcomes.append(outcome)
    other = next(name for name in TASKS if name != task)
    foreign = train(TASKS[other](folder), folder / other) / "checkpoints" / "last.ckpt"
    for how, path, more in (
        ("a model of another size", last, ["--model.channels=12"]),
        ("a model of another task", foreign, []),
    ):
        answer = ask(fit.main, [*commands["fit"][1], *more], path)
        outcomes.append(judge(f"{task}, {how}, fit", answer, None, path))
    shutil.rmtree(folder / "resumed", ignore_errors=True)
    return add_up(outcomes)


def _commands(task: str, options: list[str], output: Path) -> dict[str, tuple[Command, list[str]]]:
    """Return the commands, each with its arguments but for the checkpoint."""
    starts = "--data.records=" if task == "records" else "--data.train="
    data = next(o.removeprefix(starts) for o in options if o.startswith(starts))
    training = [option for option in options if not option.startswith("--ckpt_path")]
    predicted = {"text": ["cat"], "partition": [data], "records": [data, "--id=id"]}
    evaluated = {"text": [data], "partition": [data], "records": [data, "--cluster=person"]}
    return {
        "predict": (predict.main, predicted[task]),
        "evaluate": (evaluate.main, evaluated[task]),
        "fit": (fit.main, [*training, f"--output={output}"]),
    }


def holds(path: Path, whole: Any) -> bool:
    """Return whether a file holds the same values and tensors as a whole checkpoint."""
    expected = dict(flatten(whole, but=()))
    try:
        found = dict(flatten(torch.load(path, weights_only=True), but=()))
    except Exception:
        return False
    return found.keys() == expected.keys() and all(
        are_equal(found[place], expected[place]) for place in expected
    )


def ask(command: Command, arguments: list[str], checkpoint: Path) -> Answer:
    """Run a command with a checkpoint."""
    stream, err = io.BytesIO(), io.StringIO()
    out, status, bug = io.TextIOWrapper(stream, encoding="utf-8"), object(), ""
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            command([f"--ckpt_path={checkpoint}", *arguments])
            status = 0
    except SystemExit as end:
        status = end.code
    except Exception as error:
        bug = name_error(error)
    out.flush()
    # Lightning says which seed it has set.
    lines = [line for line in err.getvalue().splitlines() if not line.startswith("Seed set")]
    written = "" if command is fit.main else stream.getvalue().decode()  # It has times in it.
    return Answer(status, written, lines, bug)


def judge(how: str, answer: Answer, expected: Answer | None, checkpoint: Path) -> Outcome:
    """Judge an answer: it refuses the checkpoint, or is the expected one if there is one."""
    if answer.status == 2 and len(answer.errors) == 1 and str(checkpoint) in answer.errors[0]:
        return Outcome(1, 0, 1, [])
    if expected is not None and answer[:2] == expected[:2] and answer.status == 0:
        return Outcome(1, 1, 0, [])
    problem = answer.bug or f"status {answer.status}, {answer.errors}, {answer.written[:100]!r}"
    return Outcome(1, 0, 0, [f"{how}: {problem}"])
