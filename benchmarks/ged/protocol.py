"""Scores of a ranking of graphs, as SimGNN's published tables have them.

Bai et al. 2019, "SimGNN: A neural network approach to fast graph
similarity computation". Each query ranks all graphs of the database.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.stats import kendalltau, spearmanr
from torch import Tensor
from torch_geometric.data import Data

Row = NDArray[np.float64]
Measure = Callable[[Row, Row], Any]


class RankingScores(NamedTuple):
    """Scores of the order that predicted similarities give to the graphs of a database.

    Attributes:
        mse: Half of the mean squared error; the published tables show its thousandfold.
        rho: Spearman's rank correlation, a mean over queries.
        tau: Kendall's, tau-b, likewise.
        precision_at_10: Share of the 10 most similar graphs that are predicted to be, likewise.
        precision_at_20: The same of 20.
    """

    mse: float
    rho: float
    tau: float
    precision_at_10: float
    precision_at_20: float


def similarity(distance: Tensor, queries: Sequence[Data], graphs: Sequence[Data]) -> Tensor:
    """Turn edit distances into similarities, exp(-distance / mean number of nodes), in float64.

    Args:
        distance: [Q, G].
        queries: Q graphs.
        graphs: G graphs.

    Returns:
        [Q, G], in (0, 1].
    """
    sizes = [
        torch.tensor([data.num_nodes for data in part], dtype=torch.double)
        for part in (queries, graphs)
    ]
    return torch.exp(-distance.double() / ((sizes[0][:, None] + sizes[1]) / 2))


def ranking_scores(predicted: Tensor, true: Tensor) -> RankingScores:
    """Compare predicted similarities with true ones.

    A graph is among the k most similar where its similarity is at least the k-th largest, ties
    included, and the precision is |true and predicted| / k, at most 1. A query with but one value
    on either side orders nothing, and counts as uncorrelated.

    Args:
        predicted: [Q, G], of each query and each graph; the larger the more alike.
        true: [Q, G].

    Raises:
        ValueError: if the shapes differ, or are not [Q, G].

    Cost: O(Q G log G).
    """
    if predicted.dim() != 2 or predicted.shape != true.shape:
        raise ValueError(
            "Expected 'predicted' and 'true' to be [Q, G] both "
            f"(got {tuple(predicted.shape)} and {tuple(true.shape)})"
        )
    rows = list(zip(predicted.double().numpy(), true.double().numpy(), strict=True))
    return RankingScores(
        mse=float((predicted.double() - true.double()).square().mean() / 2),
        rho=_mean(_correlation(spearmanr, p, t) for p, t in rows),
        tau=_mean(_correlation(kendalltau, p, t) for p, t in rows),
        precision_at_10=_mean(_precision(p, t, 10) for p, t in rows),
        precision_at_20=_mean(_precision(p, t, 20) for p, t in rows),
    )


def _mean(values: Iterable[float]) -> float:
    return float(np.mean(list(values)))


def _correlation(measure: Measure, predicted: Row, true: Row) -> float:
    if np.ptp(predicted) == 0 or np.ptp(true) == 0:
        return 0.0
    return float(measure(predicted, true).statistic)


def _precision(predicted: Row, true: Row, k: int) -> float:
    common = _most_similar(predicted, k) & _most_similar(true, k)
    return min(int(common.sum()) / k, 1.0)


def _most_similar(row: Row, k: int) -> NDArray[np.bool_]:
    """Mark the graphs that are at least as similar as the k-th; all, of fewer than k."""
    return row >= np.sort(row)[-min(k, len(row))]
