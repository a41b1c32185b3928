"""Every PyG aggregation, on clusters whose members are not next to each other."""

from itertools import product

import pytest
import torch
from torch import Tensor, nn
from torch_geometric.nn import aggr

from pyg_grapheme.nn import ThresholdMergePool
from pyg_grapheme.nn.pool.reduce import reduce_members

CLUSTER = torch.tensor([0, 1, 0, 2, 1, 0, 3])
F = 4
PARAMETER = nn.Parameter(torch.tensor(0.0))

AGGREGATIONS = {
    "attentional": lambda: aggr.AttentionalAggregation(nn.Linear(F, 1)),
    "deep sets": lambda: aggr.DeepSetsAggregation(nn.Linear(F, F), nn.Linear(F, F)),
    "degree scaler": lambda: aggr.DegreeScalerAggregation("mean", "identity", torch.ones(4)),
    "equilibrium": lambda: aggr.EquilibriumAggregation(F, F, [8], grad_iter=1),
    "gru": lambda: aggr.GRUAggregation(F, F),
    "lcm": lambda: aggr.LCMAggregation(F, F),
    "lstm": lambda: aggr.LSTMAggregation(F, F),
    "max": aggr.MaxAggregation,
    "mean": aggr.MeanAggregation,
    "median": aggr.MedianAggregation,
    "min": aggr.MinAggregation,
    "mlp": lambda: aggr.MLPAggregation(F, F, 3, num_layers=1),
    "mul": aggr.MulAggregation,
    "multi": lambda: aggr.MultiAggregation(["mean", "max"]),
    "power mean": aggr.PowerMeanAggregation,
    "quantile": lambda: aggr.QuantileAggregation(0.3),
    "set transformer": lambda: aggr.SetTransformerAggregation(F, heads=2),
    "set2set": lambda: aggr.Set2Set(F, 2),
    "softmax": lambda: aggr.SoftmaxAggregation(learn=True),
    "sort": lambda: aggr.SortAggregation(2),
    "std": aggr.StdAggregation,
    "sum": aggr.SumAggregation,
    "var": aggr.VarAggregation,
    "variance preserving": aggr.VariancePreservingAggregation,
}


# PyG pads these to the largest cluster, and their result depends on the padding.
PADDED = {"gru", "lcm", "lstm", "mlp"}


@pytest.mark.parametrize("name", sorted(PADDED))
def test_padded_ones_get_the_members_sorted_by_cluster(name: str) -> None:
    torch.manual_seed(0)
    reduce = AGGREGATIONS[name]().eval()
    x = torch.rand(7, F)
    by_hand = [0, 2, 5, 1, 4, 3, 6]
    expected = reduce(x[by_hand], torch.tensor([0, 0, 0, 1, 1, 2, 3]), dim_size=4)
    found = reduce_members(reduce, x, CLUSTER, 4, PARAMETER)
    torch.testing.assert_close(found, expected)


@pytest.mark.parametrize("name", sorted(set(AGGREGATIONS) - PADDED))
def test_clusters_are_reduced_as_if_each_were_alone(name: str) -> None:
    torch.manual_seed(0)
    reduce = AGGREGATIONS[name]().eval()
    x = torch.rand(7, F) + 0.1
    found = reduce_members(reduce, x, CLUSTER, 4, PARAMETER)
    for k in range(4):
        members = x[k == CLUSTER]
        index = torch.zeros(len(members), dtype=torch.long)
        (alone,) = reduce(members, index, dim_size=1)
        torch.testing.assert_close(found[k], alone, rtol=1e-4, atol=1e-5)


def test_every_aggregation_in_the_pool_forward_and_backward() -> None:
    torch.manual_seed(0)
    for name in set(AGGREGATIONS) - {"mlp"}:
        pool = ThresholdMergePool(0.9, reduce=AGGREGATIONS[name](), estimator="gate")
        x = (torch.eye(F)[CLUSTER] + 0.1 * torch.rand(7, F)).requires_grad_()
        edges = torch.combinations(torch.arange(7)).T
        out = pool(x, edges)
        assert torch.equal(out.history.cluster, CLUSTER), name
        assert out.x.size(0) == 4, name
        out.x.sum().backward()
        assert torch.isfinite(x.grad).all(), name


def test_straight_through_needs_the_width_of_x() -> None:
    message = r"'reduce' to keep the width of x, \[N, 4\], .* \(got \(2, 8\)\)"
    for name, estimator in product(("multi", "set2set"), ("straight_through", "gumbel")):
        pool = ThresholdMergePool(reduce=AGGREGATIONS[name](), estimator=estimator)
        with pytest.raises(ValueError, match=message):
            pool(torch.eye(2, F), torch.tensor([[0], [1]]))


def test_weights_that_are_handed_in_are_kept_until_they_are_reset() -> None:
    class Score(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.linear = nn.Linear(2 * F, 1)

        def forward(self, x_i: Tensor, x_j: Tensor, edge_attr: Tensor | None) -> Tensor:
            return self.linear(torch.cat([x_i, x_j], 1)).sigmoid().squeeze(1)

    score, reduce = Score(), aggr.AttentionalAggregation(nn.Linear(F, 1))
    for parameter in (*score.parameters(), *reduce.parameters()):
        nn.init.constant_(parameter, 7.0)
    pool = ThresholdMergePool(score=score, reduce=reduce)
    assert all(bool((p == 7).all()) for p in (*score.parameters(), *reduce.parameters()))
    pool.reset_parameters()
    assert not any(bool((p == 7).all()) for p in (*score.parameters(), *reduce.parameters()))
