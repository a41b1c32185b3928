"""Constraints that contradict each other, and other arguments that are refused."""

import pytest
import torch
from torch import Tensor

from pyg_grapheme.nn.pool.clustering.constrained import constrained_clusters
from pyg_grapheme.nn.pool.clustering.merge_constraints import MergeConstraints

MERGES = ("components", "average", "complete")


def pairs_of(rows: list[tuple[int, int]]) -> Tensor:
    return torch.tensor(rows, dtype=torch.long).view(-1, 2).T


TOGETHER = pairs_of([(5, 2), (2, 1)])


@pytest.mark.parametrize(
    ("constraints", "message"),
    [
        ({"apart": pairs_of([(0, 1), (3, 3)])}, r"'apart' to be .* two nodes \(got node 3 twice\)"),
        (
            {"apart": pairs_of([(1, 5)])},
            r"'apart' to be pairs that 'together' does not join \(got nodes 1 and 5\)",
        ),
        ({"max_size": 2}, r"'together' .* at most max_size=2 nodes \(got 3 nodes, 1, 2, 5\)"),
        (
            {"source": torch.tensor([7, 9, -1, 7, -1, 9])},
            r"'together' .* one node of each source \(got nodes 1 and 5 of source 9\)",
        ),
        ({"together": pairs_of([(0, 6)])}, r"'together' to hold nodes in \[0, 6\) \(got 6\)"),
        ({"apart": pairs_of([(0, -1)])}, r"'apart' to hold nodes in \[0, 6\) \(got -1\)"),
        ({"apart": TOGETHER.double()}, r"'apart' to be .* \[2, K\] \(got float64 of shape"),
        ({"together": TOGETHER[:1]}, r"'together' to be .* \(got int64 of shape \(1, 2\)\)"),
        ({"together": [[0], [1]]}, r"'together' to be .* \(got list\)"),
        ({"apart": TOGETHER.to("meta")}, r"'apart' to be on cpu, .* \(got meta\)"),
        ({"max_size": 0}, r"'max_size' to be at least 1 \(got 0\)"),
        ({"max_size": 2.0}, r"'max_size' to be an int \(got 2.0\)"),
        ({"source": torch.zeros(6)}, r"'source' to be integers \[6\], .* \(got float32"),
        ({"source": torch.full((6,), -2)}, r"'source' to be at least -1 \(got -2\)"),
    ],
)
def test_contradictions_are_refused(constraints: dict, message: str) -> None:
    pairs, score = pairs_of([(0, 1)]), torch.tensor([0.5])
    for merge in MERGES:
        with pytest.raises(ValueError, match=f"Expected {message}"):
            constrained_clusters(
                pairs,
                score,
                6,
                0.5,
                merge=merge,
                constraints=MergeConstraints(**{"together": TOGETHER} | constraints),
            )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"pairs": pairs_of([(0, 6)])}, r"'pairs' to hold nodes in \[0, 6\) \(got 6\)"),
        ({"score": torch.zeros(2)}, r"'score' to be a float tensor \[1\], one number per pair"),
        ({"score": torch.tensor([torch.nan])}, "'score' to be finite"),
        ({"score": torch.tensor([1e6])}, r"scores in \[-65536, 65536\] for average linkage"),
        ({"num_nodes": -1}, r"'num_nodes' to be at least 0 \(got -1\)"),
        ({"threshold": [0.5]}, r"'threshold' to be a number or a tensor \(got list\)"),
        ({"threshold": torch.zeros(5)}, r"'threshold' .* a tensor \[6\] .* \(got shape \(5,\)\)"),
        ({"threshold": torch.nan}, r"'threshold' to be a number.* \(got NaN\)"),
        (
            {"threshold": torch.arange(6) / 2},
            r"'threshold' to be the same .* \(got 0 for node 0, 0.5 for node 1\)",
        ),
        (
            {"threshold": torch.arange(6) // 2 / 2},
            r"'threshold' to be the same .* \(got 0 for node 1, 0.5 for node 2\)",
        ),
        ({"merge": "matching"}, r"'merge' to be one of 'components', 'average', 'complete'"),
        ({"batch": torch.tensor([0, 0, 1, 0, 0, 0])}, "'batch' to be sorted"),
    ],
)
def test_refused(arguments: dict, message: str) -> None:
    given = {
        "pairs": pairs_of([(0, 1)]),
        "score": torch.ones(1),
        "num_nodes": 6,
        "threshold": 0.5,
        "merge": "average",
        "constraints": MergeConstraints(together=pairs_of([(2, 1)])),
    }
    with pytest.raises(ValueError, match=f"Expected {message}"):
        constrained_clusters(**given | arguments)
