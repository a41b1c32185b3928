"""Readers of texts: files of examples, and lines to rewrite."""

import contextlib
import io
import sys
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any
from unittest import mock

import torch

from benchmarks.faults.fuzzing.naive import texts as naive
from benchmarks.faults.fuzzing.naive.lines import RefusedError, compose
from benchmarks.faults.fuzzing.reader import Expected, Reader, WrongResultError, expect_as, save
from lightning_modules import TransformModule, predict
from pyg_grapheme.text import read_examples
from pyg_grapheme.text.model.edit_decoder import KEEP

TEXTS: dict[str, tuple[str, bytes]] = {
    "inflections": (
        ".tsv",
        "walk\twalked\tV;PST\nsee\tsaw\tV;PST\nüben\tübte\tV;PST;3;SG\nan\tAn\t\n".encode(),
    ),
    "pairs": (".tsv", "cat\tk æ t\nox\tɒ k s\nboat\tb oʊ t\nword\tw ɜː d\n".encode()),
    "table.tsv": (".tsv", b'id\tinput\ttarget\n1\ta b\tc\n2\td\t"e ""f"""\n3\tg\t\n'),
    "table.csv": (".csv", b'input,target,id\r\n"a, b",c,1\r\nd,"e\nf",2\r\n"g ""h""",i,3\r\n'),
    "questions": (
        ".jsonl",
        b'{"input": "How many?", "target": "2"}\n{"target": "caf\\u00e9", "input": "a", "id": 7}\n'
        b'{"input": "\\ud83d\\ude00 \\n b", "target": "", "more": {"a": [1, null]}}\n',
    ),
    "maths": (
        ".jsonl",
        b'{"input_polish": "+ 1 2", "expected_result": 3, "expected_symbolic": null}\n'
        b'{"input_polish": "/ 5 2", "expected_result": 2.5, "expected_symbolic": ""}\n'
        b'{"input_polish": "+ x x", "expected_symbolic": "* 2 x", "id": 1}\n'
        b'{"input_polish": "* 5 5", "expected_result": 25.0}\n',
    ),
    "historical": (
        ".txt",
        "Vnd\tUnd\nIar 1\tIar 1\n⸗\t-\nſie\tsie\n\nwort\nda\tda\tx\n".encode(),
    ),
}
"""Suffix and content of a file of each format."""


def text_readers(folder: Path) -> Iterator[Reader]:
    """Make readers of examples and of lines to rewrite."""
    yield from _example_readers()
    yield from _request_readers(save(keeping_model(), folder / "text.ckpt"))


def _example_readers() -> Iterator[Reader]:
    for name, (suffix, content) in TEXTS.items():
        own = naive.TEXT_FORMATS[name]
        preprocess = "historical" if name == "historical" else "none"
        first = _first_line(content)
        others = [own] if name == "historical" else list(naive.TEXT_FORMATS.values())[:-1]

        def expect(
            data: bytes, own: Any = own, first: bytes = first, others: Any = tuple(others)
        ) -> Expected:
            # The first line tells the format; a damaged one may tell another.
            is_intact = _first_line(data) == first
            found = [expect_as(partial(read, data)) for read in ([own] if is_intact else others)]
            results = [result for expected in found for result in expected.results]
            # Several carriage returns are no usual end of a line.
            may_refuse = not (is_intact and results) or b"\r\r" in data
            return Expected(results, may_refuse, found[0].numbers if is_intact else ())

        def read(path: Path, preprocess: Any = preprocess) -> object:
            return [tuple(example) for example in read_examples(path, preprocess)]

        def read_input(path: Path, preprocess: Any = preprocess) -> object:
            with _standard_input(path):
                return read("-", preprocess)  # type: ignore[arg-type]

        yield Reader(name, suffix, content, read, expect)
        if name in ("pairs", "table.csv"):
            yield Reader(f"{name} of standard input", suffix, content, read_input, expect, weight=3)


def _first_line(data: bytes) -> bytes:
    return data.removeprefix(b"\xef\xbb\xbf").split(b"\n")[0].rstrip(b"\r")


@contextlib.contextmanager
def _standard_input(path: Path) -> Iterator[None]:
    with path.open("rb") if path.is_file() else io.BytesIO() as stream:
        given = io.TextIOWrapper(stream, encoding="utf-8")
        with mock.patch.object(sys, "stdin", given):
            yield
        given.detach()


LINES = "walk\tV;PST\nüben\nה\u05b0\u05d1\n\nA b  c\t\nend".encode()


def _request_readers(checkpoint: Path) -> Iterator[Reader]:
    """Rewrite lines by a model that keeps all units: its answers are the texts in the form NFC."""

    def expect(data: bytes) -> Expected:
        texts, refused = _requests(data)
        return (
            Expected([], True, refused.numbers) if refused else Expected([_answers(texts)], False)
        )

    def rewrite(path: Path, *options: str) -> object:
        stream = io.BytesIO()
        output = io.TextIOWrapper(stream, encoding="utf-8")
        try:
            with mock.patch.object(sys, "stdout", output):
                predict.main([f"--ckpt_path={checkpoint}", "--batch_size=4", *options])
        except SystemExit:
            before, _ = _requests(path.read_bytes() if path.is_file() else b"")
            written = stream.getvalue().decode().split("\n")[:-1]
            if written != _answers(before):
                raise WrongResultError(
                    f"loses answers before the refused line: {written}"
                ) from None
            raise
        return stream.getvalue().decode().split("\n")[:-1]

    def read_lines(path: Path) -> object:
        return rewrite(path, f"--input={path}")

    def read_input(path: Path) -> object:
        with _standard_input(path):
            return rewrite(path)

    for name, read in (("--input", read_lines), ("standard input", read_input)):
        named = f"predict {name}"
        yield Reader(named, ".txt", LINES, read, expect, True, True, 3, longest=0.02, limit=200)


def _requests(data: bytes) -> tuple[list[str], RefusedError | None]:
    """Return the texts to rewrite, up to the first line that has to be refused."""
    texts: list[str] = []
    try:
        texts.extend(naive.requests(data))  # Those before the refused line are kept.
    except RefusedError as refused:
        return texts, refused
    return texts, None


def _answers(texts: Sequence[str]) -> list[str]:
    return [compose(text) for text in texts]


def keeping_model(use_pool: bool = False) -> TransformModule:
    """Return a model that keeps all units, so that its answers are the texts in the form NFC."""
    module = TransformModule(["a"], channels=8, layers=1, use_pool=use_pool)
    operation = module.net.decoder.operation
    with torch.no_grad():
        operation.weight.zero_()
        operation.bias.fill_(-100.0)
        operation.bias[KEEP] = 0.0
    return module
