"""Readers of texts: files of examples, and lines to rewrite."""

import contextlib
import io
import re
import sys
import warnings
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from unittest import mock

import torch

from benchmarks.faults.fuzzing.naive import texts as naive
from benchmarks.faults.fuzzing.naive.lines import RefusedError, compose
from benchmarks.faults.fuzzing.reader import Expected, Reader, WrongResultError, expect_as, save
from lightning_modules import TransformModule, evaluate, predict
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
}
"""Suffix and content of a file of each format."""


QUESTIONS = (
    '{"input": "walk", "target": "a"}\n{"input": "\\u00fcben", "target": ""}\n'
    '{"id": 3, "target": "c", "input": "d  e"}\n{"input": "ה\u05b0\u05d1", "target": "x"}\n'
).encode()
"""Examples to rewrite."""


def text_readers(folder: Path) -> Iterator[Reader]:
    """Make readers of examples, and of lines and examples to rewrite."""
    yield from _example_readers()
    yield _historical_reader()
    checkpoint = save(keeping_model(), folder / "text.ckpt")
    yield from _request_readers(checkpoint)
    yield _evaluated_reader(checkpoint)


def _example_readers() -> Iterator[Reader]:
    for name, (suffix, content) in TEXTS.items():
        expect = partial(_expect_examples, name)

        def read(path: Path | str) -> object:
            return [tuple(example) for example in read_examples(path)]

        def read_input(path: Path) -> object:
            with _standard_input(path):
                return read("-")

        yield Reader(name, suffix, content, read, expect)
        if name in ("pairs", "table.csv"):
            yield Reader(f"{name} of standard input", suffix, content, read_input, expect, weight=3)


def _expect_examples(name: str, data: bytes) -> Expected:
    """Expect a file to be read in its format; a damaged first line may tell another."""
    is_intact = _first_line(data) == _first_line(TEXTS[name][1])
    formats = [naive.TEXT_FORMATS[name]] if is_intact else naive.TEXT_FORMATS.values()
    found = [expect_as(partial(read, data)) for read in formats]
    results = [result for expected in found for result in expected.results]
    # Several carriage returns are no usual end of a line.
    may_refuse = not (is_intact and results) or b"\r\r" in data
    return Expected(results, may_refuse, found[0].numbers if is_intact else ())


def _historical_reader() -> Reader:
    """Read historical spellings, with the warning of lines that have not two columns."""

    def read(path: Path) -> object:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            examples = [tuple(example) for example in read_examples(path, "historical")]
        found = [re.findall(r"columns: (\d+), .* line (\d+);", str(w.message)) for w in caught]
        return examples, found

    def expect(data: bytes) -> Expected:
        def result() -> object:
            examples = naive.read_historical(data)  # It refuses the first bad line.
            others = naive.other_lines(data)
            warned = [[(str(len(others)), str(others[0]))]] if others else []
            return examples, warned

        return expect_as(result)

    content = "Vnd\tUnd\nIar 1\tIar 1\n⸗\t-\nſie\tsie\n\nwort\nda\tda\tx\n".encode()
    return Reader("historical", ".txt", content, read, expect)


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
    """Rewrite lines and examples by a model that keeps all units.

    Its answers are the texts in the form NFC. One that ends has the probability 0.5, since to
    insert is as probable at the end.
    """

    def make(name: str, options: Sequence[str], is_piped: bool, has_scores: bool) -> Reader:
        requests = naive.requests_of_questions if has_scores else naive.requests

        def answers(data: bytes) -> tuple[list[str], RefusedError | None]:
            """Return the answers up to the first line that has to be refused."""
            texts: list[str] = []
            refused = None
            try:
                texts.extend(requests(data))  # Those before the refused line are kept.
            except RefusedError as error:
                refused = error
            return [compose(text) + "\t0.5000" * has_scores for text in texts], refused

        def expect(data: bytes) -> Expected:
            found, refused = answers(data)
            return Expected([], True, refused.numbers) if refused else Expected([found], False)

        def read(path: Path) -> object:
            given = [*options, *([] if is_piped else [f"--input={path}"])]
            stream = io.BytesIO()
            output = io.TextIOWrapper(stream, encoding="utf-8")
            try:
                with _standard_input(path), mock.patch.object(sys, "stdout", output):
                    predict.main([f"--ckpt_path={checkpoint}", "--batch_size=4", *given])
            except SystemExit:
                before, _ = answers(path.read_bytes() if path.is_file() else b"")
                written = stream.getvalue().decode().split("\n")[:-1]
                if written != before:
                    raise WrongResultError(
                        f"loses answers before the refused line: {written}"
                    ) from None
                raise
            return stream.getvalue().decode().split("\n")[:-1]

        suffix, content = (".jsonl", QUESTIONS) if has_scores else (".txt", LINES)
        return Reader(name, suffix, content, read, expect, True, True, 3, longest=0.02, limit=200)

    yield make("predict --input", [], False, False)
    yield make("predict standard input", [], True, False)
    yield make("predict examples", ["--format=examples", "--scores"], False, True)


def _evaluated_reader(checkpoint: Path) -> Reader:
    """Evaluate a model that keeps all units: it is right where input and target are the same."""

    def read(path: Path) -> object:
        with contextlib.redirect_stdout(io.StringIO()) as printed:
            evaluate.main([f"--ckpt_path={checkpoint}", str(path)])
        examples, matches = re.findall(r" (\d+) +([\d.]+) %", printed.getvalue())[0]
        return examples, matches

    def score(examples: naive.Examples) -> object:
        matches = sum(compose(source) == compose(target) for source, target, _ in examples)
        return str(len(examples)), f"{100 * matches / len(examples):.2f}"

    def expect(data: bytes) -> Expected:
        found = _expect_examples("pairs", data)
        longest = max((len(compose(e[0])) for own in found.results for e in own), default=0)
        if longest > naive.LONGEST:
            return Expected([], True)
        return found._replace(results=[score(own) for own in found.results])

    suffix, content = TEXTS["pairs"]
    return Reader("evaluate", suffix, content, read, expect, True, True, 3, limit=200)


def keeping_model(use_pool: bool = False) -> TransformModule:
    """Return a model that keeps all units, so that its answers are the texts in the form NFC."""
    module = TransformModule(["a"], channels=8, layers=1, use_pool=use_pool)
    operation = module.net.decoder.operation
    with torch.no_grad():
        operation.weight.zero_()
        operation.bias.fill_(-100.0)
        operation.bias[KEEP] = 0.0
    return module
