"""The merge history: lift, route, members, levels."""

import copy
import pickle
import re
from collections.abc import Callable
from functools import reduce

import networkx as nx
import numpy as np
import pytest
import torch
from torch import Tensor

from pyg_grapheme.nn.pool import MergeHistory, ThresholdMergePool

X = torch.tensor([[1.0, 0.0], [0.0, 1.0], [2.0, 0.1], [0.1, 3.0], [-1.0, -1.0]])
EDGES = torch.tensor([[0, 1, 4], [2, 3, 0]])


@pytest.fixture
def history() -> MergeHistory:
    return ThresholdMergePool(0.9)(X, EDGES).history


@pytest.mark.parametrize("reduction", ["mean", "sum"])
def test_routing_equals_autograd(reduction: str) -> None:
    for seed in range(5):
        generator = torch.Generator().manual_seed(seed)
        x = torch.randn(20, 4, generator=generator, dtype=torch.double, requires_grad=True)
        edge_index = torch.randint(20, (2, 50), generator=generator)
        pool = ThresholdMergePool(0.3, reduce=reduction, estimator="none").double()
        out = pool(x, edge_index)
        assert 1 < out.history.num_clusters < 20, seed
        gradient = torch.randn(out.x.shape, generator=generator, dtype=torch.double)
        (expected,) = torch.autograd.grad(out.x, x, gradient)
        routed = out.history.route(gradient, reduction)
        torch.testing.assert_close(routed, expected, rtol=1e-12, atol=1e-14)


def test_routing_takes_gradients_of_any_width(history: MergeHistory) -> None:
    for shape in ((), (4,), (2, 3)):
        gradient = torch.randn(3, *shape)
        routed = history.route(gradient)
        for i, (k, weight) in enumerate([(0, 0.5), (1, 0.5), (0, 0.5), (1, 0.5), (2, 1.0)]):
            torch.testing.assert_close(routed[i], gradient[k] * weight)


def test_the_history_of_a_merge_by_hand(history: MergeHistory) -> None:
    assert history.cluster.tolist() == [0, 1, 0, 1, 2]
    assert history.weight.tolist() == [0.5, 0.5, 0.5, 0.5, 1.0]
    assert (history.num_clusters, history.num_graphs) == (3, 1)
    assert history.threshold.item() == pytest.approx(0.9)
    assert history.log_prob.tolist() == [0.0]
    assert [history.members(k).tolist() for k in range(3)] == [[0, 2], [1, 3], [4]]


def test_lift_gives_every_node_its_cluster(history: MergeHistory) -> None:
    for shape in ((), (4,), (2, 3)):
        coarse = torch.randn(3, *shape)
        assert history.lift(coarse).equal(torch.stack([coarse[k] for k in (0, 1, 0, 1, 2)]))


def test_gradcheck_of_lift(history: MergeHistory) -> None:
    coarse = torch.randn(3, 2, dtype=torch.double, requires_grad=True)
    assert torch.autograd.gradcheck(history.lift, coarse)


def test_members_of_no_cluster_are_an_error(history: MergeHistory) -> None:
    for k in (-1, 3):
        with pytest.raises(IndexError, match=rf"'k' to be in \[0, 3\) \(got {k}\)"):
            history.members(k)


@pytest.mark.parametrize(("method", "name"), [("lift", "coarse"), ("route", "gradient")])
def test_a_wrong_number_of_rows_is_an_error(history: MergeHistory, method: str, name: str) -> None:
    for shape in ((), (5, 2)):
        message = rf"'{name}' to have 3 rows, .*{re.escape(str(shape))}"
        with pytest.raises(ValueError, match=message):
            getattr(history, method)(torch.ones(shape))


def test_routing_through_another_reduction_is_an_error(history: MergeHistory) -> None:
    with pytest.raises(ValueError, match=r"'reduce' to be one of 'mean', 'sum' \(got 'max'\)"):
        history.route(torch.ones(3, 2), "max")  # type: ignore[arg-type]


def test_no_field_of_a_history_requires_a_gradient() -> None:
    history = ThresholdMergePool(0.9)(X.clone().requires_grad_(), EDGES).history
    for tensor in (history.cluster, history.weight, history.threshold, history.log_prob):
        assert not tensor.requires_grad


def test_copies_are_equal(history: MergeHistory) -> None:
    for copied in (pickle.loads(pickle.dumps(history)), copy.deepcopy(history)):
        assert type(copied) is MergeHistory
        for old, new in zip(history, copied, strict=True):
            assert new.equal(old) if isinstance(old, torch.Tensor) else new == old
        assert copied.members(1).tolist() == [1, 3]


def levels(seed: int, draw_graphs) -> tuple[Tensor, list[MergeHistory], Tensor]:
    """Features, the histories of three merges in a row, and the last output."""
    graphs = draw_graphs(seed, [12, 1, 0, 9])
    x, edge_index, edge_attr, batch, size = graphs
    leaf = x.clone().requires_grad_()
    x, histories = leaf, []
    for threshold in (0.8, 0.5, 0.2):
        pool = ThresholdMergePool(threshold, estimator="none").double()
        x, edge_index, edge_attr, batch, history = pool(x, edge_index, edge_attr, batch, size)
        histories.append(history)
    return leaf, histories, x


def test_a_composed_history_lifts_through_all_levels(draw_graphs) -> None:
    for seed in range(4):
        leaf, histories, coarse = levels(seed, draw_graphs)
        sizes = [leaf.size(0), *(history.num_clusters for history in histories)]
        assert sizes == sorted(sizes, reverse=True), seed
        assert len(set(sizes)) > 2, seed
        composed = reduce(MergeHistory.compose, histories)
        lifted = coarse
        for history in reversed(histories):
            lifted = history.lift(lifted)
        assert torch.equal(composed.lift(coarse), lifted), seed
        assert (composed.num_clusters, composed.num_graphs) == (coarse.size(0), 4), seed
        # The shares are those of a mean of means, and autograd's own.
        gradient = torch.randn_like(coarse)
        coarse.backward(gradient)
        torch.testing.assert_close(composed.route(gradient), leaf.grad)


def test_composing_is_associative(draw_graphs) -> None:
    _, (a, b, c), _ = levels(0, draw_graphs)
    left, right = a.compose(b).compose(c), a.compose(b.compose(c))
    for one, other in zip(left, right, strict=True):
        torch.testing.assert_close(torch.as_tensor(one), torch.as_tensor(other))


def test_a_history_of_other_nodes_or_graphs_does_not_follow(draw_graphs) -> None:
    _, (a, b, _), _ = levels(0, draw_graphs)
    with pytest.raises(ValueError, match=r"'following' to merge the \d+ nodes .* \(got a merge of"):
        b.compose(a)
    with pytest.raises(ValueError, match=r"'following' to be of 4 graphs \(got 5\)"):
        a.compose(b._replace(num_graphs=5))


def test_networkx_gets_a_forest_of_all_levels(draw_graphs) -> None:
    leaf, histories, _ = levels(1, draw_graphs)
    forest = nx.compose_all([h.to_networkx(level) for level, h in enumerate(histories)])
    assert nx.is_branching(forest.reverse())
    composed = reduce(MergeHistory.compose, histories)
    for i in range(leaf.size(0)):
        reached = nx.descendants(forest, (0, i))
        assert {k for level, k in reached if level == 3} == {int(composed.cluster[i])}
    shares = [
        np.prod([forest.edges[edge]["weight"] for edge in nx.utils.pairwise(path)])
        for i in range(leaf.size(0))
        for path in [nx.shortest_path(forest, (0, i), (3, int(composed.cluster[i])))]
    ]
    assert shares == pytest.approx(composed.weight.tolist())


def test_identity_merges_nothing_and_composes(draw_graphs: Callable) -> None:
    graphs = draw_graphs(0, [4, 0, 3])
    history = ThresholdMergePool(0.3).double()(*graphs).history
    identity = MergeHistory.identity(7, 3)
    assert identity.cluster.tolist() == list(range(7))
    assert identity.weight.tolist() == [1.0] * 7
    assert identity.log_prob.tolist() == [0.0] * 3
    assert identity.threshold.isnan()
    composed = identity.compose(history)
    assert composed.cluster.equal(history.cluster)
    assert composed.threshold.equal(history.threshold)
    torch.testing.assert_close(composed.weight, history.weight)
    assert MergeHistory.identity(0, 0).num_clusters == 0


@pytest.mark.parametrize(
    ("sizes", "message"),
    [
        ((-1,), r"'num_nodes' to be at least 0 \(got -1\)"),
        ((2.5,), r"'num_nodes' to be an int \(got 2.5\)"),
        ((3, 0), r"'num_graphs' to be at least 1 \(got 0\)"),
    ],
)
def test_identities_of_bad_sizes_are_refused(sizes: tuple, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        MergeHistory.identity(*sizes)
