"""The text model: what the method's published checks ask of it, and how it reads and writes."""

import math
import subprocess
import sys
from itertools import pairwise, product
from typing import Any

import pytest
import torch
from torch import Tensor
from torch_geometric.data import Batch
from torch_geometric.loader import DataLoader

from pyg_grapheme.filtration import CutSample
from pyg_grapheme.nn import StructuralLoss, ThresholdMergePool
from pyg_grapheme.nn.pool import Dendrogram
from pyg_grapheme.text import (
    DELETE,
    KEEP,
    Example,
    GraphPair,
    PairDataset,
    Vocabulary,
    split_units,
    text_graph,
)
from pyg_grapheme.text.model import GraphTransformNet, TransformLoss, edit_decoder
from pyg_grapheme.text.typing import LossName, UnitsName

SHORT = [Example("abc", "ab"), Example("xyz", "xy"), Example("123", "12")]
MIXED = [
    Example("How many legs cat have?", "Cat have 4 legs"),
    Example("sing", "sang", ("V", "PST")),
    Example("xyz", "xy"),
    Example("a", "aa"),
]

LENGTHS = [1, 2, 300, 1000]


def make(
    examples: list[Example],
    channels: int = 8,
    seed: int = 0,
    *,
    merges: bool = True,
    source_units: UnitsName = "graphemes",
    target_units: UnitsName = "graphemes",
) -> tuple[GraphTransformNet, GraphPair]:
    """A small model without dropout, in float64, and all examples as one batch."""
    torch.manual_seed(seed)
    vocabulary = Vocabulary.from_texts(split_units(e.target, target_units) for e in examples)
    net = GraphTransformNet(
        vocabulary.units,
        channels=channels,
        layers=1,
        dropout=0.0,
        buckets=64,
        merges=merges,
        source_units=source_units,
        target_units=target_units,
    ).double()
    pairs = PairDataset(examples, vocabulary, "NFC", source_units, target_units)
    (pair,) = DataLoader(pairs, batch_size=len(examples))
    return net, pair


def prefer(net: GraphTransformNet, *operations: int) -> None:
    """Make a model prefer some operations, the first one most, whatever it reads."""
    with torch.no_grad():
        net.decoder.operation.weight.zero_()
        net.decoder.operation.bias.zero_()
        for rank, operation in enumerate(operations):
            net.decoder.operation.bias[operation] = 100.0 / (1 + rank)


def train(
    net: GraphTransformNet,
    loss: TransformLoss,
    pair: GraphPair,
    epochs: int,
    lr: float,
    threshold_lr: float | None = None,
) -> list[tuple[float, float, float]]:
    """Full-batch Adam; expected loss, cross-entropy and raw threshold before each step."""
    threshold = net.pool.raw_threshold
    rest = [p for p in net.parameters() if p is not threshold]
    groups = [{"params": rest}, {"params": [threshold], "lr": threshold_lr or lr}]
    optimizer = torch.optim.Adam(groups, lr=lr)
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
    course = train(net, TransformLoss("hybrid"), pair, 75, 5e-3)
    rises = [after - before for (before, _, _), (after, _, _) in pairwise(course)]
    assert max(rises) <= 1e-6
    assert course[-1][1] < 0.5 * course[0][1]
    unchanged = [n for n, value in net.named_parameters() if torch.equal(value, first[n])]
    assert unchanged == []


def test_threshold_tracking() -> None:
    """The threshold moves while the expected loss falls, and the new place is the better one."""
    net, pair = make(MIXED, channels=16)
    loss = TransformLoss("hybrid")
    course = train(net, loss, pair, 60, 5e-3, threshold_lr=5e-2)
    totals, _, raws = zip(*course, strict=True)
    assert raws[0] == pytest.approx(math.log(0.9 / 0.1), abs=1e-3)
    assert abs(raws[-1] - raws[0]) > 0.05
    assert totals[-1] < totals[0]
    with torch.no_grad():
        moved = loss(net, pair).total.mean()
        net.pool.raw_threshold.fill_(raws[0])
        unmoved = loss(net, pair).total.mean()
    assert moved < unmoved


@pytest.mark.parametrize("name", ["structural", "cross_entropy", "hybrid"])
def test_the_threshold_alone_goes_where_the_loss_is_lower(name: LossName) -> None:
    for seed in range(2):
        net, pair = make(MIXED, seed=seed)
        threshold = net.pool.raw_threshold
        with torch.no_grad():
            threshold.fill_(0.0)
        for parameter in net.parameters():
            parameter.requires_grad_(parameter is threshold)
        start = threshold.item()
        course = train(net, TransformLoss(name), pair, 25, 1e-2)
        assert all(after[0] < before[0] for before, after in pairwise(course)), seed
        assert abs(threshold.item() - start) > 0.1, seed


REACHED: dict[LossName, set[str]] = {
    "structural": {"embedding", "encoder", "pool", "activation"},
    "cross_entropy": {"embedding", "encoder", "pool", "decoder"},
    "hybrid": {"embedding", "encoder", "pool", "decoder", "activation"},
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
from pyg_grapheme.text import text_graph
from pyg_grapheme.text.model import GraphTransformNet
torch.manual_seed(3)
net = GraphTransformNet(["a"], channels=16, layers=1).eval()
graph = Batch.from_data_list([text_graph("How many legs cat have?")])
with torch.no_grad():
    print(net.merge(net.encode(graph)).history.cluster.tolist())
"""


def test_determinism() -> None:
    """The same text has the same merges, twice and in two other processes."""
    torch.manual_seed(3)
    net = GraphTransformNet(["a"], channels=16, layers=1).eval()
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
    prefer(net, edit_decoder.KEEP, edit_decoder.DELETE)
    texts = ["👩‍👩‍👧‍👦 né 한국 𝄞", "q", "e\u0301"]
    assert net(texts) == ["👩‍👩‍👧‍👦 né 한국 𝄞", "q", "é"]
    edits = net.predict(text_graph("né")).edits
    assert [e.operations for e in edits] == [(KEEP, KEEP)]


def test_texts_of_any_length() -> None:
    """Of 1, 2, 300 and 1,000 graphemes, in one batch."""
    for merges in (True, False):
        net, _ = make(SHORT, merges=merges)
        prefer(net, edit_decoder.KEEP, edit_decoder.DELETE)
        units = split_units("añ👍🏽한 q" * 200)
        texts = ["".join(units[:length]) for length in LENGTHS]
        assert [len(split_units(text)) for text in texts] == LENGTHS, merges
        assert net(texts) == texts, merges


@pytest.mark.parametrize("max_cuts", [1, None])
def test_long_texts_are_learned_from(max_cuts: int | None) -> None:
    text = "añ👍🏽한 q" * (167 if max_cuts else 10)
    net, pair = make([Example(text, text + "z"), Example("a", "z")])
    loss = TransformLoss("cross_entropy", max_cuts=max_cuts)(net, pair).total
    loss.sum().backward()
    gradients = [p.grad for p in net.parameters() if p.grad is not None]
    assert all(bool(gradient.isfinite().all()) for gradient in gradients)
    assert net.pool.raw_threshold.grad != 0


def test_writes_what_the_decoder_says() -> None:
    net, _ = make([Example("ab", "abz")])
    prefer(net, edit_decoder.DELETE)
    (edits,) = net.predict(text_graph("ab")).edits
    assert edits.operations == (DELETE, DELETE)


def test_a_trained_model_reproduces_its_examples() -> None:
    net, pair = make(SHORT, channels=16)
    train(net, TransformLoss("cross_entropy"), pair, 60, 2e-2)
    assert net([e.source for e in SHORT]) == [e.target for e in SHORT]


@pytest.mark.filterwarnings("ignore:Initializing zero-element tensors")
def test_what_can_write_nothing_still_keeps_and_leaves_out() -> None:
    net = GraphTransformNet([], channels=8, layers=1).eval()
    assert set(net(["aaa"])[0]) <= {"a"}
    pair = next(iter(DataLoader(PairDataset([Example("ab", "")], net.vocabulary))))
    optimizer = torch.optim.Adam(net.parameters(), lr=0.05)
    for _ in range(20):
        optimizer.zero_grad()
        TransformLoss("cross_entropy")(net, pair).total.sum().backward()
        optimizer.step()
    assert net(["ab"]) == [""]


def test_letters_are_read_and_phones_are_written() -> None:
    examples = [Example("칩", "t͡ʃ ɪ p"), Example("é ", "e ː"), Example("k", "k")]
    net, pair = make(examples, 16, source_units="letters", target_units="spaced")
    assert pair.source.text == [["\u110e", "\u1175", "\u11b8"], ["e", "\u0301", " "], ["k"]]
    train(net, TransformLoss("cross_entropy"), pair, 110, 1e-2)
    assert net([e.source for e in examples]) == [e.target for e in examples]


def test_rewriting_does_not_depend_on_the_batch() -> None:
    net, pair = make(MIXED, channels=16)
    train(net, TransformLoss("cross_entropy"), pair, 15, 2e-2)
    texts, tags = [e.source for e in MIXED], [e.tags for e in MIXED]
    together = net(texts, tags)
    assert together == [net([t], [g])[0] for t, g in zip(texts, tags, strict=True)]
    assert net(texts[::-1], tags[::-1]) == together[::-1]


@pytest.mark.parametrize("merges", [True, False])
def test_the_likelihoods_of_all_targets_sum_to_one(merges: bool) -> None:
    """From example to loss, over all targets of two units that are not next to impossible."""
    source, tags = "abba", ("V", "PST")
    targets = ["".join(t) for length in range(8) for t in product("ab", repeat=length)]
    examples = [Example(source, target, tags) for target in targets]
    net, pair = make(examples, merges=merges)
    with torch.no_grad():
        net.decoder.operation.bias[edit_decoder.INSERT] = -8.0
        net.pool.raw_threshold.fill_(-1.0)
        likelihood = (-TransformLoss("cross_entropy").at_threshold(net, pair).cross_entropy).exp()
    assert likelihood.sum().item() == pytest.approx(1.0, abs=1e-6)
    assert likelihood.max() < 0.9


def test_without_merges_every_unit_is_edited_by_itself() -> None:
    net, pair = make(MIXED, merges=False)
    loss = TransformLoss("hybrid", StructuralLoss(max_iterations=10))
    output = loss(net, pair)
    assert output.clusters.tolist() == [len(e.source) for e in MIXED]
    output.total.sum().backward()
    assert all(p.grad is None for p in net.pool.parameters())
    history = net.predict(pair.source).history
    assert history.cluster.tolist() == list(range(sum(len(e.source) for e in MIXED)))
    # As if nothing was alike enough.
    merging, _ = make(MIXED)
    with torch.no_grad():
        merging.pool.raw_threshold.fill_(30.0)
        merging.pool.temperature = 1e-6
        for merged in (loss.at_threshold(merging, pair), loss(merging, pair)):
            torch.testing.assert_close(merged.total, output.total)


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


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"channels": 6}, r"Expected 'channels' to be a positive multiple of 4 \(got 6\)"),
        ({"channels": 0}, r"Expected 'channels' to be a positive multiple of 4 \(got 0\)"),
        ({"layers": 0}, r"Expected 'layers' to be at least 1 \(got 0\)"),
        ({"buckets": 0}, r"Expected 'buckets' to be at least 1 \(got 0\)"),
        ({"max_insert": 0}, r"Expected 'max_insert' to be at least 1 \(got 0\)"),
        ({"dropout": 1.0}, r"Expected 'dropout' to be in \[0, 1\) \(got 1.0\)"),
        (
            {"pool": ThresholdMergePool(candidates="all")},
            r"'pool'' to be one of 'edges' \(got 'all",
        ),
        (
            {"pool": ThresholdMergePool(estimator="gate")},
            r"Expected 'pool' to have estimator 'none' \(got Gate\(\)\)",
        ),
        ({"pool": ThresholdMergePool(acyclic=True)}, r"Expected 'pool' to have acyclic=False"),
    ],
)
def test_options_are_checked(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        GraphTransformNet(["a"], **options)


def test_loss_is_checked() -> None:
    with pytest.raises(ValueError, match="Expected 'loss' to be one of 'structural', "):
        TransformLoss("hybird")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"Expected 'min_mass' to be in \(0, 1\] \(got 0\)"):
        TransformLoss(min_mass=0)
    with pytest.raises(ValueError, match=r"'structural_weight' to be at least 0 \(got -1\)"):
        TransformLoss(structural_weight=-1)


@pytest.mark.filterwarnings("ignore:Initializing zero-element tensors")
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
def test_the_threshold_has_a_gradient_whatever_the_batch(examples: list[Example]) -> None:
    """Texts of one grapheme, or none, have no pair to merge."""
    for name in REACHED:
        net, pair = make(examples)
        total = TransformLoss(name)(net, pair).total.sum()
        assert torch.isfinite(total), name
        total.backward()
        assert net.pool.raw_threshold.grad is not None, name
        assert net.pool.raw_threshold.grad.item() == 0.0, name


def test_a_pool_of_ones_own() -> None:
    pool = ThresholdMergePool(threshold=0.3)
    assert GraphTransformNet(["a"], channels=8, pool=pool).pool is pool
    pool.requires_grad_(False)
    assert not GraphTransformNet(["a"], channels=8, pool=pool).pool.raw_threshold.requires_grad


def test_drawn_cuts_bound_what_a_step_works_out_in_training_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    net, pair = make(SHORT)
    net.pool.temperature = 0.5  # Of many cuts, none is nearly certain.
    torch.manual_seed(0)
    loss = TransformLoss("hybrid", max_cuts=2)
    seen: list[int] = []

    sample = Dendrogram.sample

    def count(*arguments: Any) -> CutSample:
        cuts = sample(*arguments)
        seen.append(cuts.graph.numel())
        return cuts

    monkeypatch.setattr(Dendrogram, "sample", count)
    loss.train()(net, pair).total.sum().backward()
    assert seen[0] <= 2 * pair.source.num_graphs
    assert torch.isfinite(net.pool.raw_threshold.grad)
    exact = loss.eval()(net, pair).total
    assert seen[1] > seen[0]
    draws = torch.stack([loss.train()(net, pair).total.detach() for _ in range(100)])
    error = draws.std(0) / 10
    assert bool(((draws.mean(0) - exact).abs() < 5 * error + 1e-4).all())
