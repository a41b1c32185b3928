"""The harness of the transduction tables: cells, and runs that can be stopped and resumed."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from benchmarks.cell_records import choose
from benchmarks.transduction import overrides
from benchmarks.transduction.__main__ import main
from benchmarks.transduction.cells import Cell, find_cell, list_cells
from benchmarks.transduction.records import Record, table_path, write_record
from benchmarks.transduction.running import run_missing


def test_every_cell_is_listed_once_and_baselines_come_first() -> None:
    cells = list_cells()
    assert len(cells) == len(set(cells))
    assert all(find_cell(cell.name) == cell for cell in cells)
    rows = [cell.row for cell in cells]
    ours = rows.index("ours")
    assert set(rows[:ours]) == {"suffix_table", "look_up", "tagger"}
    # An ensemble comes directly behind its members.
    ensembles = [index for index, row in enumerate(rows) if row == "ensemble"]
    assert len(ensembles) == 2 * 7 + 4 + 2
    for index in ensembles:
        number = 3 if cells[index].table == "normalisation" else 5
        members = [cells[index]._replace(row="ours", seed=seed) for seed in range(number)]
        assert cells[index - number : index] == members
    configs = {overrides.CONFIGS[cell.table] for cell in cells if cell.table in overrides.CONFIGS}
    no_texts = {"tracks", "records", "authors", "songs", "citations"}
    others = {Path(f"conf/{name}.yaml") for name in ("english", *no_texts)}
    assert configs == set(Path("conf").glob("*.yaml")) - others
    medium = [c for c in cells if c[:3] == ("inflection", "turkish", "medium")]
    for row in ("tagger", "without_pool", "graphemes", "composed", "without_case"):
        assert [c.seed for c in medium if c.row == row] == [0]
    hindi = {c.row for c in cells if c[:3] == ("inflection", "hindi", "medium")}
    assert "graphemes" in hindi
    assert not {"composed", "without_case"} & hindi
    with pytest.raises(ValueError, match=r"Expected 'name' to be that of a cell \(got 'a/b'\)"):
        find_cell("a/b")


def test_patterns_choose() -> None:
    names = {cell.name for cell in choose(list_cells(), ["g2p/kor", "*/look_up"], "--only")}
    corpora = ("german-ridges", "icelandic-icepahc")
    looked_up = {f"normalisation/{c}/{s}/look_up/0" for c in corpora for s in ("25000", "all")}
    korean = {f"g2p/kor/all/ours/{seed}" for seed in range(5)}
    korean |= {"g2p/kor/all/ensemble/0", "g2p/kor/all/without_pool/0"}
    assert names == korean | looked_up
    assert choose(list_cells(), [], "--only") == list_cells()
    with pytest.raises(ValueError, match=r"Expected '--only' to fit .* \(got 'g2p/fra'\)"):
        choose(list_cells(), ["g2p", "g2p/fra"], "--only")
    with pytest.raises(SystemExit, match="Expected '--only' to fit"):
        main(["run", "--only", "nothing"])


CELLS = [Cell("fake", name, "low", "ours") for name in ("first", "second", "third")]

PROGRAM = """
import pathlib, sys, time
lines, line, mine, other, code = sys.argv[1:]
with open(mine, "a") as file:
    file.write("x")
print("said")
end = time.monotonic() + 60
while not pathlib.Path(other).exists():
    if time.monotonic() > end:
        sys.exit(4)
    time.sleep(0.01)
if int(code):
    sys.exit(int(code))
with open(lines, "a") as file:
    file.write(line)
"""
"""Note the try, wait for another cell, then fail or write a record."""

Run = Callable[..., tuple[list[str], list[str]]]


@pytest.fixture
def run(make_record: Callable[..., Record], tmp_path: Path) -> Run:
    """Run three cells; return those that failed, and the tries of each cell."""
    lines = {}
    for cell in CELLS:
        write_record(tmp_path / cell.language, cell, make_record(cell, 0.5))
        lines[cell] = table_path(tmp_path / cell.language, "fake").read_text()

    def run_cells(
        broken: str = "", waits: dict[str, str] | None = None, hours: float = 1.0, jobs: int = 1
    ) -> tuple[list[str], list[str]]:
        def command(cell: Cell) -> list[str]:
            other = (waits or {}).get(cell.language, cell.language)
            paths = [str(tmp_path / f"{name}.tries") for name in (cell.language, other)]
            code = "3" if cell.language == broken else "0"
            file = str(table_path(tmp_path, "fake"))
            return [sys.executable, "-c", PROGRAM, file, lines[cell], *paths, code]

        failed = run_missing(CELLS, tmp_path, command, tmp_path / "logs", hours, jobs)
        tries = [tmp_path / f"{cell.language}.tries" for cell in CELLS]
        return [c.language for c in failed], [p.read_text() if p.exists() else "" for p in tries]

    return run_cells


def test_a_cell_that_fails_is_run_again_and_only_that(
    run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(hours=0.0) == ([], ["", "", ""])
    assert "before fake/first" in capsys.readouterr().err
    assert run(broken="second") == (["second"], ["x", "x", "x"])
    assert "fake/second/low/ours/0: failed with status 3" in capsys.readouterr().err
    assert run() == ([], ["x", "xx", "x"])
    assert (tmp_path / "logs/fake/second/low/ours/0.log").read_text() == "said\nsaid\n"


def test_two_cells_are_run_at_a_time(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(waits={"first": "second", "second": "first"}, jobs=2) == ([], ["x", "x", "x"])
    with pytest.raises(SystemExit):
        main(["run", "--jobs", "0"])
    assert "Expected '--jobs' to be at least 1 (got 0)" in capsys.readouterr().err


ENDLESS = """
import os, pathlib, sys, time
pid = pathlib.Path(sys.argv[1])
pid.with_suffix(".new").write_text(str(os.getpid()))
pid.with_suffix(".new").rename(pid)
time.sleep(600)
"""


@pytest.mark.slow
def test_a_terminated_run_ends_its_cell(tmp_path: Path) -> None:
    runs = (
        "import pathlib, sys\n"
        "from benchmarks.transduction.cells import Cell\n"
        "from benchmarks.transduction.running import run_missing\n"
        "cell, folder = Cell('fake', 'one', 'low', 'ours'), pathlib.Path(sys.argv[1])\n"
        "command = [sys.executable, '-c', sys.argv[2], str(folder / 'pid')]\n"
        "run_missing([cell], folder, lambda cell: command, folder / 'logs')\n"
    )
    pid = tmp_path / "pid"
    with subprocess.Popen([sys.executable, "-c", runs, str(tmp_path), ENDLESS]) as process:
        while not pid.exists():
            assert process.poll() is None
            time.sleep(0.05)
        process.terminate()
        assert process.wait(timeout=60) == 128 + signal.SIGTERM
    with pytest.raises(ProcessLookupError):
        os.kill(int(pid.read_text()), 0)
