"""Files of examples; the first line tells the format."""

from collections.abc import Iterator
from typing import get_args

from pyg_grapheme.options import expect_one_of
from pyg_grapheme.text.readers.columns import (
    is_inflection,
    is_pair,
    read_historical,
    read_inflections,
    read_pairs,
    read_table,
)
from pyg_grapheme.text.readers.example_error import fail_at, fail_format
from pyg_grapheme.text.readers.examples import Example, NumberedExamples, NumberedLines
from pyg_grapheme.text.readers.json_lines import (
    is_maths,
    is_question,
    json_object,
    read_maths,
    read_questions,
)
from pyg_grapheme.text.readers.text_input import read_text
from pyg_grapheme.text.typing import PreprocessName
from pyg_grapheme.typing import PathLikeStr


def read_examples(path: PathLikeStr, preprocess: PreprocessName = "none") -> list[Example]:
    """Read a file of examples; its first line tells the format.

    Any line that does not fit is an error naming the line; trailing empty lines are allowed. Lines
    end at line feeds, with or without a carriage return before them.

    Args:
        path: A UTF-8 file, or "-" for standard input, in one of the formats

            * question/answer: JSONL objects, or a TSV or CSV file with a header, with ``input`` and
              ``target``; further fields are ignored,
            * maths problems: JSONL objects with ``input_polish``, ``expected_result``,
              ``expected_symbolic``; the answer is the symbolic one where there is one, else the
              result as text (25.0 as "25"),
            * inflection: three tab-separated columns without a header, lemma, form and features;
              the features, split at ";", become tags,
            * pairs: two tab-separated columns without a header, input and target.
        preprocess: "none", or "historical": read pairs of an old and a modern spelling, with the
            usual preprocessing of historical normalisation (``preprocess_historical``). It drops
            blank lines and lines without a word on one side. It warns of other lines without two
            columns: those without a tab are dropped, too, and further columns are ignored.

    Raises:
        FileNotFoundError: if there is no such file.
        ExampleError: if a line does not fit; the message names the file, the line, its fields and
            those of each format.
        ValueError: if ``preprocess`` is unknown.
    """
    return [example for _, example in locate_examples(path, preprocess)]


def locate_examples(
    path: PathLikeStr, preprocess: PreprocessName = "none"
) -> Iterator[tuple[str, Example]]:
    """Yield the examples that :func:`read_examples` returns, each with its place in messages.

    A place reads "words.tsv, line 3".
    """
    expect_one_of("preprocess", preprocess, get_args(PreprocessName))
    name, text = read_text(path)
    text = text.rstrip("\r\n")
    if preprocess == "historical":
        examples = read_historical(name, _number(name, text))
    else:
        examples = _expect_texts(name, _detect(name, text))
    for number, example in examples:
        yield f"{name}, line {number}", example


def _detect(name: str, text: str) -> NumberedExamples:
    first = text.split("\n", 1)[0].rstrip("\r")
    if first.lstrip().startswith("{"):
        record = json_object(name, 1, first)
        if is_question(record):
            return read_questions(name, _number(name, text))
        if is_maths(record):
            return read_maths(name, _number(name, text))
        fail_format(name, 1, sorted(record))
    for delimiter in "\t,":
        # Our column names never need quoting.
        if {"input", "target"} <= {column.strip('"') for column in first.split(delimiter)}:
            return read_table(name, text, delimiter)
    columns = first.split("\t")
    if is_inflection(columns):
        return read_inflections(name, _number(name, text))
    if not is_pair(columns):
        fail_format(name, 1, columns)
    return read_pairs(name, _number(name, text))


def _number(name: str, text: str) -> NumberedLines:
    for number, ended in enumerate(text.split("\n"), start=1):
        line = ended.rstrip("\r")  # Several, if line ends were converted twice.
        if "\r" in line:
            fail_at(name, number, "a carriage return inside it", "a line feed at its end")
        yield number, line


def _expect_texts(name: str, examples: NumberedExamples) -> NumberedExamples:
    found = False
    for line, example in examples:
        if not example.source:
            fail_at(name, line, "an empty input text", "at least one character to rewrite")
        found = True
        yield line, example
    if not found:
        fail_at(name, 2, "a header and nothing below it", "at least one example")
