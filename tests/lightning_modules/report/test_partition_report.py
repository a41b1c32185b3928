"""The graph that the report of a partition shows."""

from torch_geometric.data import Data

from lightning_modules.report.partition_report import choose_graph


def test_large_graphs_are_not_drawn() -> None:
    graphs = [Data(num_nodes=n) for n in (500, 10_000, 499, 3)]
    assert choose_graph(graphs) is graphs[2]
    assert choose_graph(graphs[:2]) is None
