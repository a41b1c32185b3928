"""Records of the transduction tables: JSON lines that no process tears or loses."""

import json
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from benchmarks.transduction.__main__ import main
from benchmarks.transduction.cells import Cell
from benchmarks.transduction.records import (
    Record,
    Stems,
    drop_record,
    read_record,
    read_records,
    table_path,
    write_record,
)

FIRST, SECOND, OTHER = (
    Cell("g2p", "kor", "all", "ours", 0),
    Cell("g2p", "kor", "all", "ours", 1),
    Cell("stems", "german", "low", "ours"),
)


def test_a_record_is_read_as_it_was_written(
    make_record: Callable[..., Record], tmp_path: Path
) -> None:
    records = {
        FIRST: make_record(FIRST, 0.5, 0.25)._replace(versions={"processor": "\u2028é"}),
        SECOND: make_record(SECOND, 0.75),
        OTHER: make_record(OTHER, 0.5)._replace(stems=Stems(3, 0.5, 0.25)),
    }
    assert read_records(tmp_path, records) == {}
    for cell, record in reversed(records.items()):
        write_record(tmp_path, cell, make_record(cell, 0.1))
        write_record(tmp_path, cell, record)
    found = read_records(tmp_path, records)
    assert all(re.match(r"\d{4}-\d\d-\d\dT.*\+00:00$", r.time or "") for r in found.values())
    assert {cell: record._replace(time=None) for cell, record in found.items()} == records
    files = {path.name: path.read_text().count("\n") for path in tmp_path.iterdir()}
    assert files == {"g2p.jsonl": 2, "stems.jsonl": 1}
    drop_record(tmp_path, FIRST)
    assert read_record(tmp_path, FIRST) is None
    assert read_record(tmp_path, SECOND) == found[SECOND]


def test_a_torn_line_is_refused_with_file_and_line(
    make_record: Callable[..., Record], tmp_path: Path
) -> None:
    for cell in (FIRST, SECOND):
        write_record(tmp_path, cell, make_record(cell, 0.5))
    path = table_path(tmp_path, "g2p")
    whole = path.read_text()
    for torn in (whole[:-30], whole + "{}\n", whole + "\n"):
        path.write_text(torn)
        number = 2 if torn == whole[:-30] else 3
        with pytest.raises(ValueError, match=rf"g2p.jsonl:{number}: Expected the record of a cell"):
            write_record(tmp_path, FIRST, make_record(FIRST, 0.5))
        assert path.read_text() == torn
        for action in ("list", "table", "run"):
            with pytest.raises(SystemExit, match=rf"^error: .*g2p.jsonl:{number}: Expected"):
                main([action, f"--output={tmp_path}", f"--report={tmp_path / 'tables.md'}"])


WRITER = """
import pathlib, sys
from benchmarks.cell_records import update_lines
path, name = pathlib.Path(sys.argv[1]), sys.argv[2]
print("ready", flush=True)
for number in range(int(sys.argv[3])):
    update_lines(path, {f"{name}/{number}": {"cell": f"{name}/{number}", "text": "x" * 2000}})
"""


def test_processes_that_write_at_the_same_time_lose_nothing_and_a_killed_one_no_line(
    tmp_path: Path,
) -> None:
    path = tmp_path / "fake.jsonl"
    count = 25

    def start(name: str, number: int) -> "subprocess.Popen[str]":
        command = [sys.executable, "-c", WRITER, str(path), name, str(number)]
        return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)

    with start("a", count) as first, start("b", count) as second, start("c", 10**6) as killed:
        assert killed.stdout is not None
        killed.stdout.readline()
        assert [first.wait(timeout=60), second.wait(timeout=60)] == [0, 0]
        killed.kill()
        assert killed.wait(timeout=60) == -signal.SIGKILL
    names = {json.loads(line)["cell"] for line in path.read_text().splitlines()}
    assert {f"{name}/{number}" for name in "ab" for number in range(count)} <= names
    with start("d", 1) as last:
        assert last.wait(timeout=60) == 0


def test_the_list_says_what_is_done_and_with_which_commit(
    make_record: Callable[..., Record], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    versions = {"checkout": "0123456789ab-dirty"}
    write_record(tmp_path, FIRST, make_record(FIRST, 0.5)._replace(versions=versions))
    main(["list", "--only", "g2p", f"--output={tmp_path}"])
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 4 * 7  # languages; five seeds, an ensemble and a run without the pool
    done = [line.split() for line in lines if not line.startswith("not run ")]
    assert done == [["0123456789ab-dirty", FIRST.name]]
