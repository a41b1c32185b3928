"""The machine that the numbers are measured on."""

import platform
from pathlib import Path

import torch


def describe_machine(device: str = "cpu") -> str:
    """Return the number of threads, the version of torch, the processor, and the GPU if used."""
    lines = [
        f"{torch.get_num_threads()} threads, torch {torch.__version__}.",
        f"Processor: {processor_model()}.",
    ]
    if device == "cuda":
        lines.append(f"GPU: {torch.cuda.get_device_name()}.")
    return "\n".join(lines)


def processor_model() -> str:
    """Return the model of the processor; on Linux, only /proc/cpuinfo has it."""
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text(encoding="utf-8").splitlines() if cpuinfo.exists() else []
    for line in lines:
        key, _, model = line.partition(":")
        if key.strip() == "model name":
            return model.strip()
    return platform.processor() or platform.machine()
