"""Pictures of a run: its curves, and what was merged."""

from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch_geometric.data import Batch

from lightning_modules.module import TransformModule
from pyg_grapheme.data import Example, text_graph
from pyg_grapheme.nn.pool import cosine_score

if TYPE_CHECKING:
    from pyg_grapheme.viz import MergedText


def write_pictures(
    folder: Path,
    module: TransformModule,
    curves: Mapping[str, Sequence[float]],
    examples: Sequence[Example],
    shown: int = 8,
) -> bool:
    """Write ``loss.png``, ``threshold.png`` and ``merges.png``, if matplotlib is there.

    Returns:
        Whether it is.
    """
    if find_spec("matplotlib") is None:
        return False
    from pyg_grapheme.viz import draw_curves, draw_merges

    losses = {
        name.removeprefix("train/"): curves[name]
        for name in ("train/loss", "train/structural", "train/cross_entropy")
        if any(curves[name])
    }
    draw_curves(losses, ylabel="expected loss a text", logarithmic=True).savefig(
        folder / "loss.png", dpi=120
    )
    draw_curves({"threshold": curves["threshold"]}, ylabel="threshold").savefig(
        folder / "threshold.png", dpi=120
    )
    threshold = float(module.net.pool.threshold.detach())
    spread = max(1, len(examples) // shown)
    merged = describe_merges(module, examples[::spread][:shown])
    draw_merges(merged, threshold).savefig(folder / "merges.png", dpi=150)
    return True


def describe_merges(module: TransformModule, examples: Sequence[Example]) -> list["MergedText"]:
    """Say, for some examples, which graphemes the model merges."""
    from pyg_grapheme.viz import MergedText

    described = []
    module.eval()
    with torch.no_grad():
        for example in examples:
            graph = text_graph(example.source, example.tags, module.net.form)
            state = module.net.encode(Batch.from_data_list([graph]).to(module.device))
            cluster = module.net.merge(state).history.cluster.tolist()
            score = cosine_score(state.x, state.edge_index).tolist()
            (rewritten,) = module([example.source], [example.tags])
            described.append(MergedText(graph.text, cluster, score, rewritten))
    return described
