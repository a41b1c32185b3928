"""Merges of the text model in some examples."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch
from torch_geometric.data import Batch

from pyg_grapheme.graphs.check_graphs import Graphs
from pyg_grapheme.nn.pool.scores.scorer import make_scorer
from pyg_grapheme.text import Example, MergedText, text_graph

if TYPE_CHECKING:
    from lightning_modules.modules.transform_module import TransformModule


def describe_merges(
    module: "TransformModule", examples: Sequence[Example], shown: int = 8
) -> list[MergedText]:
    """Return the merges of the model in ``shown`` examples at even distances."""
    spread = max(1, len(examples) // shown)
    described = []
    module.eval()
    with torch.no_grad():
        for example in examples[::spread][:shown]:
            net = module.net
            graph = text_graph(example.source, example.tags, net.source)
            state = net.encode(Batch.from_data_list([graph]).to(module.device))
            cluster = net.merge(state).history.cluster.tolist()
            edges = graph.edge_index.to(module.device)
            chain = Graphs(state.x, edges, None, state.batch, state.num_graphs)
            score = make_scorer(net.pool.score, chain, None, net.pool.edge_reduce, True)
            alike = score(edges).tolist()
            grapheme = graph.grapheme[: len(graph.text)].tolist()
            (rewritten,) = net([example.source], [example.tags])
            described.append(MergedText(graph.text, cluster, alike, rewritten, grapheme))
    return described
