"""Run the cells that have no record, setting by setting."""

import sys
import time
from collections.abc import Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, datetime
from functools import partial
from itertools import groupby
from multiprocessing import get_context
from operator import attrgetter
from pathlib import Path

import torch
from torch_geometric.data import Data

from benchmarks.checkout import commit
from benchmarks.partitions.tracks.cells import Cell, Setting
from benchmarks.partitions.tracks.evaluation import evaluate
from benchmarks.partitions.tracks.records import Record, read_records, write_record
from benchmarks.partitions.tracks.training import (
    TrainingOptions,
    generate_splits,
    make_net,
    make_pool,
    train_cell,
    warm_start,
)
from lightning_modules.modules.partition.edge_net import EdgeNet
from pyg_grapheme.atomic_write import atomic_path


def run_missing(
    cells: Iterable[Cell],
    records: Path,
    work: Path,
    options: TrainingOptions,
    hours: float,
    jobs: int,
) -> None:
    """Run the cells without a record; those of a setting run one after the other.

    Args:
        cells: Cells in the order in which they are started.
        records: File of the records.
        work: Folder of the weights after the first phase.
        options: Sizes of data, network and training.
        hours: Time after which no cell is started.
        jobs: Number of processes, one thread each.
    """
    known = read_records(records, cells := list(cells))
    missing = [cell for cell in cells if cell not in known]
    groups = [list(group) for _, group in groupby(missing, key=attrgetter("setting"))]
    run = partial(
        run_setting, records=records, work=work, options=options, end=time.time() + 3600 * hours
    )
    if jobs == 1:
        list(map(run, groups))
        return
    with ProcessPoolExecutor(jobs, get_context("spawn")) as processes:
        list(processes.map(run, groups))


def run_setting(
    cells: Sequence[Cell], records: Path, work: Path, options: TrainingOptions, end: float
) -> None:
    """Run some cells of one setting until the time is over, and write their records."""
    if time.time() >= end:
        return
    torch.set_num_threads(1)
    setting = cells[0].setting
    splits = generate_splits(setting, options)
    net, warm_seconds = _warm_start(setting, splits.train, work, options)
    weights = {name: weight.clone() for name, weight in net.state_dict().items()}
    for cell in cells:
        if time.time() >= end:
            return
        stamp = commit()
        net.load_state_dict(weights)
        pool = make_pool(cell.trained_linkage)
        seconds = train_cell(cell, net, pool, splits.train, options)
        scores = evaluate(net, pool, splits, cell.linkage)
        now = datetime.now(UTC).isoformat(timespec="seconds")
        setup = options._asdict()
        record = Record(cell.name, stamp, now, seconds, warm_seconds, setup, scores)
        write_record(records, record)
        print(f"{cell.name}: {seconds:.0f} s", file=sys.stderr, flush=True)


def _warm_start(
    setting: Setting, events: Sequence[Data], work: Path, options: TrainingOptions
) -> tuple[EdgeNet, float]:
    """Return the network after the first phase and the seconds of it, from a file if it exists."""
    path = work / f"{'-'.join(map(str, setting))}.pt"
    net = make_net(setting, options)
    if path.exists():
        saved = torch.load(path, weights_only=True)
        if saved["options"] == options._asdict():
            net.load_state_dict(saved["weights"])
            return net, saved["seconds"]
    seconds = warm_start(net, setting, events, options)
    work.mkdir(parents=True, exist_ok=True)
    saved = {"options": options._asdict(), "weights": net.state_dict(), "seconds": seconds}
    with atomic_path(path) as part:
        torch.save(saved, part)
    return net, seconds
