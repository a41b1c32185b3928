"""Damaged files and random pairs of texts."""

from collections import Counter
from pathlib import Path
from random import Random

import pytest

from benchmarks.faults import naive_readers
from benchmarks.faults.edits import fuzz_edits
from benchmarks.faults.mutations import mutate
from benchmarks.faults.readers import fuzz_reader, fuzz_readers, make_readers
from pyg_grapheme.text import read_examples

CASES = 1000
READ = "benchmarks.faults.text_readers.read_examples"


def test_damaged_files_are_read_whole_or_refused_in_one_line(tmp_path: Path) -> None:
    outcome = fuzz_readers(CASES, 0, tmp_path)
    assert outcome.failures == []
    assert outcome.tried == outcome.survived + outcome.refused == CASES
    assert min(outcome.survived, outcome.refused) > CASES // 5


def test_edits_of_any_two_texts_give_the_target() -> None:
    assert fuzz_edits(CASES, 0) == (CASES, CASES, 0, [])


def test_every_reader_reads_its_file_without_damage(tmp_path: Path) -> None:
    for reader in make_readers(tmp_path):
        path = tmp_path / f"input{reader.suffix}"
        data = reader.pack(reader.content)
        path.write_bytes(data)
        expected = reader.expect(data)
        assert not expected.may_refuse, reader.name
        assert reader.read(path) in expected.results, reader.name


def test_a_reader_that_loses_a_line_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(READ, lambda *given: read_examples(*given)[:-1])
    outcome = fuzz_readers(100, 0, tmp_path)
    assert any("reads something else" in failure for failure in outcome.failures)


@pytest.mark.parametrize(
    ("error", "found"),
    [
        (KeyError("column"), "KeyError"),
        (ValueError("no name"), "does not name the file"),
    ],
)
def test_wrong_errors_are_found(
    error: Exception, found: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise error

    monkeypatch.setattr(READ, fail)
    failures = fuzz_readers(40, 0, tmp_path).failures
    assert failures
    assert all(found in failure for failure in failures)


def test_a_failure_can_be_repeated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(READ, lambda *_: [])
    first = fuzz_readers(40, 3, tmp_path).failures[0]
    index = int(first.split()[0].removeprefix("3/"))
    assert fuzz_reader(make_readers(tmp_path), 3, index, tmp_path).failures == [first]


def test_damage_depends_on_the_seed_alone_and_is_of_every_kind() -> None:
    data = b"a\tb\nc\td\n"
    drawn = [mutate(data, Random(seed)) for seed in range(400)]
    assert drawn == [mutate(data, Random(seed)) for seed in range(400)]
    kinds = Counter(name for _, done in drawn for name in done)
    assert len(kinds) >= 13
    assert sum(changed != data for changed, _ in drawn) > 300


@pytest.mark.parametrize(
    ("name", "data", "examples"),
    [
        ("pairs", b"\xef\xbb\xbfa\tb\r\nc\t\r\n\r\n", [("a", "b", ()), ("c", "", ())]),
        ("pairs", b"a\tb\n\nc\td\n", None),
        ("pairs", b"source\ttarget\na\tb\n", None),
        ("inflections", b"go\twent\tV;;PST\n", [("go", "went", ("V", "PST"))]),
        ("table.csv", b'target,input\n"a\nb","c"""\n', [('c"', "a\nb", ())]),
        ("table.csv", b'target,input\n"a\nb,c\n', None),
        ("maths", b'{"input_polish": "x", "expected_result": 25.0}', [("x", "25", ())]),
        ("maths", b'{"input_polish": "x", "expected_result": -1.5}', [("x", "-1.5", ())]),
        ("maths", b'{"input_polish": "x", "expected_result": NaN}', None),
        ("questions", b'{"input": "\\ud800", "target": ""}', None),
        ("historical", b"Vnd\tUnd 1\n.\tx\nI 1\ti 1", [("vnd", "und 1", ()), ("i 0", "i 0", ())]),
    ],
)
def test_what_is_expected_is_what_the_documentation_says(
    name: str, data: bytes, examples: object
) -> None:
    assert naive_readers.TEXT_FORMATS[name](data) == examples
