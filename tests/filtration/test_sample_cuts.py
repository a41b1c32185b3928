"""Fewer cuts than all: the most probable, and sampled ones, against loops and averages."""

import pytest
import torch
from torch import Tensor
from torch_geometric.utils import cumsum

from pyg_grapheme.filtration import sample_cuts


def probabilities(seed: int) -> tuple[Tensor, Tensor]:
    """Probabilities of 5, 1, 9 and 2 cuts, some of them zero, and how many there are."""
    num_cuts = torch.tensor([5, 1, 9, 2])
    generator = torch.Generator().manual_seed(seed)
    draws = torch.rand(17, generator=generator, dtype=torch.double).pow(3)
    draws[[3, 4, 10, 14]] = 0
    parts = [part / part.sum() for part in draws.split(num_cuts.tolist())]
    return torch.cat(parts), num_cuts


@pytest.mark.parametrize("min_mass", [1e-6, 0.5, 0.9, 0.999, 1.0])
def test_mass_keeps_the_fewest_most_probable_cuts(min_mass: float) -> None:
    for seed in range(4):
        probability, num_cuts = probabilities(seed)
        sample = sample_cuts(probability, num_cuts, min_mass)
        expected, weights, dropped, first = [], [], [], 0
        for count in num_cuts.tolist():
            p = probability[first : first + count].tolist()
            kept: list[int] = []
            for k in sorted(range(count), key=lambda k, p=p: -p[k]):
                if min_mass == 1 or sum(p[i] for i in kept) < min_mass:
                    kept.append(k)
            total = sum(p[i] for i in kept)
            expected += [first + k for k in sorted(kept)]
            weights += [p[k] / total for k in sorted(kept)]
            dropped.append(1 - total)
            first += count
        assert (cumsum(num_cuts)[sample.graph] + sample.level).tolist() == expected
        torch.testing.assert_close(sample.weight, torch.tensor(weights, dtype=torch.double))
        expected_drop = torch.tensor(dropped, dtype=torch.double)
        torch.testing.assert_close(sample.dropped, expected_drop, rtol=0, atol=1e-12)
        assert sample.half_weights is None


@pytest.mark.parametrize("max_cuts", [1, 2, 3, 4, 8])
def test_sampled_cuts_are_few_and_count_for_one_together(max_cuts: int) -> None:
    for seed in range(4):
        torch.manual_seed(seed)
        probability, num_cuts = probabilities(seed)
        graph = torch.repeat_interleave(num_cuts)
        sample = sample_cuts(probability, num_cuts, max_cuts=max_cuts)
        cut = cumsum(num_cuts)[sample.graph] + sample.level
        assert bool((cut.diff() > 0).all())
        for g, count in enumerate(num_cuts.tolist()):
            mine = sample.graph == g
            assert sample.weight[mine].sum().item() == pytest.approx(1)
            if count <= max_cuts:
                assert torch.equal(sample.weight[mine], probability[graph == g])
                continue
            assert 0 < mine.sum() <= max_cuts
            assert bool((probability[cut[mine]] > 0).all())
            # What is more probable than a step is never missed.
            sure = (
                ((probability > 1 / (max_cuts - max_cuts // 2)) & (graph == g)).nonzero().view(-1)
            )
            assert set(sure.tolist()) <= set(cut.tolist())
