"""The layer at the plain threshold: parents, edges, parameters, use in a model."""

import copy
import math
from collections.abc import Callable

import pytest
import torch
from torch import nn

from pyg_grapheme.graphs import distinct_edges
from pyg_grapheme.nn import ThresholdMergePool, ThresholdSplit
from pyg_grapheme.nn.pool import connect_clusters

CONNECTS = ("inherit", "chain")
SIZES = [0, 9, 0, 1, 14, 0]
NO_EDGES = torch.empty(2, 0, dtype=torch.long)


def make(connect: str = "inherit", threshold: float = 0.5, **options: object) -> ThresholdSplit:
    torch.manual_seed(0)
    return ThresholdSplit(3, threshold, connect=connect, **options).double()


@pytest.mark.parametrize("connect", CONNECTS)
def test_merging_the_children_gives_the_input_back(connect: str, draw_graphs: Callable) -> None:
    for seed in range(8):
        graphs, split = draw_graphs(seed, SIZES), make(connect)
        x, edge_index, edge_attr, batch, history = split(*graphs)
        assert len(graphs.x) < len(x) < 2 * len(graphs.x)
        torch.testing.assert_close(history.lift(x), graphs.x, rtol=0, atol=1e-14)
        assert batch.equal(graphs.batch[history.parent])
        edges, attr = connect_clusters(
            history.parent, history.num_nodes, edge_index, edge_attr, "max"
        )
        assert edges.equal(distinct_edges(graphs.edge_index, len(graphs.x)))
        identity = torch.arange(len(graphs.x))
        expected = connect_clusters(identity, len(identity), *graphs[1:3], "max")[1]
        torch.testing.assert_close(attr, expected)


def test_two_layers_split_further(draw_graphs: Callable) -> None:
    graphs, split = draw_graphs(0, SIZES), make()
    once = split(*graphs)
    twice = split(*once[:4], graphs.batch_size)
    ancestor = once.history.parent[twice.history.parent]
    assert ancestor.bincount().max() > 2
    # Layers in a row lift in reverse order.
    lifted = once.history.lift(twice.history.lift(twice.x))
    torch.testing.assert_close(lifted, graphs.x)


def test_a_score_at_the_threshold_does_not_split() -> None:
    split, x = ThresholdSplit(1, 0.5), torch.ones(3, 1)
    assert split.threshold.item() == 0.5
    score = torch.tensor([0.5, 0.5 + 1e-7, 0.5 - 1e-7])
    assert split(x, NO_EDGES, node_score=score).history.parent.tolist() == [0, 1, 1, 2]


def test_copies_of_edges_follow_each_other() -> None:
    split, x = ThresholdSplit(1), torch.ones(3, 1)
    edge_index = torch.tensor([[0, 1, 1, 2, 0], [1, 2, 1, 2, 1]])
    score = torch.tensor([0.9, 0.8, 0.1])  # children 0 and 1, 2 and 3, 4
    found = split(x, edge_index, torch.arange(5), node_score=score)
    assert list(zip(*found.edge_index.tolist(), found.edge_attr.tolist(), strict=True)) == [
        *[(0, 2, 0), (0, 3, 0), (1, 2, 0), (1, 3, 0)],
        *[(2, 4, 1), (3, 4, 1), (2, 2, 2), (3, 3, 2), (4, 4, 3)],
        *[(0, 2, 4), (0, 3, 4), (1, 2, 4), (1, 3, 4)],
    ]
    split = ThresholdSplit(1, connect="chain")
    found = split(x, edge_index, torch.arange(1, 6), node_score=score)
    assert list(zip(*found.edge_index.tolist(), found.edge_attr.tolist(), strict=True)) == [
        *[(1, 2, 1), (3, 4, 2), (3, 2, 3), (4, 4, 4), (1, 2, 5), (0, 1, 0), (2, 3, 0)]
    ]


def test_the_history_knows_the_children() -> None:
    split, x = ThresholdSplit(2), torch.ones(3, 2)
    history = split(x, NO_EDGES, node_score=torch.tensor([0.1, 0.9, 0.2])).history
    assert [history.children(i).tolist() for i in range(3)] == [[0], [1, 2], [3]]
    with pytest.raises(IndexError, match=r"'i' to be in \[0, 3\) \(got 3\)"):
        history.children(3)
    assert history.lift(torch.tensor([1, 2, 5, 4])).tolist() == [1, 3.5, 4]
    fine = torch.tensor([6e4, 6e4, 6e4, 1.0]).half()[:, None]
    assert history.lift(fine).equal(fine[1:])
    message = r"'fine' to have one row for each of the 4 output nodes \(got shape \(3,\)\)"
    with pytest.raises(ValueError, match=message):
        history.lift(torch.ones(3))


@pytest.mark.parametrize("method", ["forward", "cuts"])
@pytest.mark.parametrize("sizes", [[], [0], [1], [3, 0, 2]])
def test_no_parameter_is_without_a_gradient(method: str, sizes: list[int]) -> None:
    """Under DDP every process reduces the same parameters, whatever its graphs are."""
    for estimator in ("none", "reinforce"):
        for threshold in (1e-6, 0.999999):
            split = make("inherit", threshold, estimator=estimator)
            x = torch.randn(sum(sizes), 3, dtype=torch.double, requires_grad=True)
            batch = torch.repeat_interleave(torch.tensor(sizes, dtype=torch.long))
            result = getattr(split, method)(x, NO_EDGES, None, batch, len(sizes))
            out = result.output if method == "cuts" else result
            (out.x.sum() + out.history.log_prob.sum()).backward()
            assert all(p.grad is not None and p.grad.isfinite().all() for p in split.parameters())
            if estimator == "none" or method == "cuts":
                assert split.raw_threshold.grad == 0
            assert x.grad.shape == x.shape


def test_thresholds_from_outside_are_those_of_each_graph_alone(draw_graphs: Callable) -> None:
    graphs, split = draw_graphs(1, [4, 0, 5, 3]), make()
    threshold = torch.tensor([0.3, 0.5, 0.55, 0.7], dtype=torch.double, requires_grad=True)
    together, cuts = (run(*graphs, threshold=threshold) for run in (split, split.cuts))
    assert together.history.threshold.equal(threshold)
    assert cuts.output.history.threshold.equal(threshold[cuts.graph])
    for graph, tau in enumerate(threshold.tolist()):
        node = graphs.batch == graph
        split.raw_threshold.data.fill_(math.log(tau / (1 - tau)))
        alone = split(graphs.x[node], NO_EDGES)
        torch.testing.assert_close(together.x[together.batch == graph], alone.x)
        weight = split.cuts(graphs.x[node], NO_EDGES).weight
        torch.testing.assert_close(cuts.weight[cuts.graph == graph], weight)
    value = torch.arange(cuts.num_cuts).double()
    (together.x.sum() + cuts.expectation(value).sum()).backward()
    assert split.raw_threshold.grad == 0
    assert threshold.grad.abs()[[0, 2, 3]].min() > 0


class Both(nn.Module):
    """Children that are x and a learned vector; the score of a node is its first feature."""

    def __init__(self) -> None:
        super().__init__()
        self.vector = nn.Parameter(torch.arange(3.0))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.stack([x, self.vector.expand_as(x)], 1)


class First(nn.Module):
    """The first feature, as a logit."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x[:, 0]


def test_modules_of_the_user(draw_graphs: Callable) -> None:
    graphs = draw_graphs(0, SIZES)
    split = make("chain", score=First(), children=Both(), logits=True)
    x = split(*graphs).x
    expected = []
    for row in graphs.x:
        expected += [row, torch.arange(3.0).double()] if row[0] > 0 else [row]
    assert torch.equal(x, torch.stack(expected))
    assert 0 < len(x) - len(graphs.x) == int((graphs.x[:, 0] > 0).sum())
    assert split.scores(*graphs).equal(graphs.x[:, 0])


def test_select_and_connect_can_be_used_on_their_own(draw_graphs: Callable) -> None:
    for connect in CONNECTS:
        graphs, split = draw_graphs(4, SIZES), make(connect)
        out, selection = split(*graphs), split.select(*graphs)
        assert selection.parent.equal(out.history.parent)
        edge_index, edge_attr = split.connect(selection, graphs.edge_index, graphs.edge_attr)
        assert edge_index.equal(out.edge_index)
        assert edge_attr.equal(out.edge_attr)


def test_compiled_copied_and_restored(draw_graphs: Callable) -> None:
    graphs, split = draw_graphs(0, SIZES), make()
    expected = split(*graphs)
    other = make()
    other.reset_parameters()
    assert not torch.equal(other(*graphs).x, expected.x)
    other.load_state_dict(split.state_dict())
    for same in (torch.compile(split, backend="aot_eager"), copy.deepcopy(split), other):
        found = same(*graphs)
        assert found.x.equal(expected.x)
        assert found.edge_index.equal(expected.edge_index)


def test_the_parameters_can_be_reset() -> None:
    split = ThresholdSplit(3, 0.25)
    before = copy.deepcopy(split.state_dict())
    split.raw_threshold.data.fill_(3.0)
    split.reset_parameters()
    assert split.raw_threshold.equal(before["raw_threshold"])
    assert not split.score.map.weight.equal(before["score.map.weight"])
    assert not split.children_of.map.weight.equal(before["children_of.map.weight"])


def test_repr_says_every_option() -> None:
    assert repr(ThresholdSplit(3, 0.25, connect="chain")).splitlines()[1:4] == [
        "  3, threshold=0.25, connect='chain', logits=False, estimator='none', temperature=0.1, "
        "check_finite=True",
        "  (score): LinearScore(",
        "    (map): WiderLinear(in_features=3, out_features=1, bias=True)",
    ]


def test_split_and_merge_train_together() -> None:
    """The expected number of nodes after both has a gradient in both thresholds, of known signs."""
    x = torch.tensor([[1.0, 0.2], [0.9, 0.3], [-1.0, 0.1]], dtype=torch.double)
    edge_index = torch.tensor([[0, 1, 1, 2], [1, 0, 2, 1]])
    torch.manual_seed(0)
    split, pool = ThresholdSplit(2).double(), ThresholdMergePool(temperature=0.3).double()
    outer = split.cuts(x, edge_index)
    inner = pool.cuts(*outer.output[:4], outer.num_cuts)
    size = inner.output.batch.bincount(minlength=inner.num_cuts).double()
    outer.expectation(inner.expectation(size)).backward()
    assert pool.raw_threshold.grad > 0  # a higher threshold merges less
    assert split.raw_threshold.grad < 0  # a higher threshold splits less
