"""Recover the threshold that made the labels of graphs: ``python examples/hidden_threshold.py``."""

import torch
from torch_geometric.data import Batch, Data
from torch_geometric.utils import degree, scatter

from pyg_grapheme.nn import ThresholdMergePool

print("Expect: learned thresholds within 0.02 of the hidden one. Time: 5 s on one core.")
torch.manual_seed(0)
hidden = 0.6
chain = torch.stack([torch.arange(11), torch.arange(1, 12)])
graphs = Batch.from_data_list([Data(torch.randn(12, 3), chain) for _ in range(64)])
graph = graphs.x, graphs.edge_index, None, graphs.batch
_, _, _, batch, history = ThresholdMergePool(hidden)(*graph)
label = scatter(degree(history.cluster), batch, reduce="max")  # the size of the largest cluster
for start in (0.1, 0.9):
    pool = ThresholdMergePool(start)
    optimizer = torch.optim.Adam(pool.parameters(), lr=0.1)
    for step in range(100):
        pool.temperature = 0.1 - 0.0009 * step  # less noise at the end
        cuts = pool.cuts(*graph)  # every graph that a noisy threshold can lead to
        _, _, _, batch, history = cuts.output
        largest = scatter(degree(history.cluster), batch, reduce="max")  # one value per cut
        optimizer.zero_grad()
        cuts.expectation((largest - label[cuts.graph]).square()).mean().backward()
        optimizer.step()
    print(f"hidden {hidden}, start {start}, learned {pool.threshold.item():.2f}")
