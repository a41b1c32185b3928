"""Time the layers on a workload, in turns."""

import gc
import random
import time
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, field
from statistics import median

import torch
from torch import nn

from benchmarks.pools.layers import Row
from benchmarks.pools.workloads import SEED, Workload

LEAST_RUNS = 3


@dataclass
class Cell:
    """One layer on one workload.

    Attributes:
        seconds: One number per run; the first is the warm-up.
        ratio: C/N, output over input nodes; of a tree, output rows.
        memory: Peak of one run, in bytes per input node.
        reason: Reason why it was not run.
    """

    seconds: list[float] = field(default_factory=list)
    ratio: float | None = None
    memory: float | None = None
    reason: str | None = None

    @property
    def median(self) -> float | None:
        """The median of the runs, in seconds."""
        return median(self.seconds[1:] or self.seconds) if self.seconds else None

    def is_done(self, repeats: int, budget: float) -> bool:
        """Return whether the repeats or the budget, in seconds, are spent."""
        runs = len(self.seconds) - 1
        spent = runs >= LEAST_RUNS and sum(self.seconds) >= budget
        return self.reason is not None or runs >= repeats or spent or self.seconds[-1] > budget


Results = dict[str, dict[str, Cell]]
"""Workload -> line -> cell."""


def prepare(threads: int) -> None:
    """Set the threads and the warnings of this process."""
    torch.set_num_threads(threads)
    warnings.filterwarnings("ignore", "Sparse CSR tensor support is in beta state")
    warnings.filterwarnings("ignore", "Sparse invariant checks are implicitly disabled")


def run_once(layer: nn.Module, work: Workload) -> tuple[float, int]:
    """Run forward and backward once; return the seconds and the number of output rows."""
    work.x.grad = None
    layer.zero_grad(set_to_none=True)
    _wait_for(work.x.device)
    start = time.perf_counter()
    output = layer(work.x, work.edge_index, batch=work.batch)
    pooled = output.x if hasattr(output, "x") else output[0]
    pooled.backward(work.gradient[: pooled.size(0), : pooled.size(1)])
    _wait_for(work.x.device)
    return time.perf_counter() - start, pooled.size(0)


def _wait_for(device: torch.device) -> None:
    """Wait until a GPU has done what it was told to do."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def first_run(row: Row, work: Workload) -> tuple[Cell, nn.Module | None]:
    """Make the layer and warm it up, or record the reason why that is not possible."""
    num_nodes = work.batch.numel()
    if row.limit is not None and num_nodes > row.limit:
        return Cell(reason=f"dense; more than {row.limit:,} nodes"), None
    try:
        layer = row.build(work)
    except (ImportError, TypeError, ValueError) as error:
        return Cell(reason=f"refused: {error}"), None
    try:
        seconds, num_clusters = run_once(layer, work)
    except (RuntimeError, ValueError) as error:
        return Cell(reason=f"failed: {str(error).splitlines()[0]}"), None
    return Cell([seconds], num_clusters / num_nodes), layer


def time_rows(rows: Sequence[Row], work: Workload, repeats: int, budget: float) -> dict[str, Cell]:
    """Run the layers in turns until each has spent its repeats or its budget."""
    cells: dict[str, Cell] = {}
    layers: dict[str, nn.Module] = {}
    for row in rows:
        cells[row.name], layer = first_run(row, work)
        if layer is not None:
            layers[row.name] = layer
    order = random.Random(SEED)
    gc.freeze()  # Existing objects stay out of the collections between the turns.
    while turn := [name for name in layers if not cells[name].is_done(repeats, budget)]:
        gc.collect()
        # A new order each time, so that no layer always follows the same one.
        order.shuffle(turn)
        for name in turn:
            cells[name].seconds.append(run_once(layers[name], work)[0])
    return cells
