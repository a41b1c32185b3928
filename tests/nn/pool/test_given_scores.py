"""Scores per edge, thresholds per graph and logits, from outside of the pool."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from pyg_grapheme.nn.pool import ThresholdMergePool

MERGES = ("components", "average", "complete", "matching")
SIZES = [6, 0, 1, 7]


class Attribute(nn.Module):
    """A score that is the edge attribute."""

    symmetric = True

    def forward(self, x_i: Tensor, x_j: Tensor, edge_attr: Tensor) -> Tensor:
        return edge_attr


class Bilinear(nn.Module):
    """A learned score, or its logit."""

    symmetric = True

    def __init__(self, logits: bool) -> None:
        super().__init__()
        self.weight, self.logits = nn.Parameter(torch.tensor([0.5, -1.0, 2.0])), logits

    def forward(self, x_i: Tensor, x_j: Tensor, edge_attr: Tensor | None) -> Tensor:
        logit = (x_i * x_j) @ self.weight
        return logit if self.logits else logit.sigmoid()


def draw(draw_graphs: Callable, seed: int = 0) -> tuple:
    graphs = draw_graphs(seed, SIZES)
    generator = torch.Generator().manual_seed(seed)
    score = torch.rand(graphs.edge_index.size(1), generator=generator).double()
    return graphs, score, torch.rand(len(SIZES), generator=generator).double()


@pytest.mark.parametrize("merge", MERGES)
def test_given_scores_are_averaged_over_the_edges_of_a_pair(
    merge: str, draw_graphs: Callable
) -> None:
    graphs, score, _ = draw(draw_graphs)
    key = graphs.edge_index.sort(dim=0).values
    assert torch.unique(key, dim=1).size(1) < key.size(1)  # some repeat, some in both directions
    of_module = ThresholdMergePool(score=Attribute(), merge=merge, edge_reduce="mean").double()
    # The candidates are the edges, whatever the option says.
    given = ThresholdMergePool(merge=merge, candidates="all").double()
    arguments = (graphs.x, graphs.edge_index, score, graphs.batch, len(SIZES))
    for name in ("forward", "cuts", "dendrogram"):
        expected = getattr(of_module, name)(*arguments)
        found = getattr(given, name)(*arguments, edge_score=score)
        if name == "dendrogram":
            torch.testing.assert_close(found.height, expected.height)
            assert torch.equal(found.pairs, expected.pairs)
            continue
        if name == "cuts":
            torch.testing.assert_close(found.weight, expected.weight)
            found, expected = found.output, expected.output
        assert torch.equal(found.history.cluster, expected.history.cluster)
        torch.testing.assert_close(found.x, expected.x)


@pytest.mark.parametrize("merge", MERGES)
def test_given_thresholds_are_those_of_each_graph_alone(merge: str, draw_graphs: Callable) -> None:
    graphs, score, threshold = draw(draw_graphs)
    pool = ThresholdMergePool(merge=merge).double()
    together = pool(*graphs, edge_score=score, threshold=threshold)
    cuts = pool.cuts(*graphs, edge_score=score, threshold=threshold)
    tree = pool.dendrogram(*graphs, edge_score=score, threshold=threshold)
    assert torch.equal(together.history.threshold, threshold)
    assert torch.equal(cuts.output.history.threshold, threshold[cuts.graph])
    for graph, tau in enumerate(threshold.tolist()):
        node, edge = graphs.batch == graph, graphs.batch[graphs.edge_index[0]] == graph
        first = int((graphs.batch < graph).sum())
        alone = (graphs.x[node], graphs.edge_index[:, edge] - first, graphs.edge_attr[edge])
        own = ThresholdMergePool(tau, merge=merge).double()
        cluster = together.history.cluster[node]
        expected = own(*alone, edge_score=score[edge]).history.cluster
        assert torch.equal(cluster - cluster[:1], expected)
        weight = own.cuts(*alone, edge_score=score[edge]).weight
        torch.testing.assert_close(cuts.weight[cuts.graph == graph], weight, atol=1e-6, rtol=0)
        torch.testing.assert_close(
            tree.probability[tree.cut_graph == graph], weight, atol=1e-6, rtol=0
        )


@pytest.mark.parametrize("merge", MERGES)
@pytest.mark.parametrize("logits", [False, True], ids=["scores", "logits"])
def test_gradcheck_of_all_that_decides(
    merge: str, logits: bool, draw_graphs: Callable, fourth_powers: Callable
) -> None:
    graphs, score, threshold = draw(draw_graphs, seed=2)
    pool = ThresholdMergePool(score=Bilinear(logits), logits=logits, merge=merge).double()
    pool.temperature = 0.3

    def through_cuts(options: dict, x: Tensor) -> Tensor:
        cuts = pool.cuts(x, *graphs[1:], **options)
        return cuts.expectation(fourth_powers(cuts))

    def through_the_tree(options: dict, x: Tensor) -> Tensor:
        tree = pool.dendrogram(x, *graphs[1:], **options)
        clusters = tree.clusters()
        per_cut = torch.arange(tree.num_cuts).double().sin()
        return tree.expectation(per_cut) + clusters.expectation(clusters.mean(x).pow(4).sum(1))

    x = graphs.x.clone().requires_grad_()
    leaves = [score.requires_grad_(), threshold.requires_grad_()]
    parameters = [pool.raw_threshold, pool.score.weight]
    for run in (through_cuts, through_the_tree):

        def by_parameters(x: Tensor, *_: Tensor, run: Callable = run) -> Tensor:
            return run({}, x)

        def by_arguments(x: Tensor, e: Tensor, t: Tensor, run: Callable = run) -> Tensor:
            return run({"edge_score": e, "threshold": t}, x)

        assert torch.autograd.gradcheck(by_parameters, (x, *parameters), fast_mode=True)
        assert torch.autograd.gradcheck(by_arguments, (x, *leaves), fast_mode=True)


@pytest.mark.parametrize("merge", MERGES)
def test_the_parameter_has_a_zero_gradient_where_a_threshold_is_given(
    merge: str, draw_graphs: Callable
) -> None:
    graphs, score, threshold = draw(draw_graphs)
    pool = ThresholdMergePool(merge=merge).double()
    options = {"edge_score": score.requires_grad_(), "threshold": threshold.requires_grad_()}
    cuts = pool.cuts(*graphs, **options)
    tree = pool.dendrogram(*graphs, **options)
    totals = (
        pool(*graphs, **options).x.sum(),
        cuts.expectation(cuts.output.x.new_ones(cuts.num_cuts)).sum(),
        tree.expectation(torch.ones(tree.num_cuts)).sum(),
    )
    for total in totals:
        pool.zero_grad()
        threshold.grad = None
        total.backward()
        assert pool.raw_threshold.grad.item() == 0
        assert threshold.grad is not None


def test_logits_are_compared_with_the_raw_threshold() -> None:
    edge_index = torch.combinations(torch.arange(9)).T  # one score per pair: nothing is averaged
    score, x = torch.rand(36, generator=torch.Generator().manual_seed(0)), torch.ones(9, 1)
    for merge in ("components", "complete", "matching"):
        for threshold in (0.7, 0.9, 0.95):
            of_logits = ThresholdMergePool(threshold, logits=True, merge=merge)
            found = of_logits(x, edge_index, edge_score=score.logit()).history
            assert found.threshold == of_logits.raw_threshold
            expected = ThresholdMergePool(threshold, merge=merge)(x, edge_index, edge_score=score)
            assert torch.equal(found.cluster, expected.history.cluster)
            assert 1 < found.num_clusters < 9
    temperatures = (
        ThresholdMergePool(**options).temperature
        for options in ({}, {"logits": True}, {"logits": True, "temperature": 0.5})
    )
    assert list(temperatures) == [0.1, 1.0, 0.5]


def test_a_mean_of_logits_is_another_clustering() -> None:
    # Node 2 is joined to 0 and 1, which merge first, by 0.95 and 0.2: their mean is 0.575, that of
    # their logits sigmoid(0.78) = 0.69.
    edge_index = torch.tensor([[0, 0, 1], [1, 2, 2]])
    score, x = torch.tensor([0.99, 0.95, 0.2]), torch.ones(3, 1)
    of_scores = ThresholdMergePool(0.6, merge="average")
    of_logits = ThresholdMergePool(0.6, merge="average", logits=True)
    assert of_scores(x, edge_index, edge_score=score).history.cluster.tolist() == [0, 0, 1]
    found = of_logits(x, edge_index, edge_score=score.logit()).history
    assert found.cluster.tolist() == [0, 0, 0]
    for merge, cluster in (("components", [0, 0, 0]), ("complete", [0, 0, 1])):
        for logits in (False, True):
            pool = ThresholdMergePool(0.6, merge=merge, logits=logits)
            given = score.logit() if logits else score
            found = pool(x, edge_index, edge_score=given).history
            assert found.cluster.tolist() == cluster, (merge, logits)


@pytest.mark.parametrize("merge", MERGES)
def test_sampled_thresholds_lie_around_the_given_ones(merge: str, draw_graphs: Callable) -> None:
    graphs, score, threshold = draw(draw_graphs)
    options = {"edge_score": score, "threshold": threshold}
    torch.manual_seed(0)
    pool = ThresholdMergePool(merge=merge, estimator="reinforce", temperature=0.05).double()
    tree = pool.dendrogram(*graphs, **options)
    history = pool(*graphs, **options).history
    drawn = history.threshold
    assert drawn.shape == threshold.shape
    assert 0 < float((drawn - threshold).abs().max()) < 0.5
    assert torch.equal(history.cluster, tree.cut(drawn))
    first = 0
    for graph, steps in enumerate(tree.num_steps.tolist()):
        heights = tree.step_height[first - graph : first - graph + steps]
        level = int((heights > drawn[graph]).sum())
        expected = tree.probability[first + level].log()
        torch.testing.assert_close(history.log_prob[graph], expected)
        first += steps + 1
    pool.eval()
    evaluated = pool(*graphs, **options).history
    assert torch.equal(evaluated.threshold, threshold)
    assert not evaluated.log_prob.any()


def test_select_and_scores_take_given_scores(draw_graphs: Callable) -> None:
    graphs, score, threshold = draw(draw_graphs)
    pool = ThresholdMergePool(merge="average", candidates="all", logits=True).double()
    history = pool(*graphs, edge_score=score, threshold=threshold).history
    selection = pool.select(*graphs, edge_score=score, threshold=threshold)
    assert torch.equal(selection.cluster, history.cluster)
    pairs, found = pool.scores(*graphs, edge_score=score)
    key = graphs.edge_index.sort(dim=0).values.T.tolist()
    for pair, value in zip(pairs.T.tolist(), found.tolist(), strict=True):
        own = [s for k, s in zip(key, score.tolist(), strict=True) if k == pair]
        assert value == pytest.approx(sum(own) / len(own))


def test_equal_scores_of_repeated_edges_are_one_step() -> None:
    # The sum of three equal float32 numbers over three is often another number.
    edge_index = torch.tensor([[0, 0, 1, 1], [1, 1, 0, 2]])
    for value in torch.rand(100, generator=torch.Generator().manual_seed(0)):
        score = value.repeat(4)
        tree = ThresholdMergePool().dendrogram(torch.ones(3, 1), edge_index, edge_score=score)
        assert tree.num_steps.tolist() == [1]
        assert tree.height.tolist() == [value, value]


def test_what_does_not_fit_is_refused(draw_graphs: Callable) -> None:
    graphs, score, threshold = draw(draw_graphs)
    pool = ThresholdMergePool().double()
    size = score.numel()
    for options, message in (
        (
            {"edge_score": score[1:]},
            rf"'edge_score' to be a float tensor \[{size}\], one number per edge \(got float64",
        ),
        ({"edge_score": graphs.edge_index[0]}, r"'edge_score' to be a float tensor .*\(got int64"),
        ({"edge_score": score.log().sqrt()}, r"'edge_score' to be finite \(got NaN"),
        (
            {"threshold": threshold[:1]},
            r"'threshold' to be a float tensor \[4\], one number per graph \(got float64",
        ),
        ({"threshold": 0.5}, r"'threshold' to be a float tensor \[4\], .* \(got float\)"),
        ({"threshold": threshold / 0}, r"'threshold' to be finite \(got NaN or infinity"),
    ):
        for name in ("forward", "cuts", "dendrogram"):
            with pytest.raises(ValueError, match=message):
                getattr(pool, name)(*graphs, **options)
    pool = ThresholdMergePool(logits=True).double()
    for name in ("forward", "cuts", "dendrogram", "select", "scores"):
        with pytest.raises(ValueError, match=r"'edge_score', or a module as 'score', with logits"):
            getattr(pool, name)(*graphs)
    with pytest.raises(ValueError, match=r"'logits' to be True or False \(got 1\)"):
        ThresholdMergePool(logits=1)
