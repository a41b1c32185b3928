"""Losses against sums over enumerated cuts and pairs."""

import math
from collections.abc import Callable
from itertools import combinations, product

import pytest
import torch
from torch import Tensor, nn
from torch.autograd import gradcheck
from torch.func import functional_call

from pyg_grapheme.metrics import METRICS, PartitionSums
from pyg_grapheme.nn import PairScorer, PartitionLoss, ThresholdMergePool
from pyg_grapheme.nn.partition import meeting_pairs, partition_sums
from pyg_grapheme.nn.pool import ScoredPairs, single_linkage

OBJECTIVES = ("pairs", *METRICS)


def sigmoid(value: float) -> float:
    return 1 / (1 + math.exp(-value))


def log_sigmoid(value: float) -> float:
    return -math.log1p(math.exp(-value))


def probabilities(tree) -> list[float]:
    """The probability of each cut, from the heights of its last step and the next."""
    heights, found = tree.step_height.tolist(), []
    for num_steps, tau in zip(tree.num_steps.tolist(), tree.threshold.tolist(), strict=True):
        steps, heights = heights[:num_steps], heights[num_steps:]
        above = [sigmoid((h - tau) / tree.temperature) for h in steps]
        found += [p - q for p, q in zip([1.0, *above], [*above, 0.0], strict=True)]
    return found


def test_expected_scores_are_sums_over_cuts(draw_case: Callable, sums_of: Callable) -> None:
    for seed in range(1, 30):
        case = draw_case(seed)
        options = {"unlabelled": case.unlabelled, "min_size": case.min_size}
        cuts = list(case.cuts())
        sums = [
            PartitionSums(
                **{
                    name: torch.tensor(value, dtype=torch.double)
                    for name, value in sums_of(*cut[1:], case.min_size).items()
                }
            )
            for cut in cuts
        ]
        weight = probabilities(case.tree)
        for name, metric in METRICS.items():
            expected = [1.0] * case.tree.num_steps.numel()
            for (graph, *_), p, cut in zip(cuts, weight, sums, strict=True):
                expected[graph] -= p * float(metric(cut))
            loss = PartitionLoss(name, **options)(case.tree, case.y)
            assert loss.tolist() == pytest.approx(expected, abs=1e-9), (seed, name)
            by_callable = PartitionLoss(metric, **options)(case.tree, case.y)
            assert torch.equal(by_callable, loss)


def test_pooled_scores_are_ratios_of_expected_sums(draw_case: Callable, sums_of: Callable) -> None:
    for seed in range(1, 20):
        case = draw_case(seed)
        options = {"unlabelled": case.unlabelled, "min_size": case.min_size, "pooled": True}
        total: dict[str, float] = {}
        for p, (_, cluster, label) in zip(probabilities(case.tree), case.cuts(), strict=True):
            for name, value in sums_of(cluster, label, case.min_size).items():
                total[name] = total.get(name, 0.0) + p * value
        expected = {
            "pair_f1": (2 * total["common_pairs"], total["cluster_pairs"] + total["label_pairs"]),
            "bcubed_precision": (total["precision"], total["num_nodes"]),
            "homogeneity": (
                total["label_entropy"] - total["label_given_cluster"],
                total["label_entropy"],
            ),
            "double_majority": (total["double_majority"], total["num_labels"]),
        }
        for name, (part, whole) in expected.items():
            loss = PartitionLoss(name, **options)(case.tree, case.y)
            assert loss.shape == ()
            assert float(loss) == pytest.approx(1 - part / whole if whole else 0, abs=1e-9), (
                seed,
                name,
            )


def test_pooled_ratios_of_tiny_expectations_have_all_digits() -> None:
    # One cluster is all but certain, so that the expected entropies are all but zero.
    generator = torch.Generator().manual_seed(0)
    nodes, height = torch.arange(50), torch.rand(49, generator=generator).double()
    y = torch.randint(4, (50,), generator=generator)
    pairs = ScoredPairs(torch.stack([nodes[:-1], nodes[1:]]), height)
    tree = single_linkage(pairs, 0 * nodes, 1, torch.tensor(-9.0).double(), 0.25)
    sums = partition_sums(tree, y)
    odds = (-tree.step_height / 0.25).exp()
    weight = torch.cat([odds, odds.new_zeros(1)]) - torch.cat([odds.new_zeros(1), odds])
    # The last cut has a weight near 1, and both of its entropies are 0.
    part, whole = (weight * sums.cluster_given_label), (weight * sums.cluster_entropy)
    found = PartitionLoss("completeness", pooled=True)(tree, y)
    assert float(found) == pytest.approx(float(part[:-1].sum() / whole[:-1].sum()), rel=1e-9)


def test_pairs_are_the_likelihood_of_all_pairs_that_meet(draw_case: Callable) -> None:
    num_apart = 0
    for seed in range(30):
        case = draw_case(seed)
        tree, num_graphs = case.tree, case.tree.num_steps.numel()
        likelihood, same, apart = ([0.0] * num_graphs for _ in range(3))
        first_height = [0, *tree.num_steps.cumsum(0).tolist()]
        cuts = [[c[1:] for c in case.cuts() if c[0] == graph] for graph in range(num_graphs)]
        for graph, levels in enumerate(cuts):
            label = levels[0][1]
            for i, j in combinations(range(len(label)), 2):
                same[graph] += label[i] == label[j]
                meeting = [k for k, (cluster, _) in enumerate(levels) if cluster[i] == cluster[j]]
                if not meeting:
                    apart[graph] += 1
                    continue
                height = float(tree.step_height[first_height[graph] + meeting[0] - 1])
                logit = (height - float(tree.threshold[graph])) / tree.temperature
                likelihood[graph] += log_sigmoid(logit if label[i] == label[j] else -logit)
        options = {"unlabelled": case.unlabelled}
        expected = [-p / max(1, count) for p, count in zip(likelihood, same, strict=True)]
        assert PartitionLoss("pairs", **options)(tree, case.y).tolist() == pytest.approx(expected)
        pooled = PartitionLoss("pairs", pooled=True, **options)(tree, case.y)
        assert float(pooled) == pytest.approx(-sum(likelihood) / max(1, sum(same)))
        pairs = meeting_pairs(tree, case.y, **options)
        assert pairs.num_same.tolist() == same
        assert pairs.num_apart.tolist() == apart
        num_apart += sum(apart)
    assert num_apart > 0


class Model(nn.Module):
    """A pool and an objective of three graphs, the second of them empty."""

    def __init__(self, pool: ThresholdMergePool, loss: PartitionLoss) -> None:
        super().__init__()
        self.pool, self.loss = pool, loss

    def forward(
        self, x: Tensor, edge_score: Tensor | None = None, threshold: Tensor | None = None
    ) -> Tensor:
        given = {"edge_score": edge_score, "threshold": threshold}
        return self.loss(self.pool.dendrogram(x, EDGE_INDEX, None, BATCH, 3, **given), Y)


BATCH = torch.tensor([0] * 6 + [2] * 5)
EDGE_INDEX = torch.tensor(
    [[0, 1, 3, 0, 4, 2, 1, 5, 0, 6, 8, 9, 6, 10, 7], [1, 2, 4, 2, 5, 3, 4, 3, 5, 7, 9, 10, 9, 8, 8]]
)
Y = torch.tensor([0, 0, 0, 1, 1, -1, 0, 0, 1, 1, -1])
SCORE = (
    torch.tensor([9, 6, 8, 4, 3, 2, 1, 5, 7, 3, 9, 5, 4, 2, 6]).double() / 10
    + torch.arange(15).sqrt() / 100
)


@pytest.mark.parametrize("pooled", [False, True], ids=["by_graph", "pooled"])
def test_gradients_of_every_objective(pooled: bool) -> None:
    torch.manual_seed(0)
    x, threshold = torch.randn(11, 3).double(), torch.tensor([0.3, 0.5, 0.6]).double()
    pools = {
        "cosine": ThresholdMergePool(0.5, temperature=0.4),
        "average": ThresholdMergePool(0.5, temperature=0.4, merge="average"),
        "complete": ThresholdMergePool(0.5, temperature=0.4, merge="complete"),
        "matching": ThresholdMergePool(0.5, temperature=0.4, merge="matching"),
        "learned": ThresholdMergePool(0.5, score=PairScorer(3, hidden_channels=4), logits=True),
    }
    # One tree is enough for the derivatives of a metric, a few metrics for those of a tree.
    some = ("pairs", "pair_f1", "homogeneity", "double_majority")
    every = (("cosine", objective) for objective in OBJECTIVES)
    for name, objective in dict.fromkeys([*every, *product(pools, some)]):
        pool = pools[name]
        model = Model(pool, PartitionLoss(objective, pooled=pooled, min_size=2)).double()
        names, values = zip(*model.named_parameters(), strict=True)

        def run(*leaves: Tensor, names=names, model=model) -> Tensor:
            inputs, values = leaves[: -len(names)], leaves[-len(names) :]
            return functional_call(model, dict(zip(names, values, strict=True)), inputs)

        for inputs in ((x,), (x, SCORE, threshold)):
            if len(inputs) == 1 and (objective == "recovered" or name in ("complete", "matching")):
                continue  # some of these scores are the same for all cuts of these features
            leaves = [leaf.detach().requires_grad_() for leaf in (*inputs, *values)]
            run(*leaves).sum().backward()
            learned = leaves[1:3] if len(inputs) > 1 else [leaves[0], leaves[-1]]
            # A matching of these scores joins no wrong pair, so precisions do not vary.
            assert name == "matching" or all(bool(leaf.grad.any()) for leaf in learned), objective
            assert gradcheck(run, leaves, fast_mode=True), (name, objective)


def test_graphs_without_a_pair_have_a_loss_and_a_gradient_of_zero() -> None:
    none = torch.empty(2, 0, dtype=torch.long)
    for batch, batch_size in (([], 1), ([], 2), ([0, 0, 2], 4)):
        x, y = torch.ones(len(batch), 2), torch.arange(len(batch)).to(torch.int32)
        for objective, pooled in product(OBJECTIVES, (False, True)):
            pool = ThresholdMergePool()
            tree = pool.dendrogram(x, none, None, torch.tensor(batch).long(), batch_size)
            loss = PartitionLoss(objective, pooled=pooled)(tree, y)
            assert loss.dtype == torch.float
            # Single nodes of labels of their own are right.
            assert torch.equal(loss, torch.zeros(() if pooled else batch_size)), objective
            loss.sum().backward()
            assert pool.raw_threshold.grad == 0


def test_options_that_do_not_fit_are_refused() -> None:
    for options, expected in (
        ({"objective": "f1"}, r"'objective' to be one of 'pairs', .*, 'double_majority' \(got"),
        ({"objective": "rand", "pooled": "yes"}, r"'pooled' to be True or False \(got 'yes'\)"),
        ({"objective": "rand", "unlabelled": -1}, r"'unlabelled' to be one of 'ignore', 'other'"),
        ({"objective": "rand", "min_size": 1.5}, r"'min_size' to be an int \(got 1.5\)"),
    ):
        with pytest.raises(ValueError, match=expected):
            PartitionLoss(**options)
    model = Model(ThresholdMergePool().double(), PartitionLoss(lambda sums: sums.recall.sum()))
    with pytest.raises(
        ValueError, match=r"'objective' to return floats \(\d+,\) \(got \(\), torch.float64\)"
    ):
        model(torch.randn(11, 3).double())
    assert repr(PartitionLoss("rand")) == (
        "PartitionLoss('rand', pooled=False, unlabelled='ignore', min_size=1)"
    )
