"""What a model is asked to rewrite, line by line, in batches."""

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from lightning_modules.errors import reported
from pyg_grapheme.text import Example
from pyg_grapheme.text.readers.columns import split_tags


class Request(NamedTuple):
    """A text to rewrite.

    Attributes:
        where: What errors call it, such as "standard input, line 3".
        text: Without the end of its line.
        tags: That say how.
    """

    where: str
    text: str
    tags: tuple[str, ...]


def requests_of_lines(name: str, lines: Iterable[str], tags: str = "") -> Iterator[Request]:
    r"""Read lines of a text, or of a text, a tab and tags.

    Args:
        name: Of what they are read from.
        lines: With or without their ends, which are no part of a text.
        tags: For all lines, before those of their own, such as "V;PST".

    Raises:
        ValueError: at a line of more columns, once those before it were handed out.

    >>> next(requests_of_lines("words.tsv", ["walk\tPST\r\n"], tags="V"))
    Request(where='words.tsv, line 1', text='walk', tags=('V', 'PST'))
    """
    for number, line in enumerate(lines, start=1):
        line = line.removesuffix("\n").removesuffix("\r")
        yield _request(f"{name}, line {number}", line, tags)


def requests_of_texts(texts: Iterable[str], tags: str = "") -> Iterator[Request]:
    """Take texts as they come from the command line, each as if it were a line.

    Raises:
        ValueError: at a text that is not UTF-8, or of more than two columns.
    """
    for number, text in enumerate(texts, start=1):
        where = f"text {number}"
        try:
            text.encode()
        except UnicodeEncodeError as error:
            raise ValueError(f"{where}: expected a text in UTF-8 (got {text!r})") from error
        yield _request(where, text, tags)


def requests_of_examples(
    name: str, examples: Iterable[Example], tags: str = ""
) -> Iterator[Request]:
    """Take the inputs of examples, and what tags they have."""
    for number, example in enumerate(examples, start=1):
        where = f"{name}, example {number}"
        yield Request(where, example.source, (*split_tags(tags), *example.tags))


def read_batches(requests: Iterator[Request], size: int) -> Iterator[list[Request]]:
    """Collect requests, ``size`` at a time, without waiting for more than that.

    Where reading fails, those read before come as a last, smaller batch; when that was dealt with,
    the failure is reported, and the program exits with status 2.
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
        with reported():
            raise failure


def _request(where: str, line: str, tags: str) -> Request:
    columns: Sequence[str] = line.split("\t")
    if len(columns) > 2:
        raise ValueError(
            f"{where}: expected a text, or a text, a tab and tags (got {len(columns)} columns)"
        )
    return Request(where, columns[0], split_tags(";".join([tags, *columns[1:]])))
