"""What a model merges in some texts."""

from collections.abc import Sequence

import torch
from torch_geometric.data import Batch

from lightning_modules.module import TransformModule
from pyg_grapheme.data import Example, MergedText, text_graph
from pyg_grapheme.nn.pool import cosine_score


def describe_merges(
    module: TransformModule, examples: Sequence[Example], shown: int = 8
) -> list[MergedText]:
    """Say which graphemes the model merges, for ``shown`` examples from all over."""
    spread = max(1, len(examples) // shown)
    described = []
    module.eval()
    with torch.no_grad():
        for example in examples[::spread][:shown]:
            graph = text_graph(example.source, example.tags, module.net.form)
            state = module.net.encode(Batch.from_data_list([graph]).to(module.device))
            cluster = module.net.merge(state).history.cluster.tolist()
            score = cosine_score(state.x, state.edge_index).tolist()
            (rewritten,) = module([example.source], [example.tags])
            described.append(MergedText(graph.text, cluster, score, rewritten))
    return described
