"""The machine that the numbers are measured on."""

import platform
from pathlib import Path

import torch


def describe_machine() -> str:
    """Return the number of threads, the version of torch and the processor."""
    threads = torch.get_num_threads()
    return f"{threads} threads, torch {torch.__version__}.\nProcessor: {processor_model()}."


def processor_model() -> str:
    """Return the model of the processor; on Linux, only /proc/cpuinfo has it."""
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text(encoding="utf-8").splitlines() if cpuinfo.exists() else []
    for line in lines:
        key, _, model = line.partition(":")
        if key.strip() == "model name":
            return model.strip()
    return platform.processor() or platform.machine()
