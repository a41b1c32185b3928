"""Requests to rewrite texts, from lines, arguments or examples, in batches."""

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from lightning_modules.errors import exit_on_input_error
from pyg_grapheme.text import Example
from pyg_grapheme.text.readers.columns import split_tags
from pyg_grapheme.text.readers.example_error import shorten


class Request(NamedTuple):
    """A text to rewrite.

    Attributes:
        where: Its name in messages, such as "standard input, line 3".
        text: The text, without line end.
        tags: Its tags.
    """

    where: str
    text: str
    tags: tuple[str, ...]


def requests_of_lines(name: str, lines: Iterable[str], tags: str = "") -> Iterator[Request]:
    r"""Read lines of a text, or of a text, a tab and tags.

    Args:
        name: Name of the input.
        lines: Lines with or without their ends.
        tags: Tags for all lines, put before their own, such as "V;PST".

    Raises:
        ValueError: at a line with more columns, or a carriage return inside, after those before
            it were yielded.

    >>> next(requests_of_lines("words.tsv", ["walk\tPST\r\n"], tags="V"))
    Request(where='words.tsv, line 1', text='walk', tags=('V', 'PST'))
    """
    for number, line in enumerate(lines, start=1):
        # Several carriage returns, if line ends were converted twice.
        yield _request(f"{name}, line {number}", line.removesuffix("\n").rstrip("\r"), tags)


def requests_of_texts(texts: Iterable[str], tags: str = "") -> Iterator[Request]:
    """Read texts from the command line, each like a line.

    Raises:
        ValueError: at a text that is not UTF-8, or has several lines or more than two columns.
    """
    for number, text in enumerate(texts, start=1):
        where = f"text {number}"
        try:
            text.encode()
        except UnicodeEncodeError as error:
            raise ValueError(f"{where}: expected a text in UTF-8 (got {text!r})") from error
        yield _request(where, text, tags)


def requests_of_examples(
    examples: Iterable[tuple[str, Example]], tags: str = ""
) -> Iterator[Request]:
    """Read the inputs and tags of examples, each with its place.

    Raises:
        ValueError: at an input of several lines, after those before it were yielded.
    """
    for where, example in examples:
        _expect_one_line(where, example.source)
        yield Request(where, example.source, (*split_tags(tags), *example.tags))


def read_batches(requests: Iterator[Request], size: int) -> Iterator[list[Request]]:
    """Collect requests into batches of ``size``, without reading ahead.

    If reading fails, the requests before are yielded as a last, smaller batch; then the error is
    printed, and the program exits with status 2.
    """
    batch: list[Request] = []
    failure: Exception | None = None
    try:
        for request in requests:
            batch.append(request)
            if len(batch) == size:
                yield batch
                batch = []
    except (ValueError, OSError) as error:
        failure = error
    if batch:
        yield batch
    if failure is not None:
        with exit_on_input_error():
            raise failure


def _request(where: str, line: str, tags: str) -> Request:
    _expect_one_line(where, line)
    columns: Sequence[str] = line.split("\t")
    if len(columns) > 2:
        raise ValueError(
            f"{where}: expected a text, or a text, a tab and tags (got {len(columns)} columns)"
        )
    return Request(where, columns[0], split_tags(";".join([tags, *columns[1:]])))


def _expect_one_line(where: str, text: str) -> None:
    if "\n" in text or "\r" in text:
        raise ValueError(f"{where}: expected a text of one line (got {shorten(text)!r})")
