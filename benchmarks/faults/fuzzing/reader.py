"""What is known of a reader of files: what it reads, and what it should return."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

from benchmarks.faults.fuzzing.naive.lines import RefusedError
from lightning_modules import TaskModule, predict
from lightning_modules.run.atomic_checkpoint import AtomicCheckpointIO


class WrongResultError(AssertionError):
    """A reader did something wrong."""


class Expected(NamedTuple):
    """What a reader has to do with a file.

    Attributes:
        results: What it may return; it has to refuse the file if there is none.
        may_refuse: Whether it may refuse the file.
        numbers: The line, or the record, that a message has to name; empty if that is not known.
    """

    results: Sequence[object]
    may_refuse: bool
    numbers: tuple[int, ...] = ()


def expect_as(read: Callable[[], object]) -> Expected:
    """Expect a file to be read as a naive reader reads it, and to be refused where it refuses."""
    try:
        return Expected([read()], False)
    except RefusedError as refused:
        return Expected([], True, refused.numbers)


class Reader(NamedTuple):
    """A reader of one kind of file.

    Attributes:
        name: Its name.
        suffix: Suffix of the files.
        content: A valid file, before it is packed.
        read: Reads a file.
        expect: Says what should be read from the content of a file.
        has_lines: Whether a message has to name a line.
        is_command: Whether it is a command, which prints the message itself.
        weight: How often it is tried.
        pack: Makes a file of its content.
        longest: Probability of a long line.
        limit: Bytes of a line at most; a model takes milliseconds for each.
    """

    name: str
    suffix: str
    content: bytes
    read: Callable[[Path], object]
    expect: Callable[[bytes], Expected]
    has_lines: bool = True
    is_command: bool = False
    weight: int = 10
    pack: Callable[[bytes], bytes] = bytes
    longest: float = 0.002
    limit: int | None = None


def save(module: TaskModule, path: Path) -> Path:
    """Write a checkpoint of a model that was not trained, and return its path."""
    content = {"state_dict": module.state_dict(), "hyper_parameters": dict(module.hparams)}
    module.on_save_checkpoint(content)
    AtomicCheckpointIO().save_checkpoint(content, path)
    return path


def predict_file(output: Path, arguments: Sequence[str]) -> str:
    """Let ``predict`` write a file, and return its content.

    Raises:
        WrongResultError: if it refuses the input and leaves an output all the same.
    """
    output.unlink(missing_ok=True)
    try:
        predict.main([*arguments, f"--output={output}"])
    except SystemExit:
        if output.exists():
            raise WrongResultError("leaves an output, though it refuses the input") from None
        raise
    return output.read_bytes().decode()
