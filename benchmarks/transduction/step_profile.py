"""Profile of a training step: operators of torch by their own time."""

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import lightning as L
import torch
from torch.profiler import ProfilerActivity, profile, schedule

from benchmarks.pools.tables import format_table
from benchmarks.transduction.cells import Cell
from benchmarks.transduction.ours import name_files
from benchmarks.transduction.overrides import fit_options
from benchmarks.transduction.versions import list_versions
from lightning_modules.cli import make_cli

WARM_UP, STEPS, TOP = 20, 100, 14

PYTHON = "Python, between operators"

DONE: Mapping[str, str] = {
    PYTHON: "lattices of all texts at once, row by row; means are logged once per epoch",
    "aten::mm": "of all merges of a word, only the nodes that differ are scored, once each",
    "aten::addmm": "as aten::mm, in the forward pass",
    "aten::mkldnn_rnn_layer": "packed sequences without padding: one fused kernel per layer",
    "aten::mkldnn_rnn_layer_backward": "as aten::mkldnn_rnn_layer",
    "aten::bernoulli_": "dropout; one mask for all columns",
    "aten::cat": "concatenates inputs and states for the recurrent networks; unchanged",
    "aten::_fused_adamw_": "fused: one call for all parameters, a third of the time of a loop",
    "aten::mul": "gradients and dropout; averages of weights take one call, not one per weight",
    "aten::add": "gradients and lattices; otherwise as aten::mul",
    "aten::exp": "backward pass of sums of probabilities in lattices",
    "aten::index": "selects nodes of merges and rows of lattices; unchanged",
    "aten::_index_put_impl_": "backward pass of aten::index, and padding; unchanged",
    "aten::copy_": "clones of operands; unchanged",
    "aten::empty": "allocates results; unchanged",
    "aten::scatter_add_": "sums over nodes, and backward pass of aten::gather; unchanged",
    "aten::_logcumsumexp": "all insertions of a row at once, instead of a loop over them",
}
"""Measures taken for operators that are or were among the largest."""


class Entry(NamedTuple):
    """The own time of an operator per step."""

    name: str
    share: float
    calls: float
    milliseconds: float


class _Steps(L.Callback):
    """Mark the end of each step for the profiler."""

    def __init__(self, profiler: profile) -> None:
        self.profiler = profiler

    def on_train_batch_end(
        self, trainer: L.Trainer, pl_module: L.LightningModule, *rest: Any
    ) -> None:
        self.profiler.step()


def profile_steps(cell: Cell, data: Path, work: Path) -> str:
    """Train some steps through the exact expectation and lay out the largest entries.

    Args:
        cell: Cell whose config and files are used.
        data: Folder of the data sets.
        work: Folder of the run.
    """
    options = fit_options(cell, name_files(cell, data), work / "profile")
    cli = make_cli([*options, f"--trainer.max_steps={WARM_UP + STEPS + 1}"])
    when = schedule(wait=0, warmup=WARM_UP, active=STEPS, repeat=1)
    with profile(activities=[ProfilerActivity.CPU], schedule=when) as profiler:
        cli.trainer.callbacks.append(_Steps(profiler))  # type: ignore[attr-defined]
        cli.trainer.fit(cli.model, cli.datamodule)
    return lay_out(gather_entries(profiler), cell, torch.get_num_threads())


def gather_entries(profiler: profile) -> list[Entry]:
    """Return the own time of every operator per step."""
    own: Counter[str] = Counter()
    calls: Counter[str] = Counter()
    for event in profiler.key_averages():
        # Spans named by PyTorch and Lightning, such as an optimizer step, count as Python: their
        # own time is that outside of operators.
        name = event.key if "::" in event.key or "Backward" in event.key else PYTHON
        own[name] += event.self_cpu_time_total
        calls[name] += event.count
    total = sum(own.values())
    return [
        Entry(name, time / total, calls[name] / STEPS, time / STEPS / 1000)
        for name, time in own.items()
    ]


def lay_out(entries: list[Entry], cell: Cell, threads: int) -> str:
    """Write the largest entries, and the measures taken for them."""
    largest = sorted(entries, key=lambda entry: -entry.milliseconds)[:TOP]
    lines = [
        [
            e.name,
            f"{e.share:.1%}",
            "-" if e.name == PYTHON else f"{e.calls:.0f}",
            f"{e.milliseconds:.2f}",
            DONE.get(e.name, ""),
        ]
        for e in largest
    ]
    head = ["operator", "own time", "calls per step", "ms per step", "measure taken"]
    made = ", ".join(f"{name} {version}" for name, version in list_versions().items())
    return "\n".join(
        [
            "Largest entries of the profile: `python -m benchmarks.transduction profile`.",
            "",
            f"{STEPS} steps of {cell.name}, {threads} threads. {made}.",
            "",
            format_table("Operators of a training step, by their own time", head, lines),
        ]
    )
