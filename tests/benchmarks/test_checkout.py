"""Results are written from a clean checkout, and say its commit."""

import re
import subprocess
from pathlib import Path

import pytest

from benchmarks import checkout
from benchmarks.checkout import RESULTS, begin_result, commit, end_result


def test_a_checkout_is_dirty_if_anything_but_results_differs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def git(*arguments: str) -> str:
        named = ("-c", "user.name=a", "-c", "user.email=a@b.c", "-c", "core.hooksPath=")
        return subprocess.run(
            ["git", "-C", str(tmp_path), *named, *arguments],
            capture_output=True,
            text=True,
            check=True,
        ).stdout.strip()

    for variable in ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    assert commit(tmp_path) == "unknown"
    git("init", "-q")
    git("commit", "-q", "--allow-empty", "-m", "first")
    head = git("rev-parse", "--short=12", "HEAD")
    (tmp_path / "benchmarks/results").mkdir(parents=True)
    (tmp_path / "benchmarks/results/new.jsonl").touch()
    assert commit(tmp_path) == head
    (tmp_path / "new.py").touch()
    assert commit(tmp_path) == f"{head}-dirty"
    monkeypatch.setenv("PATH", "")
    assert commit(tmp_path) == "unknown"


@pytest.mark.parametrize("name", ["0123456789ab-dirty", "unknown"])
def test_a_result_is_refused_without_a_clean_checkout(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checkout, "commit", lambda: name)
    with pytest.raises(SystemExit, match=f"^error: Expected a clean checkout, .*got {name}"):
        begin_result(None, RESULTS / "new.md")
    assert begin_result(None, tmp_path / "new.md").startswith(f"Commit {name}, ")


def test_a_result_says_commit_and_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(checkout, "commit", lambda: "0123456789ab")
    stamp = begin_result(RESULTS / "new.md")
    assert re.fullmatch(r"Commit 0123456789ab, \d{4}-\d\d-\d\d \d\d:\d\d UTC\.", stamp)
    end_result(tmp_path / "new.md", stamp, None, "table")
    text = (tmp_path / "new.md").read_text(encoding="utf-8")
    assert text == f"{stamp}\n\ntable\n" == capsys.readouterr().out.removesuffix("\n")
