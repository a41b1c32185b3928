"""The scan of all cuts against every threshold between and at the heights."""

from collections.abc import Callable

import pytest
import torch

from pyg_grapheme.metrics import METRICS, PartitionSums, clustering_score
from pyg_grapheme.nn import best_threshold, partition_scores
from pyg_grapheme.nn.partition import partition_sums
from pyg_grapheme.nn.pool import Dendrogram, ScoredPairs, single_linkage


def sums_at(case, threshold: float) -> PartitionSums:
    """The sums of the cut of each graph at one threshold, [B]."""
    tree = case.tree
    options = {"unlabelled": case.unlabelled, "min_size": case.min_size}
    rows, first_cut, first_step = [], 0, 0
    for num_steps in tree.num_steps.tolist():
        heights = tree.step_height[first_step : first_step + num_steps]
        rows.append(first_cut + int((heights > threshold).sum()))
        first_cut, first_step = first_cut + num_steps + 1, first_step + num_steps
    sums = partition_sums(tree, case.y, **options)
    return PartitionSums(*(value[rows] for value in sums))


def test_no_threshold_is_better(draw_case: Callable) -> None:
    for seed in range(1, 21):
        cases = [draw_case(seed), draw_case(seed + 160)]
        first, second = cases
        cases[1] = second._replace(unlabelled=first.unlabelled, min_size=first.min_size)
        if first.unlabelled == "ignore":
            cases[1] = cases[1]._replace(y=second.y.clamp(min=0))
        trees, labels = [c.tree for c in cases], [c.y for c in cases]
        heights = torch.cat([tree.step_height for tree in trees]).tolist()
        options = {"unlabelled": first.unlabelled, "min_size": first.min_size}
        at = {t: [sums_at(case, t) for case in cases] for t in [2.0, *heights, -1.0]}
        for name in METRICS if seed < 5 else ("bcubed", "double_majority"):
            for pooled in (False, True):
                found = best_threshold(trees, labels, name, pooled=pooled, **options)

                def score(sums: list[PartitionSums], name=name, pooled=pooled) -> float:
                    whole = PartitionSums(*(torch.cat(v) for v in zip(*sums, strict=True)))
                    if pooled:
                        whole = PartitionSums(*(value.sum() for value in whole))
                    return float(METRICS[name](whole).mean())

                best = max(score(sums) for sums in at.values())
                assert found.score == pytest.approx(best, abs=1e-9), (seed, name, pooled)
                own = score([sums_at(case, found.threshold) for case in cases])
                assert own == pytest.approx(best, abs=1e-9), (seed, name, pooled)
                if not pooled:
                    reached = [
                        clustering_score(
                            case.tree.cut(found.threshold),
                            case.y,
                            name,
                            case.tree.batch,
                            batch_size=case.tree.num_steps.numel(),
                            **options,
                        )
                        for case in cases
                    ]
                    assert float(torch.cat(reached).mean()) == pytest.approx(best, abs=1e-9), seed


def chain(*heights: float, dtype: torch.dtype = torch.float) -> Dendrogram:
    nodes = torch.arange(len(heights) + 1)
    score = torch.tensor(heights, dtype=dtype)
    pairs = ScoredPairs(torch.stack([nodes[:-1], nodes[1:]]), score)
    return single_linkage(pairs, torch.zeros_like(nodes), 1, torch.tensor(0.5), 0.1)


@pytest.mark.parametrize("dtype", [torch.float, torch.double])
def test_thresholds_are_half_way_and_pass_the_heights_at_the_ends(dtype: torch.dtype) -> None:
    tree, y = chain(0.75, 0.25, dtype=dtype), torch.tensor([0, 0, 1])
    assert best_threshold(tree, y, "pair_f1") == (0.5, 1.0)
    assert best_threshold(tree, torch.tensor([0, 1, 2]), "rand") == (0.75, 1.0)
    assert tree.cut(0.75).tolist() == [0, 1, 2]
    low = best_threshold(tree, torch.tensor([1, 1, 1]), "rand")
    assert low.score == 1
    assert 0.24999 < low.threshold < 0.25
    assert tree.cut(low.threshold).tolist() == [0, 0, 0]
    assert best_threshold(chain(), torch.tensor([1]), "rand") == (torch.inf, 1.0)
    # No number lies between two neighbouring heights: the lower one is the threshold.
    upper = torch.tensor(0.7, dtype=dtype)
    lower = float(torch.nextafter(upper, upper * 0))
    tree = chain(float(upper), lower, dtype=dtype)
    found = best_threshold(tree, y, "pair_f1")
    assert found == (lower, 1.0)
    assert tree.cut(found.threshold).tolist() == [0, 0, 1]


def test_what_does_not_fit_is_refused() -> None:
    tree, y = chain(0.5), torch.tensor([0, 0])
    with pytest.raises(ValueError, match=r"'trees' to have at least one graph \(got none\)"):
        best_threshold([], [], "rand")
    with pytest.raises(ValueError, match=r"'y' to be one tensor per tree, 2 \(got 1\)"):
        best_threshold([tree, tree], y, "rand")
    for trees, got in ((tree.cut(), "Tensor"), (None, "NoneType"), ([tree, y], "Tensor")):
        with pytest.raises(ValueError, match=rf"'tree' to be a Dendrogram, .* \(got {got}\)"):
            best_threshold(trees, y, "rand")
    with pytest.raises(ValueError, match=r"'y' to be integers .* \(got NoneType\)"):
        best_threshold(tree, None, "rand")
    with pytest.raises(ValueError, match=r"'metric' to be one of 'pair_precision', .*'pairs'"):
        best_threshold(tree, y, "pairs")
    with pytest.raises(ValueError, match=r"'pooled' to be True or False \(got 1\)"):
        best_threshold(tree, y, "rand", pooled=1)
    assert partition_scores(tree, y, "rand").tolist() == [0, 1]
