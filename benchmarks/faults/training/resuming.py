"""Runs that go on after a fault, by the command that began them."""

from collections import Counter
from collections.abc import Callable
from pathlib import Path

from benchmarks.faults.outcome import Outcome, attempt
from benchmarks.faults.training.run_ends import differences, unreadable
from benchmarks.faults.training.runs import EPOCHS, newest, read_log, start, trained_epochs, wait
from lightning_modules.run.checkpoint import read_checkpoint

KEPT, HALF = "with a checkpoint to go on from", "with a half-written checkpoint"


def survive(
    how: str, options: list[str], folder: Path, whole: Path, fault: Callable[[], list[str]]
) -> Outcome:
    """Let a fault happen to a run, and go on with it.

    The run survives if its end is as expected, if all files that it leaves can be read, if it has
    the checkpoint of the last epoch that was over, if it goes on from there in the same folder, and
    if it then ends as a run without any fault, bit for bit.

    Args:
        how: What is tried.
        options: The options of the run.
        folder: Where it is.
        whole: The folder of a run without any fault.
        fault: Waits for the fault and the end of the run, and returns what is wrong with that end.
    """
    notes: Counter[str] = Counter()

    def find() -> list[str]:
        found = fault() or unreadable(folder)
        notes.update([HALF] if any(folder.rglob("*.ckpt.part")) else [])
        if found:
            return found
        kept = list(folder.glob("*/version_*/checkpoints/last.ckpt"))
        notes[KEPT] += len(kept)
        return _go_on(options, folder, kept) or differences(whole, newest(folder))

    return attempt(how, find)._replace(notes=notes)


def _go_on(options: list[str], folder: Path, kept: list[Path]) -> list[str]:
    """Start the command again, and return what is wrong with how it goes on."""
    done = read_checkpoint(kept[0])["epoch"] + 1 if kept else 0
    runs, log = set(folder.glob("*/version_*")), read_log(folder)
    if done < max(trained_epochs(log), default=0):
        return [f"it has lost a checkpoint: {done} epochs are left of {trained_epochs(log)}"]
    status = wait(start(options, folder))
    said = read_log(folder)[len(log) :]
    if status != 0:
        return [f"it does not go on: status {status}, {said[-300:]!r}"]
    if kept and set(folder.glob("*/version_*")) != runs:
        return ["it starts again in another folder, though there is a checkpoint"]
    if trained_epochs(said) != list(range(done, EPOCHS)):
        return [f"it has {done} epochs, and trains {trained_epochs(said)}"]
    return []
