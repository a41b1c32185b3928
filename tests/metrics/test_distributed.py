"""The metrics under two processes, with more pairs in one of them than in the other."""

import pytest
from torch_geometric.data import Batch

from pyg_grapheme.metrics import GraphEditDistance, WeisfeilerLehmanSimilarity
from pyg_grapheme.text import text_graph

PAIRS = [[("cat", "cart"), ("a", "b"), ("aa", "aa")], [("", "abc")]]
METRICS = {"distance": GraphEditDistance, "similarity": WeisfeilerLehmanSimilarity}


def mean(name: str, pairs: list[tuple[str, str]]) -> float:
    metric = METRICS[name]()
    sides = zip(*pairs, strict=True)
    metric.update(*(Batch.from_data_list([text_graph(text) for text in side]) for side in sides))
    return float(metric.compute())


def work(rank: int) -> dict[str, float]:
    return {name: mean(name, PAIRS[rank]) for name in METRICS}


@pytest.mark.parametrize("name", METRICS)
def test_every_process_has_the_mean_over_the_pairs_of_all(
    name: str, two_processes: list[dict[str, float]]
) -> None:
    expected = mean(name, [pair for pairs in PAIRS for pair in pairs])
    assert [found[name] for found in two_processes] == [pytest.approx(expected)] * 2
