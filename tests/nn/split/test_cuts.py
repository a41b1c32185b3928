"""Splits at every threshold and the exact expectation, against plain Python."""

import math
from collections import defaultdict
from collections.abc import Callable
from itertools import chain
from types import SimpleNamespace

import pytest
import torch
from scipy.special import expit
from torch import Tensor
from torch.func import functional_call

from pyg_grapheme.nn import ReinforceLoss, ThresholdMergePool, ThresholdSplit
from pyg_grapheme.nn.split import SplitOutput
from pyg_grapheme.testing import assert_gradients_match, enumerate_clusterings

CONNECTS = ("inherit", "chain")
SIZES = [5, 0, 1, 3]


def make(connect: str = "inherit", seed: int = 0, **options: object) -> ThresholdSplit:
    torch.manual_seed(seed)
    options = {"temperature": 0.2} | options
    return ThresholdSplit(3, 0.5, connect=connect, **options).double()


def draw_scores(seed: int, size: int) -> Tensor:
    """Draw scores of which some tie."""
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(1, 8, (size,), generator=generator).double() / 8


def part(out: SplitOutput, graph: int) -> tuple[Tensor, list[list[int]], Tensor, list[int]]:
    """Features, edges, attributes and parents of one graph of an output."""
    nodes = (out.batch == graph).nonzero().view(-1)
    edges = (out.batch[out.edge_index[0]] == graph).nonzero().view(-1)
    parent = out.history.parent[nodes]
    first = int(nodes[0]) if nodes.numel() else 0
    return (
        out.x[nodes],
        (out.edge_index[:, edges] - first).T.tolist(),
        out.edge_attr[edges],
        (parent - parent[:1]).tolist(),
    )


def assert_is(out: SplitOutput, graph: int, split) -> None:
    x, edges, attr, parent = part(out, graph)
    assert parent == split.parent
    assert edges == [list(edge) for edge, _ in split.edges]
    torch.testing.assert_close(x, torch.tensor(split.x, dtype=torch.double).view(-1, 3))
    expected = torch.tensor([a for _, a in split.edges], dtype=torch.double).view(-1, 2)
    torch.testing.assert_close(attr, expected)


@pytest.mark.parametrize("connect", CONNECTS)
def test_all_thresholds_of_200_random_graphs(
    connect: str,
    draw_graphs: Callable,
    make_oracle: Callable,
    oracle_loss: Callable,
    loss_per_graph: Callable,
) -> None:
    """Each member of the filtration, by ``forward`` and ``cuts``, and the expected loss."""
    for seed in range(25):
        generator = torch.Generator().manual_seed(seed)
        sizes = torch.randint(0, 6, (8,), generator=generator).tolist()
        graphs, split = draw_graphs(seed, sizes), make(connect, seed)
        linear = split.score.map
        given = draw_scores(seed, len(graphs.x)) if seed % 2 else None
        if given is None:
            logit = (graphs.x * linear.weight.detach()).sum(1) + linear.bias.detach()
            scores = (1 / (1 + (-logit).exp())).tolist()
        else:
            scores = given.tolist()
        tau, temperature = 0.3 + seed / 60, 0.05 + seed / 50
        split.raw_threshold.data.fill_(math.log(tau / (1 - tau)))
        split.temperature = temperature
        cuts = split.cuts(*graphs, node_score=given)
        found = cuts.expectation(loss_per_graph(cuts.output, cuts.num_cuts))
        members = []
        for graph in range(8):
            own = [s for s, g in zip(scores, graphs.batch.tolist(), strict=True) if g == graph]
            oracle = make_oracle(graphs, graph, split.children_of.map.weight, connect)
            members.append(oracle.members(own, tau, temperature))
        assert cuts.graph.tolist() == [g for g, own in enumerate(members) for _ in own]
        for r, member in enumerate(chain(*members)):
            assert cuts.weight[r].item() == pytest.approx(member.probability, abs=1e-12)
            assert_is(cuts.output, r, member.split)
        expected = [math.fsum(m.probability * oracle_loss(m.split) for m in own) for own in members]
        torch.testing.assert_close(
            found, torch.tensor(expected, dtype=torch.double), rtol=1e-10, atol=1e-10
        )
        for level in range(max(map(len, members))):
            at = [own[min(level, len(own) - 1)] for own in members]
            threshold = [(min(m.high, 2) + max(m.low, -1)) / 2 for m in at]
            out = split(
                *graphs, node_score=given, threshold=torch.tensor(threshold, dtype=torch.double)
            )
            for graph, member in enumerate(at):
                assert_is(out, graph, member.split)


def test_every_copy_has_its_cut_and_its_node(draw_graphs: Callable) -> None:
    graphs, split = draw_graphs(1, SIZES), make()
    cuts = split.cuts(*graphs)
    history = cuts.output.history
    assert (
        cuts.num_cuts == len(cuts.graph) == len(cuts.weight) == history.num_graphs == 6 + 1 + 2 + 4
    )
    assert cuts.batch.tolist() == [r for r, g in enumerate(cuts.graph) for _ in range(SIZES[g])]
    assert graphs.batch[cuts.node].equal(cuts.graph[cuts.batch])
    assert cuts.batch[history.parent].equal(cuts.output.batch)
    assert cuts.dropped.tolist() == [0.0] * len(SIZES)
    torch.testing.assert_close(history.lift(cuts.output.x), graphs.x[cuts.node])


@pytest.mark.parametrize("connect", CONNECTS)
@pytest.mark.parametrize("logits", [False, True], ids=["scores", "logits"])
def test_gradcheck_in_everything(
    connect: str, logits: bool, draw_graphs: Callable, loss_per_graph: Callable
) -> None:
    graphs, split = draw_graphs(7, SIZES), make(connect, logits=logits, temperature=0.5)
    names = [name for name, _ in split.named_parameters()]
    assert names == [
        "raw_threshold",
        "score.map.weight",
        "score.map.bias",
        "children_of.map.weight",
    ]

    class Expected(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.split = split

        def forward(self, x: Tensor, edge_attr: Tensor, **options: object) -> Tensor:
            cuts = split.cuts(x, graphs.edge_index, edge_attr, *graphs[3:], **options)
            return cuts.expectation(loss_per_graph(cuts.output, cuts.num_cuts))

    expected = Expected()

    def by_parameters(x: Tensor, edge_attr: Tensor, *parameters: Tensor) -> Tensor:
        named = {f"split.{n}": p for n, p in zip(names, parameters, strict=True)}
        return functional_call(expected, named, (x, edge_attr))

    def by_arguments(x: Tensor, edge_attr: Tensor, score: Tensor, threshold: Tensor) -> Tensor:
        return expected(x, edge_attr, node_score=score, threshold=threshold)

    leaves = [graphs.x.requires_grad_(), graphs.edge_attr.requires_grad_()]
    assert torch.autograd.gradcheck(by_parameters, (*leaves, *split.parameters()))
    generator = torch.Generator().manual_seed(0)
    score = torch.rand(len(graphs.x), generator=generator).double().requires_grad_()
    threshold = torch.tensor([0.4, 0.5, 0.6, 0.7]).double().requires_grad_()
    assert torch.autograd.gradcheck(by_arguments, (*leaves, score, threshold))
    assert torch.autograd.gradgradcheck(
        lambda x, s, t: by_arguments(x, leaves[1].detach(), s, t).sum(),
        (leaves[0], score, threshold),
        rtol=1e-5,
        atol=1e-6,
    )


@pytest.mark.parametrize("options", [{"max_cuts": 2}, {"levels": 2}, {"min_mass": 0.7}])
def test_gradcheck_of_fewer_cuts(
    options: dict, draw_graphs: Callable, loss_per_graph: Callable
) -> None:
    """Of a sample, in all that its weights do not depend on; their gradient is right on average."""
    graphs, split = draw_graphs(7, SIZES), make()
    score = draw_scores(3, len(graphs.x)) + torch.arange(len(graphs.x)) / 100
    leaves = [graphs.x.requires_grad_(), graphs.edge_attr.requires_grad_()]
    if "max_cuts" not in options:
        leaves += [score.requires_grad_(), split.raw_threshold]

    def expected(x: Tensor, edge_attr: Tensor, *_: Tensor) -> Tensor:
        torch.manual_seed(0)
        cuts = split.cuts(x, graphs.edge_index, edge_attr, *graphs[3:], node_score=score, **options)
        assert cuts.num_cuts < len(graphs.x) + len(SIZES)
        return cuts.expectation(loss_per_graph(cuts.output, cuts.num_cuts))

    assert_gradients_match(expected, [*leaves, split.children_of.map.weight])


def test_levels_are_groups_of_equal_size_at_their_lowest_score(
    draw_graphs: Callable, make_oracle: Callable
) -> None:
    graphs, split = draw_graphs(0, [7]), make()
    score = [0.1, 0.8, 0.4, 0.6, 0.9, 0.8, 0.3]  # six steps; in three groups of two
    lowered = [0.1, 0.8, 0.4, 0.4, 0.8, 0.8, 0.1]
    oracle = make_oracle(graphs, 0, split.children_of.map.weight, "inherit")
    cuts = split.cuts(*graphs, node_score=torch.tensor(score, dtype=torch.double), levels=3)
    for r, member in enumerate(oracle.members(lowered, 0.5, 0.2)):
        assert cuts.weight[r].item() == pytest.approx(member.probability)
        assert_is(cuts.output, r, member.split)


def test_scores_that_tie_share_the_gradient_of_their_step(draw_graphs: Callable) -> None:
    graphs, split = draw_graphs(0, [3]), make()
    score = torch.tensor([0.6, 0.1, 0.6], dtype=torch.double, requires_grad=True)
    cuts = split.cuts(*graphs, node_score=score)
    assert cuts.num_cuts == 3
    above = expit((0.6 - 0.5) / 0.2)
    (gradient,) = torch.autograd.grad(cuts.weight[0], score)  # 1 - above
    density = above * (1 - above) / 0.2
    assert gradient.tolist() == pytest.approx([-density / 2, 0, -density / 2])


def gradients_of_draws(
    value: Callable[..., Tensor], graphs, score: Tensor, threshold: Tensor
) -> Tensor:
    """Value and gradients in x, scores and threshold: a row for each of many independent copies."""
    size, num_nodes = threshold.numel(), score.numel() // threshold.numel()
    leaves = [graphs.x.requires_grad_(), score.requires_grad_(), threshold.requires_grad_()]
    values = value(graphs, node_score=score, threshold=threshold)
    found = torch.autograd.grad(values.sum(), leaves)
    rows = [values.detach()[:, None], found[0].view(size, num_nodes * 3), found[1].view(size, -1)]
    return torch.cat([*rows, found[2][:, None]], dim=1)


def assert_unbiased(
    value: Callable[..., Tensor], exact_value: Callable[..., Tensor], draw_graphs: Callable
) -> None:
    """Compare the means over 20,000 draws with the exact numbers, within four standard errors."""
    graphs = draw_graphs(3, [5])
    score, threshold = torch.tensor([0.2, 0.7, 0.45, 0.6, 0.5]).double(), torch.tensor([0.5])
    exact = gradients_of_draws(exact_value, graphs, score.clone(), threshold.double())
    torch.manual_seed(0)
    draws = 20_000
    found = gradients_of_draws(
        value,
        graphs._replace(x=graphs.x.detach()).repeat(draws),
        score.repeat(draws),
        threshold.double().repeat(draws),
    )
    error = found.std(0) / draws**0.5
    assert bool(((found.mean(0) - exact[0]).abs() <= 4 * error + 1e-12).all())
    # The sample does vary, in the gradients of the scores and the threshold above all.
    assert bool((error[-6:] > 1e-4).all())
    assert bool((error[-6:] < 0.1 * exact[0, -6:].abs().max()).all())


@pytest.mark.parametrize("max_cuts", [1, 2, 3])
def test_sampled_cuts_are_unbiased(
    max_cuts: int, draw_graphs: Callable, loss_per_graph: Callable
) -> None:
    split = make()

    def value(graphs, max_cuts: int | None = max_cuts, **options: Tensor) -> Tensor:
        cuts = split.cuts(*graphs, max_cuts=max_cuts, **options)
        return cuts.expectation(loss_per_graph(cuts.output, cuts.num_cuts))

    assert_unbiased(value, lambda graphs, **o: value(graphs, None, **o), draw_graphs)


def test_reinforce_is_unbiased(draw_graphs: Callable, loss_per_graph: Callable) -> None:
    split = make(estimator="reinforce")

    def value(graphs, **options: Tensor) -> Tensor:
        out = split(*graphs, **options)
        loss = loss_per_graph(out, graphs.batch_size)
        return ReinforceLoss()(loss, out.history, torch.arange(graphs.batch_size) // 4)

    def exact(graphs, **options: Tensor) -> Tensor:
        cuts = split.cuts(*graphs, **options)
        return cuts.expectation(loss_per_graph(cuts.output, cuts.num_cuts))

    assert_unbiased(value, exact, draw_graphs)


def test_sampled_thresholds_lead_to_splits_of_their_probability(draw_graphs: Callable) -> None:
    graphs, split = draw_graphs(2, SIZES), make(estimator="reinforce")
    torch.manual_seed(1)
    history = split(*graphs).history
    tau, scores = history.threshold, split.scores(*graphs)
    assert tau.shape == (4,)
    assert tau.unique().numel() == 4
    assert (scores > tau[graphs.batch]).long().equal(history.parent.bincount(minlength=9) - 1)
    for graph in range(4):
        own = scores[graphs.batch == graph].tolist()
        high = min((s for s in own if s > tau[graph]), default=math.inf)
        low = max((s for s in own if s <= tau[graph]), default=-math.inf)
        probability = expit((high - 0.5) / 0.2) - expit((low - 0.5) / 0.2)
        assert history.log_prob[graph].item() == pytest.approx(math.log(probability))
    split.eval()
    evaluated = split(*graphs).history
    assert evaluated.threshold.item() == pytest.approx(0.5)
    assert evaluated.log_prob.tolist() == [0] * 4


class Nested(torch.nn.Module):
    """Split, then merge: the expected loss over both thresholds."""

    def __init__(self, split_first: bool, **options: object) -> None:
        super().__init__()
        self.split, self.split_first = make(**options), split_first
        self.pool = ThresholdMergePool(temperature=0.3).double()
        self.pool.raw_threshold.data.fill_(math.log(0.6 / 0.4))

    def forward(self, graphs, loss: Callable, **options: int) -> Tensor:
        first, second = (self.split, self.pool) if self.split_first else (self.pool, self.split)
        outer = first.cuts(*graphs, **options)
        inner = second.cuts(*outer.output[:4], outer.num_cuts)
        return outer.expectation(inner.expectation(loss(inner.output, inner.num_cuts)))


def test_merging_after_splitting_is_a_double_sum(
    draw_graphs: Callable, make_oracle: Callable, oracle_loss: Callable, loss_per_graph: Callable
) -> None:
    for seed, connect in enumerate(CONNECTS):
        graphs, nested = draw_graphs(seed, [4, 0, 1, 3], 1.2), Nested(True, connect=connect)
        scores, expected = nested.split.scores(*graphs).tolist(), []
        for graph in range(4):
            own = [s for s, g in zip(scores, graphs.batch.tolist(), strict=True) if g == graph]
            oracle = make_oracle(graphs, graph, nested.split.children_of.map.weight, connect)
            total = 0.0
            for member in oracle.members(own, 0.5, 0.2):
                x, edges, _ = member.split
                for c in enumerate_clusterings(x, [edge for edge, _ in edges]):
                    weight = expit((c.high - 0.6) / 0.3) - expit((c.low - 0.6) / 0.3)
                    total += member.probability * weight * oracle_loss(merged(c.clusters, x, edges))
            expected.append(total)
        found = nested(graphs, loss_per_graph)
        expected = torch.tensor(expected, dtype=torch.double)
        torch.testing.assert_close(found, expected, rtol=1e-10, atol=1e-10)


def merged(clusters: list[list[int]], x: list, edges: list) -> SimpleNamespace:
    """Merge the nodes of a graph: means of features, sums of attributes."""
    label = {node: k for k, nodes in enumerate(clusters) for node in nodes}
    mean = [[math.fsum(c) / len(c) for c in zip(*(x[i] for i in p), strict=True)] for p in clusters]
    total: dict[tuple[int, int], float] = defaultdict(float)
    for (u, v), attr in edges:
        if label[u] != label[v]:
            total[label[u], label[v]] += attr[0]
    return SimpleNamespace(x=mean, edges=[(edge, [value]) for edge, value in total.items()])


@pytest.mark.parametrize("split_first", [True, False], ids=["split, merge", "merge, split"])
def test_gradients_of_nested_layers(
    split_first: bool, draw_graphs: Callable, loss_per_graph: Callable
) -> None:
    graphs, nested = draw_graphs(5, [4, 0, 1, 3], 1.2), Nested(split_first)
    assert_gradients_match(
        lambda x, *_: nested(graphs._replace(x=x), loss_per_graph),
        [graphs.x, *nested.parameters()],
        step=1e-5,
    )
    torch.manual_seed(0)
    exact = nested(graphs, loss_per_graph)
    many = graphs.repeat(2000)
    drawn = nested(many, loss_per_graph, max_cuts=2).detach().view(2000, -1)
    error = drawn.std(0) / 2000**0.5
    assert bool(((drawn.mean(0) - exact).abs() <= 4 * error + 1e-9).all())
