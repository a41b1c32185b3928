"""The text model: what the method's published checks ask of it, and how it reads and writes."""

import subprocess
import sys
from itertools import pairwise

import pytest
import torch
from torch import Tensor
from torch_geometric.data import Batch
from torch_geometric.loader import DataLoader

from pyg_grapheme.data import (
    DELETE,
    KEEP,
    Example,
    GraphPair,
    PairDataset,
    Vocabulary,
    compute_edits,
    text_graph,
)
from pyg_grapheme.nn import GraphTransformNet, StructuralLoss, ThresholdMergePool
from pyg_grapheme.nn.models import TransformLoss
from pyg_grapheme.typing import LossName

SHORT = [Example("abc", "ab"), Example("xyz", "xy"), Example("123", "12")]
MIXED = [
    Example("How many legs cat have?", "Cat have 4 legs"),
    Example("sing", "sang", ("V", "PST")),
    Example("xyz", "xy"),
    Example("a", "aa"),
]


def make(
    examples: list[Example], channels: int = 8, seed: int = 0
) -> tuple[GraphTransformNet, GraphPair]:
    """A small model without dropout, in float64, and all examples as one batch."""
    torch.manual_seed(seed)
    vocabulary = Vocabulary.from_edits(compute_edits(e.source, e.target) for e in examples)
    net = GraphTransformNet(
        vocabulary.graphemes, channels=channels, layers=1, heads=2, dropout=0.0, buckets=64
    ).double()
    (pair,) = DataLoader(PairDataset(examples, vocabulary), batch_size=len(examples))
    return net, pair


def train(
    net: GraphTransformNet, loss: TransformLoss, pair: GraphPair, epochs: int, lr: float
) -> list[tuple[float, float, float]]:
    """Full-batch Adam; expected loss, cross-entropy and raw threshold before each step."""
    optimizer = torch.optim.Adam(net.parameters(), lr=lr)
    course = []
    for _ in range(epochs):
        output = loss(net, pair)
        total = output.total.mean()
        raw = net.pool.raw_threshold.item()
        course.append((total.item(), output.cross_entropy.mean().item(), raw))
        optimizer.zero_grad()
        total.backward()
        optimizer.step()
    return course


def test_gradient_descent() -> None:
    """The structural loss falls; in the method's published run it rose, 4.157 to 4.158."""
    net, pair = make(SHORT)
    course = [total for total, _, _ in train(net, TransformLoss("structural"), pair, 20, 1e-3)]
    assert all(after < before for before, after in pairwise(course))
    assert course[-1] < 0.9 * course[0]


def test_training_converges() -> None:
    net, pair = make(MIXED, channels=16)
    first = {name: value.detach().clone() for name, value in net.named_parameters()}
    course = train(net, TransformLoss("hybrid"), pair, 100, 2e-3)
    rises = [after - before for (before, _, _), (after, _, _) in pairwise(course)]
    assert max(rises) <= 1e-6
    assert course[-1][1] < 0.5 * course[0][1]
    unchanged = [n for n, value in net.named_parameters() if torch.equal(value, first[n])]
    assert unchanged == []


def test_threshold_tracking() -> None:
    """The threshold moves while the expected loss falls, and the new place is the better one."""
    net, pair = make(MIXED, channels=16)
    loss = TransformLoss("hybrid")
    course = train(net, loss, pair, 100, 5e-3)
    totals, _, raws = zip(*course, strict=True)
    assert raws[0] == pytest.approx(0.8, abs=1e-3)
    assert abs(raws[-1] - raws[0]) > 0.05
    assert totals[-1] < totals[0]
    with torch.no_grad():
        moved = loss(net, pair).total.mean()
        net.pool.raw_threshold.fill_(raws[0])
        unmoved = loss(net, pair).total.mean()
    assert moved < unmoved


REACHED: dict[LossName, set[str]] = {
    "structural": {"embedding", "encoder", "pool", "activation"},
    "cross_entropy": {"embedding", "encoder", "pool", "coarse", "join", "heads"},
    "hybrid": {"embedding", "encoder", "pool", "coarse", "join", "heads", "activation"},
}


@pytest.mark.parametrize("name", list(REACHED))
def test_gradient_check(name: LossName) -> None:
    """Central differences in every parameter that a loss reaches, and in no other."""
    net, pair = make(MIXED)
    loss = TransformLoss(name, StructuralLoss(max_iterations=10))
    loss(net, pair).total.sum().backward()
    reached = {n: p for n, p in net.named_parameters() if p.grad is not None and p.grad.any()}
    expected = {n for n, _ in net.named_parameters() if n.split(".")[0] in REACHED[name]}
    assert set(reached) == expected
    generator = torch.Generator().manual_seed(0)
    for parameter_name, parameter in reached.items():
        assert parameter.grad is not None
        analytic, numeric = coordinates(net, loss, pair, parameter, parameter.grad, generator)
        error = (analytic - numeric).abs().max() / numeric.abs().max().clamp(min=1e-3)
        assert error < 1e-4, parameter_name


def coordinates(
    net: GraphTransformNet,
    loss: TransformLoss,
    pair: GraphPair,
    parameter: Tensor,
    gradient: Tensor,
    generator: torch.Generator,
    step: float = 1e-6,
) -> tuple[Tensor, Tensor]:
    """The steepest coordinate of a parameter, and two more at random: both gradients."""
    values, slopes = parameter.detach().view(-1), gradient.view(-1)
    chosen = torch.randint(values.numel(), (2,), generator=generator).tolist()
    chosen.append(int(slopes.abs().argmax()))
    numeric = []
    with torch.no_grad():
        for i in chosen:
            kept = values[i].item()
            values[i] = kept + step
            above = loss(net, pair).total.sum()
            values[i] = kept - step
            below = loss(net, pair).total.sum()
            values[i] = kept
            numeric.append((above - below) / (2 * step))
    return slopes[chosen], torch.stack(numeric)


MERGES = """
import torch
from torch_geometric.data import Batch
from pyg_grapheme.data import text_graph
from pyg_grapheme.nn import GraphTransformNet
torch.manual_seed(3)
net = GraphTransformNet(["a"], channels=16, layers=1, heads=2).eval()
graph = Batch.from_data_list([text_graph("How many legs cat have?")])
with torch.no_grad():
    print(net.merge(net.encode(graph)).history.cluster.tolist())
"""


def test_determinism() -> None:
    """The same text has the same merges, twice and in two other processes."""
    torch.manual_seed(3)
    net = GraphTransformNet(["a"], channels=16, layers=1, heads=2).eval()
    graph = Batch.from_data_list([text_graph("How many legs cat have?")])
    with torch.no_grad():
        clusters = [net.merge(net.encode(graph)).history.cluster.tolist() for _ in range(2)]
    assert clusters[0] == clusters[1]
    assert len(set(clusters[0])) < len(clusters[0])
    for seed in ("1", "2"):
        printed = subprocess.run(
            [sys.executable, "-W", "ignore", "-c", MERGES],
            env={"PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        assert printed.strip() == str(clusters[0])


def test_expected_loss_tends_to_the_loss_at_the_threshold() -> None:
    net, pair = make(MIXED)
    net.pool.temperature = 1e-6
    loss = TransformLoss("hybrid")
    with torch.no_grad():
        torch.testing.assert_close(loss(net, pair).total, loss.at_threshold(net, pair).total)


def test_prediction_merges_as_training_does() -> None:
    """What comes out of the pool at the threshold is one of the cuts, unscaled."""
    net, pair = make(MIXED)
    with torch.no_grad():
        state = net.encode(pair.source)
        plain = net.merge(state)
        cuts = net.pool.cuts(state.x, state.edge_index, None, state.batch, state.num_graphs)
    for graph in range(len(MIXED)):
        mine = plain.x[plain.batch == graph]
        same = [
            bool(torch.allclose(mine, x))
            for cut in (cuts.graph == graph).nonzero().view(-1).tolist()
            if (x := cuts.output.x[cuts.output.batch == cut]).shape == mine.shape
        ]
        assert same == [True]


def test_texts_of_a_batch_do_not_see_each_other() -> None:
    net, pair = make(MIXED)
    loss = TransformLoss("hybrid")
    vocabulary = net.vocabulary
    with torch.no_grad():
        together = loss(net, pair).total
        alone = [
            loss(net, next(iter(DataLoader(PairDataset([e], vocabulary), batch_size=1)))).total
            for e in MIXED
        ]
    torch.testing.assert_close(together, torch.cat(alone))


def test_reads_what_it_has_never_seen_and_keeps_it() -> None:
    """Whatever is not edited comes out as it went in, grapheme by grapheme."""
    net, _ = make(SHORT)
    with torch.no_grad():
        # A model that keeps everything: the heads' biases decide.
        net.heads.operation[-1].weight.zero_()
        net.heads.operation[-1].bias.zero_()[0] = 1.0
        net.heads.opens.weight.zero_()
        net.heads.opens.bias.fill_(-1.0)
    texts = ["👩‍👩‍👧‍👦 né 한국 𝄞", "q", "e\u0301"]
    assert net(texts) == ["👩‍👩‍👧‍👦 né 한국 𝄞", "q", "é"]
    edits = net.predict(text_graph("né")).edits
    assert [e.operations for e in edits] == [(KEEP, KEEP)]


def test_writes_what_the_heads_say() -> None:
    net, _ = make([Example("ab", "abz")])
    with torch.no_grad():
        net.heads.operation[-1].weight.zero_()
        net.heads.operation[-1].bias.zero_()[1] = 1.0
    (edits,) = net.predict(text_graph("ab")).edits
    assert edits.operations == (DELETE, DELETE)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((["a", ""],), r"Expected text 1 of 'texts' to have a character"),
        ((["a"], [(), ()]), r"Expected 'tags' to have 1 entries, one a text \(got 2\)"),
        (("abc",), r"Expected 'texts' and each of 'tags' to be lists of texts \(got a text\)"),
        ((["a"], ["V"]), r"Expected 'texts' and each of 'tags' to be lists of texts"),
    ],
)
def test_bad_texts_are_named(arguments: tuple[list[str], ...], message: str) -> None:
    net, _ = make(SHORT)
    with pytest.raises(ValueError, match=message):
        net(*arguments)


def test_no_text_gives_no_text() -> None:
    net, _ = make(SHORT)
    assert net([]) == []


def test_channels_are_checked() -> None:
    with pytest.raises(ValueError, match="Expected 'channels' to be a positive multiple of 2"):
        GraphTransformNet(["a"], channels=6, heads=4)


def test_loss_is_checked() -> None:
    with pytest.raises(ValueError, match="Expected 'loss' to be one of 'structural', "):
        TransformLoss("hybird")  # type: ignore[arg-type]


@pytest.mark.parametrize("name", list(REACHED))
@pytest.mark.parametrize(
    "examples",
    [
        [Example("a", "b"), Example("b", "c")],
        [Example("", "a")],
        [Example("", ""), Example("", "b")],
        [Example("a", "")],
    ],
    ids=["one grapheme each", "from nothing", "nothing to nothing", "to nothing"],
)
def test_the_threshold_has_a_gradient_whatever_the_batch(
    examples: list[Example], name: LossName
) -> None:
    """Texts of one grapheme, or none, have no pair to merge."""
    net, pair = make(examples)
    total = TransformLoss(name)(net, pair).total.sum()
    assert torch.isfinite(total)
    total.backward()
    assert net.pool.raw_threshold.grad is not None
    assert net.pool.raw_threshold.grad.item() == 0.0


def test_a_pool_of_ones_own() -> None:
    pool = ThresholdMergePool(threshold=0.3)
    assert GraphTransformNet(["a"], channels=8, pool=pool).pool is pool


def test_drawn_cuts_bound_what_a_step_works_out_in_training_alone() -> None:
    net, pair = make(SHORT)
    torch.manual_seed(0)
    loss = TransformLoss("hybrid", max_cuts=2)
    seen = []
    decode = net.decode
    net.decode = lambda x, batch, pooled: (  # type: ignore[method-assign]
        seen.append(pooled.history.num_graphs) or decode(x, batch, pooled)
    )
    loss.train()(net, pair).total.sum().backward()
    assert seen[0] <= 2 * pair.source.num_graphs
    assert torch.isfinite(net.pool.raw_threshold.grad)
    exact = loss.eval()(net, pair).total
    assert seen[1] > seen[0]
    draws = torch.stack([loss.train()(net, pair).total.detach() for _ in range(100)])
    error = draws.std(0) / 10
    assert bool(((draws.mean(0) - exact).abs() < 5 * error + 1e-4).all())
