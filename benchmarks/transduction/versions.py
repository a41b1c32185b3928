"""What the numbers were made with."""

import platform
import subprocess
from importlib.metadata import PackageNotFoundError, version

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


def _checkout() -> str:
    """Name the commit, with "-dirty" behind it where files differ from it."""
    command = ["git", "describe", "--always", "--dirty", "--abbrev=12"]
    try:
        said = subprocess.run(command, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return said.stdout.strip()
