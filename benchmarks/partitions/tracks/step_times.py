"""The time of a training step, and the share of it that tree and loss take."""

import time
from statistics import median

import torch

from benchmarks.partitions.tracks.cells import LINKAGES, RECIPES, Cell, Setting
from benchmarks.partitions.tracks.training import (
    TrainingOptions,
    draw_batches,
    edge_logits,
    generate_splits,
    make_loss,
    make_net,
    make_pool,
)


def measure_steps(
    tracks: int, layers: int, options: TrainingOptions, repeats: int = 30
) -> dict[str, float]:
    """Measure a training step of BCE and of the partition through each linkage, on one thread.

    The network is as users write it, not compiled. The steps of the methods alternate, each on the
    same batches and from the same weights.

    Returns:
        The median process time of a step in ms: "edges" for BCE, else by linkage.
    """
    torch.set_num_threads(1)
    setting = Setting(tracks, layers, 0)
    options = options._replace(train_events=options.batch_events, compiled=False)
    events = generate_splits(setting, options._replace(tune_events=1, test_events=1)).train
    batch = next(draw_batches(events, options.batch_events, 0))
    net = make_net(setting, options)
    cells = [
        Cell(*setting, "bce", "edges"),
        *(Cell(*setting, RECIPES[1], linkage) for linkage in LINKAGES),
    ]
    steps = {}
    for cell in cells:
        pool = make_pool(cell.trained_linkage)
        optimizer = torch.optim.AdamW([*net.parameters(), pool.raw_threshold], lr=0.0)
        steps[cell.linkage] = (make_loss(cell, pool, options), optimizer)
    times: dict[str, list[float]] = {linkage: [] for linkage in steps}
    for _ in range(repeats):
        for linkage, (loss, optimizer) in steps.items():
            start = time.process_time()
            optimizer.zero_grad()
            loss(batch, edge_logits(net, batch), 0.5).backward()
            optimizer.step()
            times[linkage].append(1000 * (time.process_time() - start))
    return {linkage: median(each) for linkage, each in times.items()}
