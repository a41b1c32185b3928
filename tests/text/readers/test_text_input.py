"""Text from files and from standard input, as it comes, and where it is no text."""

import io
import sys
from pathlib import Path

import pytest

from pyg_grapheme.text import Example, ExampleError, read_examples
from pyg_grapheme.text.readers.text_input import open_text


def test_lines_keep_their_ends_and_end_at_line_feeds_alone(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes("\ufeffa\r\n\ufeffb\rc\u2028d\n\né".encode())
    with open_text(path) as (name, lines):
        assert name == str(path)
        assert list(lines) == ["a\r\n", "\ufeffb\rc\u2028d\n", "\n", "é"]


def test_lines_before_a_bad_one_are_handed_out(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes(b"a\nb\n\xff\nc\n")
    with open_text(path) as (_, lines):
        assert [next(lines), next(lines)] == ["a\n", "b\n"]
        with pytest.raises(ExampleError, match=r"a\.txt, line 3: expected .*got byte 0xff"):
            next(lines)


@pytest.mark.parametrize("content", ["a\tb\nc\td\n", "\ufeffinput,target\r\na,b\r\nc,d\r\n"])
def test_a_hyphen_is_standard_input(content: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content.encode()), "ascii"))
    assert read_examples("-") == [Example("a", "b"), Example("c", "d")]
    assert not sys.stdin.closed


def test_what_does_not_fit_in_standard_input_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    for content, message in (
        (
            b"a\tb\nc\td\n\xffe\tf\n",
            r"^standard input, line 3: expected a text file in UTF-8 \(got byte 0xff, which is not",
        ),
        (b"\n", r"^standard input: expected at least one example \(got an empty file\)"),
        (b"a\tb\nc\n", r"^standard input, line 2: expected 2 columns .*\['c'\]"),
    ):
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content)))
        with pytest.raises(ExampleError, match=message):
            read_examples("-")
