"""The versions that a record is made with."""

import platform
from hashlib import sha256
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from benchmarks.checkout import commit
from benchmarks.pools.machine import processor_model

PACKAGES = ("torch", "torch-geometric", "lightning", "torchmetrics", "rapidfuzz", "pyg-grapheme")


def list_versions() -> dict[str, str]:
    """Return the versions of Python and of the packages, the processor, and the commit."""
    found = {"python": platform.python_version(), "processor": processor_model()}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found | {"checkout": commit()}


def hash_sources() -> str:
    """Hash the sources and configs that a run depends on, committed or not."""
    content = sha256()
    for folder in ("pyg_grapheme", "lightning_modules", "conf"):
        for path in sorted(Path(folder).rglob("*")):
            if path.suffix in (".py", ".yaml", ".jsonl"):
                content.update(f"{path}\n".encode() + path.read_bytes())
    return content.hexdigest()
