"""Damaged files for all readers: each is read whole, or refused in one line that names it."""

import contextlib
import io
import re
import signal
import threading
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from random import Random
from types import FrameType

import numpy as np

from benchmarks.faults.fuzzing.array_mutations import mutate_arrays
from benchmarks.faults.fuzzing.graph_readers import graph_readers
from benchmarks.faults.fuzzing.mutations import mutate
from benchmarks.faults.fuzzing.naive.lines import RefusedError
from benchmarks.faults.fuzzing.naive.tables import unpack
from benchmarks.faults.fuzzing.reader import Expected, Reader, WrongResultError
from benchmarks.faults.fuzzing.record_readers import record_readers
from benchmarks.faults.fuzzing.text_readers import text_readers
from benchmarks.faults.outcome import Outcome, add_up, name_error
from lightning_modules.errors import exit_on_input_error

PATIENCE = 20
"""Seconds after which a reader counts as hanging."""

LONGEST_MESSAGE = 5000
"""Characters of a message, above which nobody reads it."""

WHOLE_FILE = re.compile(
    r"no such file"
    r"|expected a (file|gzip file|Parquet file) \("
    r"|expected at least one (example|pair|record)"
    r"|expected distinct names of columns"
    r"|expected the names of columns"
    r"|expected '[^']+' to be the name of a column:"
    r"|expected ids in the column"
    r"|expected two (records of one known entity|columns of ids)"
    r"|expected (a record|records|pairs)"
    r"|expected all columns that the model"
    r"|expected (numbers|dates)"
    r"|expected .{0,80} two distinct values"
)
"""Reasons to refuse a whole file, not a line."""

PLACE = re.compile(r"(?:, (?:line|record|pair|graph) (?P<number>\d+)(?:, '.*?')?)?: (?P<reason>.*)")
"""What follows the name of the file."""


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
    outcome = add_up(fuzz_reader(readers, seed, index, folder) for index in range(number))
    if not any(reader.suffix == ".parquet" for reader in readers):
        outcome = outcome._replace(notes={"format left out (Parquet: no pyarrow)": 1})
    return outcome


def fuzz_case(case: str, folder: Path) -> Outcome:
    """Repeat one case, "SEED/NUMBER", in an empty folder.

    Raises:
        ValueError: if the case has another form.
    """
    if re.fullmatch(r"\d+/\d+", case) is None:
        raise ValueError(f"Expected '--case' to be SEED/NUMBER (got {case!r})")
    seed, index = map(int, case.split("/"))
    return fuzz_reader(make_readers(folder), seed, index, folder)


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
    except Exception as error:  # Also of the naive reader: it must not end the other cases.
        problem = str(error) if isinstance(error, WrongResultError) else name_error(error)
        content = "" if data is None else f"; {len(data)} bytes: {data[:400]!r}"
        text = f"{seed}/{index} {reader.name} [{', '.join(done)}]: {problem}{content}"
        return Outcome(1, 0, 0, [text])
    return Outcome(1, int(not is_refused), int(is_refused), [])


def _damage(reader: Reader, rng: Random) -> tuple[bytes, list[str]]:
    if reader.suffix == ".npz" and rng.random() < 0.6:
        with np.load(io.BytesIO(reader.content)) as file:
            arrays, done = mutate_arrays({name: file[name] for name in file.files}, rng)
        stream = io.BytesIO()
        np.savez(stream, allow_pickle=False, **arrays)
        return stream.getvalue(), done
    if reader.pack is not bytes and rng.random() < 0.5:
        return mutate(reader.pack(reader.content), rng, 0)
    while True:
        data, done = mutate(reader.content, rng, reader.longest)
        if "lengthen" not in done:
            data = b"\n".join(line[: reader.limit] for line in data.split(b"\n"))
        if data != reader.content:
            return reader.pack(data), done


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
        _check_message(message, reader, path, data, expected)
        if not expected.may_refuse:
            raise WrongResultError(f"refuses a file that is as documented: {message}") from end
        return True
    except WrongResultError:
        raise
    except Hanging as error:
        raise WrongResultError(f"hangs for {PATIENCE} s") from error
    except Exception as error:
        raise WrongResultError(name_error(error)) from error
    if not expected.results:
        raise WrongResultError(f"reads what it should refuse: {str(result)[:300]}")
    if result not in expected.results:
        other = str(expected.results[0])[:300]
        raise WrongResultError(f"reads something else: {str(result)[:300]} instead of {other}")
    return False


def _check_message(
    message: str, reader: Reader, path: Path, data: bytes | None, expected: Expected
) -> None:
    shown = message if len(message) < 600 else f"{message[:600]}…"
    if not message.startswith("error: ") or message.count("\n") != 1:
        raise WrongResultError(f"not one line of an error: {shown}")
    if len(message) > LONGEST_MESSAGE:
        raise WrongResultError(f"a message of {len(message)} characters: {message[:200]}…")
    name = "standard input" if message.startswith("error: standard input") else str(path)
    place = PLACE.match(message.removeprefix(f"error: {name}"))
    if not message.startswith(f"error: {name}") or place is None:
        raise WrongResultError(f"does not name the file: {shown}")
    if data is not None and reader.has_lines:
        _check_place(place, expected.numbers, reader, data, shown)


def _check_place(
    place: re.Match[str], numbers: Sequence[int], reader: Reader, data: bytes, shown: str
) -> None:
    if place["number"] is None:
        if numbers or not WHOLE_FILE.match(place["reason"]):
            raise WrongResultError(f"does not name the line, {numbers or 'any'}: {shown}")
        return
    if numbers:
        if int(place["number"]) not in numbers:
            raise WrongResultError(f"names another line than {numbers}: {shown}")
        return
    try:
        content = unpack(data) if reader.suffix.endswith(".gz") else data
    except RefusedError:
        return  # A line is named that the damage has made.
    # A line that is missing at the end is the one behind the last.
    if not 1 <= int(place["number"]) <= content.count(b"\n") + content.count(b"\r") + 2:
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
