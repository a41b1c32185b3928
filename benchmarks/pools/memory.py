"""The peak memory of a layer, in a process of its own."""

import multiprocessing
import os
import resource
import sys
import tempfile
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool

import torch

from benchmarks.pools.layers import Row
from benchmarks.pools.measure import Cell, prepare, run_once
from benchmarks.pools.workloads import Workload, tiny_workload


def peak_bytes() -> float:
    """Read the highest memory use of this process so far."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak * (1 if sys.platform == "darwin" else 1024)


def measure_peak(path: str, row: Row, threads: int) -> float:
    """Run a layer once and return the rise of the peak in bytes; call it in a new process."""
    prepare(threads)
    # The first use of the libraries allocates their buffers.
    tiny = tiny_workload()
    run_once(row.build(tiny), tiny)
    work = Workload(**torch.load(path))
    layer = row.build(work)
    before = peak_bytes()
    run_once(layer, work)
    return peak_bytes() - before


def add_memory(cells: dict[str, Cell], rows: Sequence[Row], work: Workload, threads: int) -> None:
    """Measure the peak memory of every cell that has run, each in a process of its own.

    The workload is read from a file, since generating it takes more memory than many layers. A
    child of the fork server starts from a peak of its own; a spawned one would inherit ours.
    """
    context = multiprocessing.get_context("forkserver")
    # The server imports torch once for all of its children.
    context.set_forkserver_preload([__name__])
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "workload.pt")
        torch.save(work._asdict(), path)
        for row in rows:
            if cells[row.name].reason is not None:
                continue
            with ProcessPoolExecutor(1, mp_context=context) as executor:
                try:
                    peak = executor.submit(measure_peak, path, row, threads).result()
                except BrokenProcessPool:
                    print(f"  memory of {row.name}: its process was killed", file=sys.stderr)
                else:
                    cells[row.name].memory = peak / work.batch.numel()
