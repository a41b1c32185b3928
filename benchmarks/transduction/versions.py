"""What the numbers were made with."""

import platform
import subprocess
from hashlib import sha256
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from benchmarks.pools.machine import processor_model

PACKAGES = ("torch", "torch-geometric", "lightning", "torchmetrics", "rapidfuzz", "pyg-grapheme")


def list_versions() -> dict[str, str]:
    """Name the versions of Python, of the packages and of the checkout, and the processor."""
    found = {"python": platform.python_version(), "processor": processor_model()}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found | {"checkout": _checkout()}


def hash_sources() -> str:
    """Name the sources and configs that a run is made of: what they hold, committed or not."""
    content = sha256()
    for folder in ("pyg_grapheme", "lightning_modules", "conf"):
        for path in sorted(Path(folder).rglob("*")):
            if path.suffix in (".py", ".yaml", ".jsonl"):
                content.update(f"{path}\n".encode() + path.read_bytes())
    return content.hexdigest()


def _checkout() -> str:
    """Name the commit, with "-dirty" behind it where files other than results differ from it."""
    try:
        name = _git("rev-parse", "--short=12", "HEAD")
        changed = _git("status", "--porcelain", "--", ":/", ":(top,exclude)benchmarks/results")
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return f"{name}-dirty" if changed else name


def _git(*arguments: str) -> str:
    said = subprocess.run(["git", *arguments], capture_output=True, text=True, check=True)
    return said.stdout.strip()
