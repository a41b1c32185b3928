"""The commit that a result is made with: results are written from a clean checkout only."""

import subprocess
from datetime import UTC, datetime
from pathlib import Path

RESULTS = Path(__file__).resolve().parent / "results"
ROOT = RESULTS.parents[1]
DIRTY = "-dirty"


def commit(folder: Path = ROOT) -> str:
    """Return the commit of a checkout, with "-dirty" if files other than results differ from it.

    Returns:
        "unknown" if git does not know the folder, or is not installed.
    """

    def git(*arguments: str) -> str:
        command = ["git", "-C", str(folder), *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()

    try:
        name = git("rev-parse", "--short=12", "HEAD")
        changed = git("status", "--porcelain", "--", ":/", ":(top,exclude)benchmarks/results")
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return name + DIRTY if changed else name


def begin_result(*paths: Path | None) -> str:
    """Return the line of a result that says commit and time; call it before what takes long.

    Args:
        paths: Files that the result is written to, None where it is only printed.

    Raises:
        SystemExit: if a file lies in ``benchmarks/results`` and the checkout is not clean.
    """
    name = commit()
    if name == "unknown" or name.endswith(DIRTY):
        for path in paths:
            if path is not None and path.resolve().is_relative_to(RESULTS):
                raise SystemExit(
                    f"error: Expected a clean checkout, to write {path} (got {name}): "
                    "commit the changes, or write elsewhere"
                )
    return f"Commit {name}, {datetime.now(UTC):%Y-%m-%d %H:%M} UTC."


def end_result(output: Path | None, *parts: str | None) -> None:
    """Print the parts of a result that are there, and write them to a file if one is given."""
    text = "\n\n".join(part for part in parts if part is not None) + "\n"
    print(text)
    if output is not None:
        output.write_text(text, encoding="utf-8")
