"""The harness of the transduction tables: cells, records, resuming."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from benchmarks.transduction import overrides
from benchmarks.transduction.__main__ import main
from benchmarks.transduction.cells import Cell, find_cell, list_cells
from benchmarks.transduction.records import Record, read_record, record_path, write_record
from benchmarks.transduction.running import choose, run_missing
from benchmarks.transduction.versions import list_versions


def test_every_cell_is_there_once_and_baselines_come_first() -> None:
    cells = list_cells()
    assert len(cells) == len(set(cells))
    assert all(find_cell(cell.name) == cell for cell in cells)
    rows = [cell.row for cell in cells]
    ours = rows.index("ours")
    assert set(rows[:ours]) == {"suffix_table", "look_up", "tagger"}
    # The default, 12 of inflection, 4 of g2p, 4 of normalisation, 1 of maths; only then the rest.
    assert rows[ours : ours + 22] == ["ours"] * 22
    assert all(cell.seed == 0 for cell in cells[: ours + 22])
    configs = {overrides.CONFIGS[cell.table] for cell in cells[ours : ours + 22]}
    assert configs == set(Path("conf").glob("*.yaml"))
    medium = [c for c in cells if c[:3] == ("inflection", "turkish", "medium")]
    for row in ("ours", "without_pool", "fixed_threshold"):
        assert [c.seed for c in medium if c.row == row] == [0, 1, 2]


def test_an_unknown_cell_is_named() -> None:
    with pytest.raises(ValueError, match=r"Expected 'name' to be that of a cell \(got 'a/b'\)"):
        find_cell("a/b")


def test_patterns_choose() -> None:
    names = {cell.name for cell in choose(list_cells(), ["g2p/kor", "*/look_up"])}
    corpora = ("german-ridges", "icelandic-icepahc")
    looked_up = {f"normalisation/{c}/{s}/look_up/0" for c in corpora for s in ("25000", "all")}
    assert names == {f"g2p/kor/all/ours/{seed}" for seed in range(3)} | looked_up
    assert choose(list_cells(), []) == list_cells()
    with pytest.raises(ValueError, match=r"Expected '--only' to fit .* \(got 'g2p/fra'\)"):
        choose(list_cells(), ["g2p", "g2p/fra"])
    with pytest.raises(SystemExit, match="Expected '--only' to fit"):
        main(["run", "--only", "nothing"])


def test_a_record_is_read_as_it_was_written(
    make_record: Callable[..., Record], tmp_path: Path
) -> None:
    cell = Cell("inflection", "english", "low", "ours")
    record = make_record(cell, 0.5, 0.25)
    assert read_record(tmp_path, cell) is None
    write_record(tmp_path, cell, record)
    assert read_record(tmp_path, cell) == record
    assert [path.name for path in record_path(tmp_path, cell).parent.iterdir()] == ["0.json"]


def test_a_checkout_is_dirty_if_anything_but_results_differs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def git(*arguments: str) -> str:
        named = ("-c", "user.name=a", "-c", "user.email=a@b.c", "-c", "core.hooksPath=")
        return subprocess.run(
            ["git", *named, *arguments], capture_output=True, text=True, check=True
        ).stdout.strip()

    (tmp_path / "repository/benchmarks/results").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "repository")
    for variable in ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE"):
        monkeypatch.delenv(variable, raising=False)
    git("init", "-q")
    git("commit", "-q", "--allow-empty", "-m", "first")
    head = git("rev-parse", "--short=12", "HEAD")
    Path("benchmarks/results/new.json").touch()
    assert list_versions()["checkout"] == head
    Path("new.py").touch()
    assert list_versions()["checkout"] == f"{head}-dirty"


def test_without_git_a_checkout_is_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    assert list_versions()["checkout"] == "unknown"


QUICK = [Cell("fake", name, "low", "ours") for name in ("first", "second", "third")]


PROGRAM = """
import pathlib, sys
path, tries, code = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]), int(sys.argv[3])
tries.open("a").write("x")
print("said")
if code:
    sys.exit(code)
path.parent.mkdir(parents=True)
path.write_text("{}")
"""


def run_quick(folder: Path, broken: str = "", hours: float = 1.0) -> tuple[list[str], list[str]]:
    """Run three cells that only write a file; say which failed and how often each was tried."""

    def command(cell: Cell) -> list[str]:
        paths = [str(record_path(folder, cell)), str(folder / cell.language)]
        return [sys.executable, "-c", PROGRAM, *paths, "3" if cell.language == broken else "0"]

    failed = run_missing(QUICK, folder, command, folder / "logs", hours)
    tries = [folder / cell.language for cell in QUICK]
    return [c.language for c in failed], [p.read_text() if p.exists() else "" for p in tries]


def test_a_crash_loses_its_own_cell_and_the_next_run_makes_it_good(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_quick(tmp_path, broken="second") == (["second"], ["x", "x", "x"])
    assert "fake/second/low/ours/0: failed with status 3" in capsys.readouterr().err
    assert run_quick(tmp_path) == ([], ["x", "xx", "x"])
    assert (tmp_path / "logs/fake/second/low/ours/0.log").read_text() == "said\nsaid\n"


MEETING = """
import pathlib, sys, time
path, mine, other = map(pathlib.Path, sys.argv[1:])
mine.touch()
end = time.monotonic() + 60
while not other.exists():
    if time.monotonic() > end:
        sys.exit(4)
    time.sleep(0.01)
path.parent.mkdir(parents=True)
path.write_text("{}")
"""


def test_two_cells_are_run_at_a_time(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    first, second, third = QUICK
    others = {first: second, second: first, third: third}

    def command(cell: Cell) -> list[str]:
        paths = record_path(tmp_path, cell), tmp_path / cell.language
        return [
            sys.executable,
            "-c",
            MEETING,
            *map(str, paths),
            str(tmp_path / others[cell].language),
        ]

    assert run_missing(QUICK, tmp_path, command, tmp_path / "logs", jobs=2) == []
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


def test_a_run_that_is_told_to_end_ends_its_cell(tmp_path: Path) -> None:
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


def test_no_cell_is_begun_when_time_is_up(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_quick(tmp_path, hours=0.0) == ([], ["", "", ""])
    assert "before fake/first" in capsys.readouterr().err


def test_the_list_says_what_is_done_and_with_which_code(
    make_record: Callable[..., Record], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cell = Cell("g2p", "kor", "all", "ours")
    versions = {"checkout": "0123456789ab-dirty"}
    write_record(tmp_path, cell, make_record(cell, 0.5)._replace(versions=versions))
    main(["list", "--only", "g2p", f"--output={tmp_path}"])
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 4 * 3  # languages and seeds
    done = [line.split() for line in lines if not line.startswith("not run ")]
    assert done == [["0123456789ab-dirty", cell.name]]
