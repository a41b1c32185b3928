"""All pairs of nodes as candidates: what a complete graph gives, whatever the block."""

from itertools import combinations

import pytest
import torch
from torch import Tensor, nn
from torch.autograd import gradcheck, gradgradcheck
from torch.func import functional_call

from pyg_grapheme.nn import ThresholdMergePool
from pyg_grapheme.nn.pool.candidates.all_pairs import AllPairs
from pyg_grapheme.nn.pool.candidates.candidates import PairBlocks

SIZES = ([6, 1, 0, 9, 0], [1], [], [0, 0], [2], [14])
BLOCKS = (1, 5, 2**20)


def draw(seed: int, sizes: list[int], levels: int = 0) -> tuple[Tensor, Tensor]:
    """Features, of which many are alike where there are levels, and the batch."""
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
@pytest.mark.parametrize("sizes", SIZES, ids=str)
def test_blocks_list_every_pair_once_in_order(sizes: list[int], block_size: int) -> None:
    _, batch = draw(0, sizes)
    listed = AllPairs(batch, len(sizes), block_size)
    blocks = list(listed)
    assert torch.equal(torch.cat(blocks, 1), complete(sizes))
    assert listed.total == complete(sizes).size(1)
    assert all(torch.equal(listed.block(i), block) for i, block in enumerate(blocks))
    assert all(block.size(1) <= block_size for block in blocks)
    assert len(blocks) == max(1, -(-complete(sizes).size(1) // block_size))


class Learned(nn.Module):
    """A score that tells its two ends apart."""

    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(7, 1, dtype=torch.double)
        nn.init.normal_(self.linear.weight, generator=torch.Generator().manual_seed(0))

    def forward(self, x_i: Tensor, x_j: Tensor, edge_attr: Tensor | None) -> Tensor:
        extra = torch.zeros(len(x_i), 1) if edge_attr is None else edge_attr[:, None]
        return torch.sigmoid(self.linear(torch.cat([x_i, x_j, extra], 1))).squeeze(1)


# A matrix product rounds differently in a block of another size: only cosines tie for certain.
CASES = [
    pytest.param({"merge": merge, "estimator": estimator, "score": score}, levels, id=name)
    for merge in ("components", "matching")
    for estimator in ("none", "gate", "straight_through")
    for name, score, levels in (
        (f"{merge}-{estimator}-cosine", "cosine", 0),
        (f"{merge}-{estimator}-ties", "cosine", 4),
        (f"{merge}-{estimator}-learned", Learned(), 0),
    )
]


@pytest.mark.parametrize("block_size", BLOCKS)
@pytest.mark.parametrize(("options", "levels"), CASES)
@pytest.mark.parametrize("sizes", SIZES[:4], ids=str)
def test_forward_is_that_of_a_complete_graph(
    sizes: list[int], options: dict[str, object], block_size: int, levels: int
) -> None:
    x, batch = draw(1, sizes, levels)
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
    assert torch.equal(cluster, same_cluster)
    torch.testing.assert_close(pooled, same_pooled)
    for gradient, same in zip(gradients, same_gradients, strict=True):
        torch.testing.assert_close(gradient, same)


@pytest.mark.parametrize("levels", [0, 4], ids=["distinct", "ties"])
@pytest.mark.parametrize("block_size", BLOCKS)
@pytest.mark.parametrize("merge", ["components", "matching"])
def test_cuts_and_dendrograms_are_those_of_a_complete_graph(
    merge: str, block_size: int, levels: int, fourth_powers
) -> None:
    sizes = [6, 1, 0, 9]
    x, batch = draw(2, sizes, levels)
    options = {"merge": merge, "temperature": 0.2}
    found = ThresholdMergePool(0.6, candidates="all", block_size=block_size, **options).double()
    expected = ThresholdMergePool(0.6, **options).double()
    results = []
    for pool, edges in ((found, complete(sizes)[:, :0]), (expected, complete(sizes))):
        leaf = x.clone().requires_grad_()
        dendrogram = pool.dendrogram(leaf, edges, None, batch, len(sizes))
        value = pool.expect(fourth_powers, leaf, edges, None, batch, len(sizes))
        total = value.sum() + dendrogram.height.pow(2).sum()
        gradients = torch.autograd.grad(total, [leaf, pool.raw_threshold])
        results.append((dendrogram, value, gradients))
    (joints, value, gradients), (same_joints, same_value, same_gradients) = results
    assert torch.equal(joints.pairs, same_joints.pairs)
    assert torch.equal(joints.step, same_joints.step)
    torch.testing.assert_close(joints.height, same_joints.height)
    torch.testing.assert_close(value, same_value)
    torch.testing.assert_close(gradients, same_gradients)


@pytest.mark.parametrize("block_size", [7, 2**20])
def test_the_expectation_over_blocks_differentiates_any_number_of_times(
    block_size: int, fourth_powers
) -> None:
    sizes = [5, 3]
    x, batch = draw(3, sizes)
    pool = ThresholdMergePool(0.5, candidates="all", temperature=0.3, block_size=block_size)
    pool = pool.double()
    edges = complete(sizes)[:, ::2]

    def expectation(x: Tensor, raw: Tensor) -> Tensor:
        module = Expect(pool, fourth_powers)
        return functional_call(module, {"pool.raw_threshold": raw}, (x, edges, batch))

    raw = pool.raw_threshold.detach().clone().requires_grad_()
    arguments = (x.clone().requires_grad_(), raw)
    assert gradcheck(expectation, arguments, rtol=1e-6)
    assert gradgradcheck(expectation, arguments, rtol=1e-5)


class Expect(nn.Module):
    """A pool's expectation as a module, for its parameters to be replaced."""

    def __init__(self, pool: ThresholdMergePool, fn: object) -> None:
        super().__init__()
        self.pool, self.fn = pool, fn

    def forward(self, x: Tensor, edges: Tensor, batch: Tensor) -> Tensor:
        return self.pool.expect(self.fn, x, edges, None, batch)


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
    assert ends.tolist() == [[0, 1], [0, 2], [0, 3], [1, 2], [1, 3], [2, 3]]
    assert attributes.tolist() == [5, 0, 0, 0, -1, 0]


@pytest.mark.parametrize("merge", ["components", "matching"])
def test_no_more_pairs_than_a_block_are_ever_scored_together(
    merge: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    largest = 0

    class Counting(nn.Module):
        def forward(self, x_i: Tensor, x_j: Tensor, edge_attr: Tensor | None) -> Tensor:
            nonlocal largest
            largest = max(largest, len(x_i))
            return torch.cosine_similarity(x_i, x_j)

    sizes = [40, 30]
    x, batch = draw(4, sizes)
    pool = ThresholdMergePool(
        0.2, score=Counting(), candidates="all", merge=merge, block_size=100
    ).double()
    x.requires_grad_()
    pool(x, complete(sizes)[:, :0], None, batch).x.sum().backward()
    pool.dendrogram(x, complete(sizes)[:, :0], None, batch)
    # A spanning forest, N - 1 pairs at most, is scored as a whole besides.
    assert 0 < largest <= 100


def test_blocks_keep_nothing_for_the_backward_pass() -> None:
    """What autograd saves over all blocks is less than the scores of one in ten of them."""
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
        total = blocks.total(
            lambda pairs, score: score > -1, lambda pairs, score: score.exp().sum().view(1)
        )
    assert saved < count / 10
    (found,) = torch.autograd.grad(total, x)
    low, high = complete([200])
    (expected,) = torch.autograd.grad((x[low] * x[high]).sum(1).sigmoid().exp().sum(), x)
    torch.testing.assert_close(found, expected)


class Dropped(nn.Module):
    """A score that draws."""

    def forward(self, x_i: Tensor, x_j: Tensor, edge_attr: Tensor | None) -> Tensor:
        return torch.dropout(torch.cosine_similarity(x_i, x_j), 0.5, True) / 2


@pytest.mark.parametrize("sizes", [[2, 2, 1], [4, 3]])
def test_the_gradient_of_a_score_that_draws_is_that_of_what_it_has_drawn(sizes: list[int]) -> None:
    x, batch = draw(3, sizes)
    edges = complete(sizes)[:, :0]
    pool = ThresholdMergePool(0.3, score=Dropped(), candidates="all", block_size=1).double()

    def number_of_cuts(x: Tensor) -> Tensor:
        torch.manual_seed(9)  # before each, and so one and the same draw
        kept = pool.expect(
            lambda cuts: torch.arange(cuts.weight.numel()).double(), x, edges, None, batch
        )
        assert isinstance(kept, Tensor)
        return kept

    def heights(x: Tensor) -> Tensor:
        torch.manual_seed(9)
        return pool.dendrogram(x, edges, None, batch).height

    for function in (number_of_cuts, heights):
        assert float(function(x).detach().std()) > 0
        assert torch.autograd.gradcheck(function, x.requires_grad_())


@pytest.mark.parametrize("seed", range(5))
def test_a_score_that_draws_draws_once_for_all_that_is_done_with_it(
    seed: int, fourth_powers
) -> None:
    torch.manual_seed(seed)
    x, batch = draw(seed, [9, 7])
    x.requires_grad_()
    pool = ThresholdMergePool(0.3, score=Dropped(), candidates="all", block_size=5).double()
    edges = complete([9, 7])[:, :0]
    out = pool(x, edges, None, batch)
    alone = torch.bincount(out.history.cluster)[out.history.cluster] == 1
    torch.testing.assert_close(out.x[out.history.cluster[alone]], x[alone])
    before = torch.get_rng_state()
    cuts = pool.cuts(x, edges, None, batch)
    assert bool((cuts.weight >= 0).all())
    torch.testing.assert_close(cuts.average(torch.ones_like(cuts.weight)), torch.ones(2).double())
    assert not torch.equal(before, torch.get_rng_state())
    pool.expect(fourth_powers, x, edges, None, batch).sum().backward()
    assert torch.isfinite(x.grad).all()
