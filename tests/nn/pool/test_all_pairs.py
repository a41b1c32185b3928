"""All pairs of nodes as candidates, against a complete graph, for every block size."""

from collections.abc import Callable
from itertools import combinations, product
from typing import get_args

import pytest
import torch
from torch import Tensor, nn
from torch.autograd import gradcheck, gradgradcheck
from torch.func import functional_call

from pyg_grapheme.nn import Cuts, ThresholdMergePool
from pyg_grapheme.nn.pool import Dendrogram, select
from pyg_grapheme.nn.pool.candidates.all_pairs import AllPairs
from pyg_grapheme.nn.pool.candidates.candidates import PairBlocks
from pyg_grapheme.typing import MergeName

SIZES = ([6, 1, 0, 9, 0], [1], [], [0, 0], [2], [14])
BLOCKS = (1, 5, 2**20)
MERGES = get_args(MergeName)


def draw(seed: int, sizes: list[int], levels: int = 0) -> tuple[Tensor, Tensor]:
    """Features, only ``levels`` different ones if not 0, and the batch."""
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(sum(sizes), 3, generator=generator, dtype=torch.double)
    if levels:
        x = x[torch.randint(levels, (len(x),), generator=generator).clamp(max=len(x) - 1)]
    return x, torch.repeat_interleave(torch.tensor(sizes, dtype=torch.long))


def complete(sizes: list[int]) -> Tensor:
    """Every pair of nodes of each graph, by itertools."""
    pairs, first = [], 0
    for size in sizes:
        pairs += [(first + i, first + j) for i, j in combinations(range(size), 2)]
        first += size
    return torch.tensor(pairs, dtype=torch.long).view(-1, 2).T


@pytest.mark.parametrize("block_size", BLOCKS)
def test_blocks_list_every_pair_once_in_order(block_size: int) -> None:
    for sizes in SIZES:
        _, batch = draw(0, sizes)
        listed, expected = AllPairs(batch, len(sizes), block_size), complete(sizes)
        blocks = list(listed)
        assert torch.equal(torch.cat(blocks, 1), expected), sizes
        assert listed.total == expected.size(1), sizes
        assert all(torch.equal(listed.block(i), block) for i, block in enumerate(blocks)), sizes
        assert all(block.size(1) <= block_size for block in blocks), sizes
        assert len(blocks) == max(1, -(-expected.size(1) // block_size)), sizes


class Learned(nn.Module):
    """A score that is not symmetric in its two ends."""

    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(7, 1, dtype=torch.double)
        nn.init.normal_(self.linear.weight, generator=torch.Generator().manual_seed(0))

    def forward(self, x_i: Tensor, x_j: Tensor, edge_attr: Tensor | None) -> Tensor:
        extra = torch.zeros(len(x_i), 1) if edge_attr is None else edge_attr[:, None]
        return torch.sigmoid(self.linear(torch.cat([x_i, x_j, extra], 1))).squeeze(1)


def assert_same_gradients(found: list[Tensor], expected: list[Tensor], *where: object) -> None:
    for gradient, same in zip(found, expected, strict=True):
        torch.testing.assert_close(gradient, same, msg=lambda message: f"{where}: {message}")


# A matrix product rounds differently in a block of another size: only cosines tie for certain.
@pytest.mark.parametrize("merge", MERGES)
@pytest.mark.parametrize(
    ("score", "levels"),
    [("cosine", 0), ("cosine", 4), (Learned(), 0)],
    ids=["cosine", "ties", "learned"],
)
def test_forward_is_that_of_a_complete_graph(
    merge: str, score: str | nn.Module, levels: int
) -> None:
    estimators = ("none", "gate", "straight_through")
    for sizes, block_size, estimator in product(SIZES[:4], BLOCKS, estimators):
        x, batch = draw(1, sizes, levels)
        options = {"merge": merge, "estimator": estimator, "score": score}
        found = ThresholdMergePool(0.6, candidates="all", block_size=block_size, **options).double()
        expected = ThresholdMergePool(0.6, **options).double()
        results = []
        for pool, edges in ((found, complete(sizes)[:, :0]), (expected, complete(sizes))):
            leaf = x.clone().requires_grad_()
            pool.zero_grad()
            output = pool(leaf, edges, None, batch, len(sizes))
            output.x.pow(3).sum().backward()
            gradients = [leaf.grad, *(p.grad for p in pool.parameters())]
            results.append((output.history.cluster, output.x, gradients))
        (cluster, pooled, gradients), (same_cluster, same_pooled, same_gradients) = results
        assert torch.equal(cluster, same_cluster), (sizes, block_size, estimator)
        assert_same_gradients(
            [pooled, *gradients], [same_pooled, *same_gradients], sizes, block_size, estimator
        )


@pytest.mark.parametrize("levels", [0, 4], ids=["distinct", "ties"])
@pytest.mark.parametrize("merge", MERGES)
def test_cuts_and_dendrograms_are_those_of_a_complete_graph(
    merge: str, levels: int, fourth_powers
) -> None:
    sizes = [6, 1, 0, 9]
    x, batch = draw(2, sizes, levels)
    options = {"merge": merge, "temperature": 0.2}

    def results(pool: ThresholdMergePool, edges: Tensor) -> tuple[Dendrogram, list[Tensor]]:
        leaf = x.clone().requires_grad_()
        dendrogram = pool.dendrogram(leaf, edges, None, batch, len(sizes))
        cuts = pool.cuts(leaf, edges, None, batch, len(sizes))
        value = cuts.expectation(fourth_powers(cuts))
        total = value.sum() + dendrogram.height.pow(2).sum()
        gradients = torch.autograd.grad(total, [leaf, pool.raw_threshold])
        return dendrogram, [dendrogram.height, value, *gradients]

    expected, numbers = results(ThresholdMergePool(0.6, **options).double(), complete(sizes))
    for block_size in BLOCKS:
        pool = ThresholdMergePool(0.6, candidates="all", block_size=block_size, **options).double()
        found, same = results(pool, complete(sizes)[:, :0])
        assert torch.equal(found.pairs, expected.pairs), block_size
        assert torch.equal(found.step, expected.step), block_size
        assert_same_gradients(same, numbers, block_size)


@pytest.mark.parametrize("block_size", [7, 2**20])
def test_the_expectation_over_blocks_has_second_derivatives(block_size: int, fourth_powers) -> None:
    sizes = [5, 3]
    x, batch = draw(3, sizes)
    pool = ThresholdMergePool(0.5, candidates="all", temperature=0.3, block_size=block_size)
    module = Expectation(pool.double(), fourth_powers)
    edges = complete(sizes)[:, ::2]

    def expectation(x: Tensor, raw: Tensor) -> Tensor:
        return functional_call(module, {"pool.raw_threshold": raw}, (x, edges, batch))

    raw = pool.raw_threshold.detach().clone().requires_grad_()
    arguments = (x.clone().requires_grad_(), raw)
    assert gradcheck(expectation, arguments, rtol=1e-6)
    assert gradgradcheck(expectation, arguments, rtol=1e-5)


class Expectation(nn.Module):
    """A pool's expectation as a module, so that its parameters can be replaced."""

    def __init__(self, pool: ThresholdMergePool, read_out: Callable[[Cuts], Tensor]) -> None:
        super().__init__()
        self.pool, self.read_out = pool, read_out

    def forward(self, x: Tensor, edges: Tensor, batch: Tensor) -> Tensor:
        cuts = self.pool.cuts(x, edges, None, batch)
        return cuts.expectation(self.read_out(cuts))


def test_attributes_reach_the_pairs_that_edges_join_and_zeros_the_others() -> None:
    seen: list[tuple[Tensor, Tensor]] = []

    class Spy(nn.Module):
        def forward(self, x_i: Tensor, x_j: Tensor, edge_attr: Tensor) -> Tensor:
            seen.append((torch.cat([x_i, x_j], 1), edge_attr))
            return x_i[:, 0] * 0

    x = torch.arange(4.0)[:, None]
    edges = torch.tensor([[3, 0, 1, 2], [1, 1, 3, 2]])
    pool = ThresholdMergePool(score=Spy(), candidates="all", edge_reduce="max")
    pool(x, edges, torch.tensor([-1.0, 5.0, -2.0, 7.0]))
    ends, attributes = seen[0]
    assert ends[:6].tolist() == [[0, 1], [0, 2], [0, 3], [1, 2], [1, 3], [2, 3]]
    assert torch.equal(ends[6:], ends[:6].flip(1))
    assert attributes.tolist() == 2 * [5, 0, 0, 0, -1, 0]


@pytest.mark.parametrize("merge", ["components", "matching"])
def test_no_more_pairs_than_a_block_are_ever_scored_together(
    merge: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    largest = 0

    class Counting(nn.Module):
        symmetric = True

        def forward(self, x_i: Tensor, x_j: Tensor, edge_attr: Tensor | None) -> Tensor:
            nonlocal largest
            largest = max(largest, len(x_i))
            return torch.cosine_similarity(x_i, x_j)

    sizes = [40, 30]
    x, batch = draw(4, sizes)
    pool = ThresholdMergePool(
        0.2, score=Counting(), candidates="all", merge=merge, block_size=100
    ).double()
    pool.eval()  # in training, all pairs go through the score in one call
    x.requires_grad_()
    pool(x, complete(sizes)[:, :0], None, batch).x.sum().backward()
    pool.dendrogram(x, complete(sizes)[:, :0], None, batch)
    # A spanning forest, N - 1 pairs at most, is scored as a whole besides.
    assert 0 < largest <= 100


def test_linkages_refuse_more_pairs_than_they_can_keep(monkeypatch: pytest.MonkeyPatch) -> None:
    """Both graphs together have 6 + 3 pairs."""
    x, batch = draw(6, [4, 3])
    edges = complete([4, 3])
    for merge in ("average", "complete"):
        pool = ThresholdMergePool(candidates="all", merge=merge).double()
        for method in (pool.forward, pool.select, pool.dendrogram, pool.cuts):
            monkeypatch.setattr(select, "MAX_PAIRS", 9)
            method(x, edges, None, batch)
            monkeypatch.setattr(select, "MAX_PAIRS", 8)
            message = rf"at most 8 pairs with candidates='all' and merge='{merge}', .* \(got 9\)"
            with pytest.raises(ValueError, match=message):
                method(x, edges, None, batch)
        ThresholdMergePool(merge=merge).double()(x, edges, None, batch)


def test_blocks_keep_nothing_for_the_backward_pass() -> None:
    """Autograd saves fewer numbers than a tenth of the scores."""
    x, batch = draw(5, [200])
    x.requires_grad_()
    saved = 0

    def pack(tensor: Tensor) -> Tensor:
        nonlocal saved
        saved += tensor.numel()
        return tensor

    count = 199 * 100
    blocks = PairBlocks(
        AllPairs(batch, 1, 200), lambda pairs: (x[pairs[0]] * x[pairs[1]]).sum(1).sigmoid()
    )
    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        total = blocks.sum_over(
            lambda pairs, score: score > -1, lambda pairs, score: score.exp().sum().view(1)
        )
    assert saved < count / 10
    (found,) = torch.autograd.grad(total, x)
    low, high = complete([200])
    (expected,) = torch.autograd.grad((x[low] * x[high]).sum(1).sigmoid().exp().sum(), x)
    torch.testing.assert_close(found, expected)
