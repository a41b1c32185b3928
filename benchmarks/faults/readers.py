"""Damaged files for all readers: each is read whole, or refused in one line that names it."""

import contextlib
import io
import re
import signal
import threading
import traceback
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from random import Random
from types import FrameType

import numpy as np

from benchmarks.faults import naive_readers as naive
from benchmarks.faults.graph_readers import graph_readers
from benchmarks.faults.mutations import mutate, mutate_arrays
from benchmarks.faults.outcome import Outcome, add_up
from benchmarks.faults.reader import Expected, Reader, WrongResultError
from benchmarks.faults.record_readers import record_readers
from benchmarks.faults.text_readers import text_readers
from lightning_modules.errors import exit_on_input_error

PATIENCE = 20
"""Seconds after which a reader counts as hanging."""

LONGEST_MESSAGE = 5000
"""Characters of a message, above which nobody reads it."""

WHOLE_FILE = (
    "a gzip file",
    "all columns that the model",
    "at least one",
    "directory",
    "distinct names",
    "empty file",
    "expected dates",
    "expected graphs",
    "expected ids in the column",
    "expected numbers",
    "names of columns",
    "no such file",
    "of one known entity",
    "to name one of",
    "two columns of ids",
    "two distinct values",
)
"""Reasons to refuse a whole file, not a line."""


class Hanging(BaseException):
    """A reader that does not come to an end; no reader can catch it as an error of the input."""


def fuzz_readers(number: int, seed: int, folder: Path) -> Outcome:
    """Let all readers read damaged files.

    A reader survives a file that it reads as an independent reader does, and may refuse one that
    is not as documented. Cases depend on the seed and their index alone.

    Args:
        number: Number of files.
        seed: Of the damage.
        folder: An empty folder for the files.
    """
    readers = make_readers(folder)
    return add_up(fuzz_reader(readers, seed, index, folder) for index in range(number))


def fuzz_reader(readers: Sequence[Reader], seed: int, index: int, folder: Path) -> Outcome:
    """Let a random reader read one damaged file; repeats a failure by seed and index."""
    rng = Random(f"{seed}/{index}")
    reader = rng.choices(readers, [reader.weight for reader in readers])[0]
    path = folder / f"input{reader.suffix}"
    data: bytes | None
    data, done = _damage(reader, rng)
    _remove(path)
    where = rng.random()
    if where < 0.99 or "standard input" in reader.name:
        path.write_bytes(data)
    elif where < 0.995:
        done, data = ["no file"], None
    else:
        done, data = ["a folder"], None
        path.mkdir()
    try:
        is_refused = _try(reader, path, data)
    except WrongResultError as failure:
        content = "" if data is None else f"; {len(data)} bytes: {data[:400]!r}"
        text = f"{seed}/{index} {reader.name} [{', '.join(done)}]: {failure}{content}"
        return Outcome(1, 0, 0, [text])
    return Outcome(1, not is_refused, is_refused, [])


def _damage(reader: Reader, rng: Random) -> tuple[bytes, list[str]]:
    if reader.suffix == ".npz" and rng.random() < 0.6:
        with np.load(io.BytesIO(reader.content)) as file:
            arrays, done = mutate_arrays({name: file[name] for name in file.files}, rng)
        stream = io.BytesIO()
        np.savez(stream, allow_pickle=False, **arrays)
        return stream.getvalue(), done
    if reader.pack is not bytes and rng.random() < 0.5:
        return mutate(reader.pack(reader.content), rng, 0)
    data, done = mutate(reader.content, rng, reader.longest)
    lines = (line[: reader.limit] for line in data.split(b"\n"))
    return reader.pack(b"\n".join(lines)), done


def _remove(path: Path) -> None:
    if path.is_dir():
        path.rmdir()
    path.unlink(missing_ok=True)


def _try(reader: Reader, path: Path, data: bytes | None) -> bool:
    """Read a file and compare; return whether it is refused.

    Raises:
        WrongResultError: if the reader does what it must not.
    """
    expected = Expected([], True) if data is None else reader.expect(data)
    errors = io.StringIO()
    try:
        printing = contextlib.nullcontext() if reader.is_command else exit_on_input_error()
        with _limit(), contextlib.redirect_stderr(errors), printing:
            result = reader.read(path)
    except SystemExit as end:
        message = errors.getvalue()
        if end.code != 2:
            raise WrongResultError(f"status {end.code}: {message}") from end
        _check_message(message, reader, path, data)
        if not expected.may_refuse:
            raise WrongResultError(f"refuses a file that is as documented: {message}") from end
        return True
    except WrongResultError:
        raise
    except Hanging as error:
        raise WrongResultError(f"hangs for {PATIENCE} s") from error
    except Exception as error:
        last = traceback.extract_tb(error.__traceback__)[-1]
        place = f"{Path(last.filename).name}:{last.lineno}"
        raise WrongResultError(f"{type(error).__name__} at {place}: {str(error)[:300]}") from error
    if not expected.results:
        raise WrongResultError(f"reads what it should refuse: {str(result)[:300]}")
    if result not in expected.results:
        other = str(expected.results[0])[:300]
        raise WrongResultError(f"reads something else: {str(result)[:300]} instead of {other}")
    return False


def _check_message(message: str, reader: Reader, path: Path, data: bytes | None) -> None:
    shown = message if len(message) < 600 else f"{message[:600]}…"
    if not message.startswith("error: ") or message.count("\n") != 1:
        raise WrongResultError(f"not one line of an error: {shown}")
    if len(message) > LONGEST_MESSAGE:
        raise WrongResultError(f"a message of {len(message)} characters: {message[:200]}…")
    if re.match(r"error: prediction \d+: expected one line", message):
        return  # The text may end in a carriage return, so its answer may have one.
    if str(path) not in message and "standard input" not in message:
        raise WrongResultError(f"does not name the file: {shown}")
    if data is None or not reader.has_lines or any(reason in message for reason in WHOLE_FILE):
        return
    named = re.search(r"\b(?:line|record|pair) (\d+)", message.replace(str(path), ""))
    if named is None:
        raise WrongResultError(f"does not name the line: {shown}")
    content = naive.unpack(data) if reader.suffix.endswith(".gz") else data
    if content is None:
        return  # A line is named that the damage has made.
    if not 1 <= int(named[1]) <= content.count(b"\n") + content.count(b"\r") + 1:
        raise WrongResultError(f"names a line that is not there: {shown}")


@contextlib.contextmanager
def _limit() -> Iterator[None]:
    """Interrupt what hangs, where this is the main thread; a warning counts as an error."""

    def stop(number: int, frame: FrameType | None) -> None:
        raise Hanging

    is_main = threading.current_thread() is threading.main_thread()
    before = signal.signal(signal.SIGALRM, stop) if is_main else None
    if is_main:
        signal.alarm(PATIENCE)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            yield
    finally:
        if is_main:
            signal.alarm(0)
            signal.signal(signal.SIGALRM, before)


def make_readers(folder: Path) -> list[Reader]:
    """Make all readers, and the small models that the commands among them need."""
    return [*text_readers(folder), *record_readers(folder), *graph_readers(folder)]
