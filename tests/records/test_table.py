"""Reading tables."""

import csv
import gzip
import json
import re
import sys
from datetime import date
from pathlib import Path
from unittest.mock import Mock

import numpy as np
import pytest

from pyg_grapheme.records.columns import column_kinds, to_days, to_numbers
from pyg_grapheme.records.table import Table, read_table

ROWS = [["Smith, Ann", "3"], ["Gül", "NULL"], ['a "b"', "4.5"]]


@pytest.mark.parametrize(
    ("name", "delimiter"), [("t.csv", ","), ("t.csv", "|"), ("t.csv", ";"), ("t.tsv", "\t")]
)
@pytest.mark.parametrize("ending", ["", ".gz"])
def test_rows_are_those_that_were_written(
    tmp_path: Path, name: str, delimiter: str, ending: str
) -> None:
    path = tmp_path / (name + ending)
    with gzip.open(path, "wt", newline="") if ending else path.open("w", newline="") as file:
        csv.writer(file, delimiter=delimiter).writerows([["name", "number"], *ROWS])
    table = read_table(path)
    assert dict(table.columns) == {"name": [row[0] for row in ROWS], "number": ["3", "", "4.5"]}
    assert table.num_rows == len(ROWS)


def test_parquet(tmp_path: Path) -> None:
    pa = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    path = tmp_path / "t.parquet"
    columns = {
        "a": ["x", None],
        "b": [1.5, np.nan],
        "c": [["p", "q"], []],
        "d": [date(1950, 2, 3), None],
        "e": [7, None],
    }
    parquet.write_table(pa.table(columns), path)
    assert dict(read_table(path).columns) == {
        "a": ["x", ""],
        "b": ["1.5", ""],
        "c": [("p", "q"), ()],
        "d": ["1950-02-03", ""],
        "e": ["7", ""],
    }
    parquet.write_table(pa.table([["x"], ["y"]], names=["a", "a"]), path)
    with pytest.raises(ValueError, match="expected a Parquet file"):
        read_table(path)
    parquet.write_table(pa.table([["x"]], names=[" "]), path)
    with pytest.raises(ValueError, match=r"names of columns \(got one without a name\)"):
        read_table(path)


def test_checksums_in_a_parquet_file_are_compared(tmp_path: Path) -> None:
    pa = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    path = tmp_path / "t.parquet"
    options = {"use_dictionary": False, "compression": "none", "write_page_checksum": True}
    parquet.write_table(pa.table({"name": ["Bob"]}), path, write_statistics=False, **options)
    written = path.read_bytes()
    assert written.count(b"Bob") == 1
    path.write_bytes(written.replace(b"Bob", b"Cob"))
    with pytest.raises(ValueError, match="expected a Parquet file"):
        read_table(path)


def test_a_damaged_parquet_file_is_named_whatever_its_reader_raises(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "t.parquet"
    path.write_bytes(b"PAR1")
    parquet = Mock(read_table=Mock(side_effect=KeyError("column\n0")))
    monkeypatch.setitem(sys.modules, "pyarrow", Mock(parquet=parquet))
    with pytest.raises(ValueError, match=re.escape(f"{path}: expected a Parquet file ('column")):
        read_table(path)
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(ImportError, match="pyarrow"):
        read_table(path)


def test_a_byte_order_mark_and_a_trailing_delimiter_are_no_column(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("\ufeffa|b|\n1|2|\n3||\n", encoding="utf-8")
    assert dict(read_table(path).columns) == {"a": ["1", "3"], "b": ["2", ""]}


def test_an_empty_line_is_a_record_of_one_column(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("a\nx\n\ny\n")
    assert read_table(tmp_path / "t.csv").columns == {"a": ["x", "", "y"]}
    (tmp_path / "t.csv").write_text("a,b\nx,1\n\ny,2\n")
    assert read_table(tmp_path / "t.csv").num_rows == 2


def test_objects_may_lack_fields_and_hold_lists(tmp_path: Path) -> None:
    path = tmp_path / "t.jsonl.gz"
    records = [{"a": "x"}, {"b": ["y", None, "z"], "a": None}, {"a": 5, "b": []}]
    with gzip.open(path, "wt") as file:
        file.writelines(f"{json.dumps(record)}\n" for record in records)
    table = read_table(path)
    assert dict(table.columns) == {"a": ["x", "", "5"], "b": ["", ("y", "z"), ()]}
    assert table.texts("b", "b") == ["", "y; z", ""]


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("t.csv", b"", "expected the names of columns in the first line (got none)"),
        ("t.csv", b"a,b\n", "expected at least one record (got none)"),
        ("t.csv", b"a,a\n1,2\n", "expected distinct names of columns (got 'a' twice)"),
        ("t.csv", b"a,,b\n1,2,3\n", "expected distinct names of columns (got one without a name)"),
        ("t.csv", b"a,b\n1,2\n1\n", "line 3: expected 2 columns (got 1)"),
        ("t.csv", b"a,b\n1,2\n\xff,2\n", "line 3: expected UTF-8 (got byte 0xff)"),
        ("t.csv", b'a,b\n1,"2\n', "line 2: unexpected end of data"),
        ("t.csv.gz", b"a,b", "expected a gzip file"),
        ("t.csv.gz", gzip.compress(b"a,b", mtime=0)[:10] + b"\xff" * 9, "expected a gzip file"),
        ("t.jsonl", b"", "expected at least one record (got none)"),
        ("t.jsonl", b'{"a": 1}\n{"a":\n', "line 2: expected JSON"),
        ("t.jsonl", b'{"a": ' + b"1" * 5000 + b"}", "line 1: expected JSON (Exceeds the limit"),
        ("t.jsonl", b"[" * 100_000, "line 1: expected JSON (maximum recursion depth"),
        ("t.jsonl", rb'{"\ud800": 1}', "line 1: expected no lone surrogate (got '\\ud800')"),
        ("t.jsonl", rb'{"a": ["b\udfff"]}', "line 1, 'a': expected no lone surrogate"),
        ("t.jsonl", b'{"a": 1, "a": 2}', "line 1: expected JSON ('a' is there twice)"),
        ("t.jsonl", b"[1]\n", "line 1: expected an object (got list)"),
        ("t.jsonl", b'{"a": {}}\n', "line 1, 'a': expected a text, a number, or a list"),
        ("t.txt", b"a", "expected a file .csv"),
    ],
)
def test_bad_files_are_named_with_their_line(
    tmp_path: Path, name: str, content: bytes, message: str
) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r"expected|unexpected") as error:
        read_table(path)
    assert str(error.value).startswith(str(path))
    assert message in str(error.value)
    assert "\n" not in str(error.value)


def test_no_such_file_and_no_such_column(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"x\.csv: no such file"):
        read_table(tmp_path / "x.csv")
    table = Table({"a": ["1"]}, 1, "t.csv")
    with pytest.raises(ValueError, match=r"t\.csv: expected 'cluster' to be .* column: 'a' \(got"):
        table.column("b", "cluster")


def test_kinds_of_columns() -> None:
    columns = {
        "number": ["1", "2.5", "-3e2", ""],
        "date": ["2024-05-17", "2024-05-18T12:00", "", "1999-01-01"],
        "text": ["1", "x", "y", "1_000"],
        "list": ["", ("a",), (), ("b", "c")],
        "same": ["k", "k", "", "k"],
    }
    kinds = column_kinds(Table(columns, 4))
    assert kinds == {"number": "number", "date": "date", "text": "text", "list": "list"}
    assert to_days(columns["date"])[[1, 0]] @ [1, -1] == 1.5
    numbers = [1, 2.5, -300, np.nan]
    assert to_numbers(columns["number"]) == pytest.approx(numbers, nan_ok=True)
    with pytest.raises(ValueError, match="a column of at least two distinct values"):
        column_kinds(Table({"same": columns["same"]}, 4))
    with pytest.raises(ValueError, match="'same' to have at least two distinct values"):
        column_kinds(Table(columns, 4), {"same": "text"})
    with pytest.raises(ValueError, match=r"'columns\.text' to be one of"):
        column_kinds(Table(columns, 4), {"text": "words"})
