"""Damaged files and random pairs of texts."""

import sys
from collections import Counter
from pathlib import Path
from random import Random

import numpy as np
import pytest

from benchmarks.faults.fuzzing import readers, record_readers
from benchmarks.faults.fuzzing.array_mutations import mutate_arrays
from benchmarks.faults.fuzzing.edits import fuzz_edits
from benchmarks.faults.fuzzing.mutations import mutate
from benchmarks.faults.fuzzing.naive import tables as naive_tables
from benchmarks.faults.fuzzing.naive import texts as naive_texts
from benchmarks.faults.fuzzing.naive.lines import RefusedError
from benchmarks.faults.fuzzing.reader import Expected
from benchmarks.faults.fuzzing.readers import fuzz_case, fuzz_reader, fuzz_readers, make_readers
from pyg_grapheme.text import read_examples

CASES = 1000
READ = "benchmarks.faults.fuzzing.text_readers.read_examples"


def test_damaged_files_are_read_whole_or_refused_in_one_line(tmp_path: Path) -> None:
    outcome = fuzz_readers(CASES, 0, tmp_path)
    assert outcome.failures == []
    assert outcome.tried == outcome.survived + outcome.refused == CASES
    assert min(outcome.survived, outcome.refused) > CASES // 5


def test_edits_of_any_two_texts_give_the_target() -> None:
    assert fuzz_edits(CASES, 0)[:4] == (CASES, CASES, 0, [])


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
    assert fuzz_case(first.split()[0], tmp_path).failures == [first]
    with pytest.raises(ValueError, match=r"Expected '--case' to be SEED/NUMBER \(got '3'\)"):
        fuzz_case("3", tmp_path)


def test_damage_depends_on_the_seed_alone_and_is_of_every_kind() -> None:
    data = b"a\tb\nc\td\n"
    drawn = [mutate(data, Random(seed)) for seed in range(400)]
    assert drawn == [mutate(data, Random(seed)) for seed in range(400)]
    kinds = Counter(name for _, done in drawn for name in done)
    assert len(kinds) >= 13
    assert all(changed != data for changed, _ in drawn)


def test_damaged_arrays_differ() -> None:
    arrays = {"x": np.ones(2), "y": np.array([], dtype=np.int64)}
    for seed in range(200):
        changed, done = mutate_arrays(arrays, Random(seed))
        assert done
        assert [(n, a.dtype, a.shape, a.tolist()) for n, a in sorted(changed.items())] != [
            (n, a.dtype, a.shape, a.tolist()) for n, a in arrays.items()
        ]


@pytest.mark.parametrize(
    ("message", "found"),
    [
        ("{path}, line 2: expected text", "names another line than (1,)"),
        ("{path}: expected text", "does not name the line, (1,)"),
        ("{path}, line 1: expected text\nmore", "not one line"),
        ("{path}: no such file", "does not name the line, (1,)"),
        ("expected 'no such file' (got {path})", "does not name the file"),
    ],
)
def test_messages_have_to_name_the_first_bad_line(
    message: str, found: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reader = next(r for r in make_readers(tmp_path) if r.name == "pairs")
    monkeypatch.setattr(readers, "mutate", lambda *_: (b"cat\nox\tx", ["tab lost"]))

    def fail(path: Path) -> None:
        print(f"error: {message.format(path=path)}", file=sys.stderr)
        raise SystemExit(2)

    broken = reader._replace(read=fail, expect=lambda data: Expected([], True, (1,)))
    (failure,) = fuzz_reader([broken], 0, 0, tmp_path).failures
    assert found in failure


def test_a_format_that_is_left_out_is_noted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(record_readers, "find_spec", lambda name: None)
    assert "Parquet" in str(fuzz_readers(1, 0, tmp_path).notes)


@pytest.mark.parametrize(
    ("name", "data", "examples"),
    [
        ("pairs", b"\xef\xbb\xbfa\tb\r\nc\t\r\n\r\n", [("a", "b", ()), ("c", "", ())]),
        ("inflections", b"go\twent\tV;;PST\n", [("go", "went", ("V", "PST"))]),
        ("table.csv", b'target,input\n"a\nb","c"""\n', [('c"', "a\nb", ())]),
        ("maths", b'{"input_polish": "x", "expected_result": 25.0}', [("x", "25", ())]),
        ("maths", b'{"input_polish": "x", "expected_result": -1.5}', [("x", "-1.5", ())]),
    ],
)
def test_what_is_expected_is_what_the_documentation_says(
    name: str, data: bytes, examples: object
) -> None:
    assert naive_texts.TEXT_FORMATS[name](data) == examples


def test_historical_lines_without_two_columns_are_known() -> None:
    data = b"Vnd\tUnd 1\nlost\n\nI 1\ti 1\nda\tda\tx"
    pairs = [("vnd", "und 1", ()), ("i 0", "i 0", ()), ("da", "da", ())]
    assert naive_texts.read_historical(data) == pairs
    assert naive_texts.other_lines(data) == [2, 5]


@pytest.mark.parametrize(
    ("name", "data", "line"),
    [
        ("pairs", b"a\tb\n\nc\td\n", 2),
        ("pairs", b"a\tb\nc\n\xff", 3),
        ("pairs", b"a\tb\r\nc\td\re\tf\n", 2),
        ("pairs", b"source\ttarget\na\tb\n", 1),
        ("table.csv", b'target,input\n"a\nb,c\n', 2),
        ("table.csv", b"input,input,target\na,b,c\n", 1),
        ("maths", b'{"input_polish": "x", "expected_result": NaN}', 1),
        ("questions", b'{"input": "\\ud800", "target": ""}', 1),
        ("questions", b'{"input": "a", "target": "b"}\n{"input": "a", "input": "b"}', 2),
    ],
)
def test_what_is_refused_has_a_line(name: str, data: bytes, line: int) -> None:
    with pytest.raises(RefusedError) as refused:
        naive_texts.TEXT_FORMATS[name](data)
    assert refused.value.numbers == (line,)


@pytest.mark.parametrize(
    ("suffix", "data", "numbers"),
    [
        (".csv", b'a,b\n1,"2\n3",4\n', (3,)),
        (".csv", b"a,a\n1,2\n", ()),
        (".jsonl", b'{"id": 1}\n\n{"id": 1, "id": 2}\n', (3,)),
    ],
)
def test_tables_that_are_refused(suffix: str, data: bytes, numbers: tuple[int, ...]) -> None:
    with pytest.raises(RefusedError) as refused:
        naive_tables.record_table(data, suffix)
    assert refused.value.numbers == numbers
