"""Draw the clusters of a pool, and its dendrogram: the clusters at every threshold.

    python examples/draw_clusters.py --folder docs

The cells of a small map, with noisy features, are merged into regions: ``clusters.png``. The
dendrogram with the threshold shows which scores are close to it: ``dendrogram.png``.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

import torch
from graph_unet import draw_map

from pyg_grapheme.nn import ThresholdMergePool
from pyg_grapheme.viz import draw_clusters, draw_dendrogram


def main(arguments: Sequence[str] | None = None) -> None:
    """Write the two figures."""
    parser = argparse.ArgumentParser(description="Draw clusters and their dendrogram.")
    parser.add_argument("--folder", type=Path, default=Path())
    parser.add_argument("--side", type=int, default=6, help="cells per side of the map")
    parser.add_argument("--threshold", type=float, default=0.8)
    options = parser.parse_args(arguments)
    print("Expect: about as many clusters as regions, six. Time: 5 s on one core.")
    torch.manual_seed(33)
    data = draw_map(options.side, regions=6, noise=0.2)
    x = data.x - data.x.mean(dim=1, keepdim=True)
    pool = ThresholdMergePool(options.threshold)
    history = pool(x, data.edge_index).history
    cells = torch.arange(options.side**2)
    position = torch.stack([cells % options.side, cells // options.side], dim=1).float()
    labels = [str(i) for i in cells.tolist()]
    options.folder.mkdir(parents=True, exist_ok=True)
    for name, figure in (
        ("clusters", draw_clusters(data.edge_index, history, position=position, labels=labels)),
        (
            "dendrogram",
            draw_dendrogram(
                pool.dendrogram(x, data.edge_index), labels, threshold=options.threshold
            ),
        ),
    ):
        path = options.folder / f"{name}.png"
        figure.savefig(path, dpi=110)
        print(f"{path}: {history.cluster.numel()} cells, {history.num_clusters} clusters")


if __name__ == "__main__":
    main()
