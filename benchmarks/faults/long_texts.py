"""Texts of twenty thousand characters."""

import contextlib
import io
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from benchmarks.faults.fuzzing.reader import save
from benchmarks.faults.fuzzing.text_readers import keeping_model
from benchmarks.faults.outcome import Outcome, add_up, attempt
from benchmarks.faults.own_process import find_in_own_process
from lightning_modules import predict

LIMIT, RANKED_LIMIT = 20_000, 4_000
"""Units of a text at most: of any, and where rewrites are ranked."""

WAYS: tuple[tuple[str, ...], ...] = ((), ("--beam=2",), ("--scores",), ("--beam=2", "--scores"))


def long_texts(folder: Path, limits: tuple[int, int] = (LIMIT, RANKED_LIMIT)) -> Outcome:
    """Give ``predict`` texts that are as long as it takes, and longer ones, in all its ways.

    The model keeps all texts as they are, so their answers are known. A text survives if that is
    its answer, and is refused if one line names it and the limit.

    Args:
        folder: An empty folder.
        limits: Units of the longest texts to try.
    """
    checkpoint = save(keeping_model(use_pool=True), folder / "text.ckpt")
    several = (f"--ckpt_path={save(keeping_model(), folder / 'other.ckpt')}",)
    outcomes = []
    for way in (*WAYS, several):
        limit, longest = (RANKED_LIMIT, limits[1]) if way else (LIMIT, limits[0])
        for size in sorted({longest, limit + 1, LIMIT + 1}):
            given = [f"--ckpt_path={checkpoint}", *way]
            how = f"{size} characters, {way}"
            find = partial(find_in_own_process, predict_long, size, limit, given, folder)
            outcome = attempt(how, find)
            is_refused = size > limit and not outcome.failures
            outcomes.append(
                outcome._replace(survived=outcome.survived - is_refused, refused=int(is_refused))
            )
    return add_up(outcomes)


def predict_long(size: int, limit: int, given: Sequence[str], folder: Path) -> list[str]:
    """Rewrite a text of some length between others, and return what is wrong with the answer."""
    text = ("abcdefghij " * size)[: size - 1] + "z"
    path = folder / "long.txt"
    path.write_text(f"cat\n{text}\nbus\n")
    stream, err = io.BytesIO(), io.StringIO()
    out = io.TextIOWrapper(stream, encoding="utf-8")
    status: object = 0
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            predict.main([*given, f"--input={path}"])
    except SystemExit as end:
        status = end.code
    # With scores, there are others behind the best answer.
    answers = [line.split("\t")[0] for line in stream.getvalue().decode().split("\n")]
    expected = ["cat", ""] if size > limit else ["cat", text, "bus", ""]
    found = [] if answers == expected else [f"other answers: {[a[:40] for a in answers]}"]
    errors = err.getvalue()
    if size <= limit:
        return found if status == 0 and not errors else [f"status {status}, {errors}"]
    begin = f"error: {path}, line 2: expected at most {limit} units"
    if status != 2 or errors.count("\n") != 1 or not errors.startswith(begin):
        return [*found, f"status {status}, {errors[:300]}"]
    return found
