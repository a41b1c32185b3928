"""Draw the picture of the two ways to cluster hits to tracks.

python -m lightning_modules.fit --config conf/tracks.yaml
python docs/draw_tracks.py runs/tracks/version_0/checkpoints/model.ckpt
"""

import argparse
from pathlib import Path

import torch
from matplotlib.figure import Figure
from torch_geometric.data import Batch
from torch_geometric.loader import DataLoader

from lightning_modules import PartitionModule, TrackEvents, load_module
from lightning_modules.datamodules.track_events import EventOptions
from pyg_grapheme.viz import draw_partition

PICTURE = Path(__file__).parent / "tracks.png"
NAMES = "BCE, components", "Learned partition"
METRICS = "double_majority", "bcubed"


@torch.no_grad()
def draw_tracks(module: PartitionModule) -> Figure:
    """Draw BCE and components at the best threshold, beside the learned partition.

    Of the test events, the one is drawn whose scores are nearest to the means of all.
    """
    tuning, events = (TrackEvents(n, n // 40, EventOptions(num_tracks=15)) for n in (40, 80))
    cuts = module.scan_baseline(DataLoader(tuning, 4)), None
    graphs = [Batch.from_data_list([event]) for event in events]
    scores = [[module.score([g], cut)[m] for cut in cuts for m in METRICS] for g in graphs]
    table = torch.tensor(scores)
    nearest = int((table - table.mean(0)).abs().sum(1).argmin())
    figure = Figure(figsize=(8, 4.3), layout="constrained")
    for axes, name, cut in zip(figure.subplots(1, 2), NAMES, cuts, strict=True):
        cluster = module.find_clusters(graphs[nearest], cut)
        found, bcubed = (module.score([graphs[nearest]], cut)[metric] for metric in METRICS)
        title = f"{name}: {found:.0%} of tracks, B-cubed {bcubed:.2f}"
        draw_partition(graphs[nearest], cluster, axes, unlabelled="other", title=title)
    return figure


def main() -> None:
    """Write the picture beside this file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("checkpoint", type=Path)
    module = load_module(parser.parse_args().checkpoint)
    assert isinstance(module, PartitionModule)
    draw_tracks(module).savefig(PICTURE, dpi=100)


if __name__ == "__main__":
    main()
