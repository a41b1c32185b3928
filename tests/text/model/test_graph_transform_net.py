"""The text model: what the method's published checks ask of it, and how it reads and writes."""

import math
import subprocess
import sys
import unicodedata
from itertools import chain, pairwise, product
from typing import Any

import pytest
import torch
from torch import Tensor
from torch_geometric.data import Batch
from torch_geometric.loader import DataLoader

from pyg_grapheme.filtration import CutSample
from pyg_grapheme.nn import StructuralLoss, ThresholdMergePool
from pyg_grapheme.nn.pool import Dendrogram, ProjectedCosine
from pyg_grapheme.text import (
    DELETE,
    KEEP,
    CaseMapping,
    Example,
    GraphPair,
    PairDataset,
    TextUnits,
    Vocabulary,
    split_graphemes,
    split_units,
    text_graph,
)
from pyg_grapheme.text.model import (
    GraphTransformNet,
    TransformLoss,
    TransformLossOutput,
    edit_decoder,
    log_probability,
)
from pyg_grapheme.text.typing import LossName, NormalForm

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
    source: TextUnits = TextUnits(),
    target: TextUnits = TextUnits(),
    **options: Any,
) -> tuple[GraphTransformNet, GraphPair]:
    """A small model without dropout, in float64, and all examples as one batch."""
    torch.manual_seed(seed)
    vocabulary = Vocabulary.from_texts(target.split(e.target) for e in examples)
    net = GraphTransformNet(
        vocabulary.units,
        channels=channels,
        layers=1,
        dropout=0.0,
        buckets=64,
        source=source,
        target=target,
        **options,
    ).double()
    return net, collate(examples, net)


def collate(examples: list[Example], net: GraphTransformNet) -> GraphPair:
    """All examples as one batch, as PyG's loader makes it."""
    pairs = PairDataset(examples, net.vocabulary, net.source, net.target)
    (pair,) = DataLoader(pairs, batch_size=len(examples))
    assert isinstance(pair, GraphPair)
    return pair


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
    expected = {n for n, _ in net.named_parameters() if n.split(".")[0] in REACHED[name]}
    assert check_gradients(net, loss, pair) == expected


def check_gradients(net: GraphTransformNet, loss: TransformLoss, pair: GraphPair) -> set[str]:
    """Compare gradients with central differences; return the parameters that have any."""
    loss(net, pair).total.sum().backward()
    reached = {n: p for n, p in net.named_parameters() if p.grad is not None and p.grad.any()}
    generator = torch.Generator().manual_seed(0)
    for parameter_name, parameter in reached.items():
        assert parameter.grad is not None
        analytic, numeric = coordinates(net, loss, pair, parameter, parameter.grad, generator)
        error = (analytic - numeric).abs().max() / numeric.abs().max().clamp(min=1e-3)
        assert error < 1e-4, parameter_name
    return set(reached)


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
    """The same text has the same merges, twice and in another process."""
    torch.manual_seed(3)
    net = GraphTransformNet(["a"], channels=16, layers=1).eval()
    graph = Batch.from_data_list([text_graph("How many legs cat have?")])
    with torch.no_grad():
        clusters = [net.merge(net.encode(graph)).history.cluster.tolist() for _ in range(2)]
    assert clusters[0] == clusters[1]
    assert len(set(clusters[0])) < len(clusters[0])
    printed = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", MERGES],
        env={"PYTHONHASHSEED": "1"},
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


MARKED = [
    Example("a\u0308\u0301e\u0301", "A\u0308e"),
    Example("so\u0302\u0323", "so", ("V",)),
    Example("한국", "한"),
    Example("ab", "b"),
]
NFD = TextUnits("codepoints", "NFD")


@torch.no_grad()
def sum_over_cuts(
    net: GraphTransformNet, loss: TransformLoss, example: Example, inside: list[bool]
) -> TransformLossOutput:
    """Probability times loss, summed over the intervals between the scores of neighbours.

    Args:
        net: The model, of scores in (0, 1).
        loss: The loss.
        example: One example.
        inside: Whether each two neighbours may merge.
    """
    pair, raw = collate([example], net), net.pool.raw_threshold
    assert isinstance(net.pool.score, ProjectedCosine)
    mapped = net.pool.score.map(net.encode(pair.source).x)
    score = torch.cosine_similarity(mapped[:-1], mapped[1:])[torch.tensor(inside, dtype=torch.bool)]
    bounds = [1.0, *score.sort(descending=True).values.tolist(), 0.0]
    assert all(above > below for above, below in pairwise(bounds))
    start, kept = torch.sigmoid(raw).item(), raw.item()
    total = torch.zeros(4, 1, dtype=torch.double)
    for above, below in pairwise(bounds):
        # The noise is logistic; above all scores and below all of them it has no bound.
        probability = 1.0 if above == 1.0 else logistic(above, start, net.pool.temperature)
        probability -= 0.0 if below == 0.0 else logistic(below, start, net.pool.temperature)
        middle = (above + below) / 2
        raw.fill_(math.log(middle / (1 - middle)))
        total += probability * torch.stack(loss.at_threshold(net, pair))
    raw.fill_(kept)
    return TransformLossOutput(*total)


def logistic(height: float, threshold: float, temperature: float) -> float:
    """Return the probability that the noisy threshold is below a height."""
    return 1 / (1 + math.exp(-(height - threshold) / temperature))


# Which neighbours of the decomposed sources are in one character: a hand-made list.
INSIDE = [
    [True, True, False, True],
    [False, True, True],
    [True, True, False, True, True],
    [False],
]


@pytest.mark.parametrize("merge_graphemes", [True, False])
def test_the_expectation_is_the_sum_over_all_cuts(merge_graphemes: bool) -> None:
    net, pair = make(MARKED, source=NFD, target=NFD, merge_graphemes=merge_graphemes)
    net.pool.temperature = 0.2
    loss = TransformLoss("hybrid")
    with torch.no_grad():
        found = loss(net, pair)
    for i, (example, inside) in enumerate(zip(MARKED, INSIDE, strict=True)):
        may_merge = inside if merge_graphemes else [True] * len(inside)
        expected = sum_over_cuts(net, loss, example, may_merge)
        for name, value in expected._asdict().items():
            assert getattr(found, name)[i].item() == pytest.approx(value.item()), (name, example)


def test_gradients_with_merges_of_characters_alone() -> None:
    net, pair = make(MARKED, source=NFD, target=NFD, merge_graphemes=True)
    net.pool.temperature = 0.2
    loss = TransformLoss("hybrid", StructuralLoss(max_iterations=10))
    assert check_gradients(net, loss, pair) == {name for name, _ in net.named_parameters()}


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
    with torch.no_grad():
        together = loss(net, pair).total
        alone = [loss(net, collate([e], net)).total for e in MIXED]
    torch.testing.assert_close(together, torch.cat(alone))


UNITS = [TextUnits(), NFD, TextUnits("graphemes"), TextUnits("graphemes", "NFD")]


@pytest.mark.filterwarnings("ignore:Initializing zero-element tensors")
@pytest.mark.parametrize(
    ("units", "options"),
    [
        *product(UNITS, ({}, {"use_pool": False})),
        *product(UNITS[:2], ({"merge_graphemes": True},)),
    ],
    ids=str,
)
def test_whatever_is_not_edited_stays_as_it_is(
    units: TextUnits, options: dict[str, Any], scripts: dict[str, str]
) -> None:
    """A model that has seen no text copies any script, in the form NFC."""
    net, _ = make([Example("q", "")], source=units, **options)
    prefer(net, edit_decoder.KEEP, edit_decoder.DELETE)
    with torch.no_grad():
        net.pool.raw_threshold.fill_(3.0)
        prediction = net.predict(net.read(list(scripts.values())))
    for (name, text), edits in zip(scripts.items(), prediction.edits, strict=True):
        assert net.write(edits) == unicodedata.normalize("NFC", text), name
    if not options:
        # Nodes of several units are copied as a whole.
        cluster = prediction.history.cluster
        assert 1 < len(set(cluster.tolist())) < len(cluster)


# A unit is mapped if its first code point has a one-to-one mapping: Python's full mappings of "ß",
# "ŉ", "ﬁ", "և", "ΐ", "ᾳ", "ǰ" to upper case and of "İ" to lower case have several code points. In
# the form NFD, letters and marks are mapped by themselves: U+0345 becomes a capital iota.
UPPER = {
    "straße ŉ ﬁn": ("STRAßE ŉ ﬁN",) * 3,
    "e\u0301t\u00e9 й ʼn": ("ÉTÉ Й ʼN",) * 3,
    "\u0390 ᾳ ǰ": ("\u0390 ᾳ ǰ", "Ϊ\u0301 ΑΙ J\u030c", "\u0390 ᾳ ǰ"),
    "ა և ա 𐐨 ⓐ ǆ ǅ": ("Ა և Ա 𐐀 Ⓐ Ǆ Ǆ",) * 3,
    "a\u0315\u0300 ı ÿ": ("À\u0315 I Ÿ",) * 3,
    "a\u0345": ("A\u0399", "A\u0399", "A\u0345"),
    "हिन्दी 한 שָׁ 👩‍🚀 1": ("हिन्दी 한 שָׁ 👩‍🚀 1",) * 3,
}
LOWER = {
    "İI": ("İi", "i\u0307i", "İi"),
    "ΣÄẞ Ǆ ǅ": ("σäß ǆ ǆ",) * 3,
    "\u212b \u2126 𐐀 Q": ("å ω 𐐨 q",) * 3,
}


@pytest.mark.filterwarnings("ignore:Initializing zero-element tensors")
@pytest.mark.parametrize("kind", range(3), ids=list(map(str, UNITS[:3])))
@pytest.mark.parametrize(
    ("operation", "texts"), [(edit_decoder.UPPER, UPPER), (edit_decoder.LOWER, LOWER)]
)
def test_an_unseen_letter_is_written_in_the_other_case(
    kind: int, operation: int, texts: dict[str, tuple[str, str, str]]
) -> None:
    """The vocabulary is empty."""
    net, _ = make([Example("q", "")], source=UNITS[kind], use_pool=False)
    prefer(net, operation, edit_decoder.KEEP)
    # As it is written here, and with whatever an editor made of it.
    for form in ("NFC", "NFD"):
        given = [unicodedata.normalize(form, text) for text in texts]
        wanted = [unicodedata.normalize("NFC", each[kind]) for each in texts.values()]
        assert net(given) == wanted
    edits = net.predict(net.read(["Qq"])).edits[0]
    mapped = (
        (KEEP, CaseMapping.UPPER) if operation == edit_decoder.UPPER else (CaseMapping.LOWER, KEEP)
    )
    assert edits.operations == mapped


@pytest.mark.filterwarnings("ignore:Initializing zero-element tensors")
def test_a_case_mapping_changes_the_first_letter_of_a_merged_node() -> None:
    texts = ["élan vital", "ᾳὖ", "1a"]
    net, _ = make([Example("q", "")], source=NFD)
    prefer(net, edit_decoder.UPPER, edit_decoder.KEEP)
    merge_all(net)
    assert net(texts) == ["Élan vital", "ᾼὖ", "1a"]
    # A letter with all its marks is a node: the iota below stays a mark.
    net.merge_graphemes = True
    assert net(texts) == ["ÉLAN VITAL", "ᾼΥ\u0313\u0342", "1A"]


@pytest.mark.filterwarnings("ignore:Initializing zero-element tensors")
def test_without_case_mappings_no_case_changes() -> None:
    texts = ["Straße", "İI", "𐐨"]
    for use_pool in (True, False):
        net, _ = make([Example("q", "")], map_case=False, use_pool=use_pool)
        prefer(net, edit_decoder.UPPER, edit_decoder.LOWER, edit_decoder.KEEP)
        assert net(texts) == texts
        with torch.no_grad():
            kept, upper = log_probability(net, ["aa"] * 2, ["aa", "AA"]).tolist()
            found = net.predict(net.read(texts), beam=8).alternatives
        # To write a capital without a mapping, the vocabulary would have to have it.
        assert upper < -30 < -1 < kept
        operations = {o for edits in found for each in edits for o in each.operations}
        assert operations <= {KEEP, DELETE}


def merge_all(net: GraphTransformNet) -> None:
    """Merge all that may merge: every score is 1."""
    assert isinstance(net.pool.score, ProjectedCosine)
    with torch.no_grad():
        net.pool.score.map.weight.zero_()
        net.pool.score.map.bias.fill_(1.0)


CLUSTERS = [
    ["e\u0301", "t", "a\u0323\u0302", "👩‍🚀", "👍🏽", "\r\n", "b"],
    ["\u1112\u1161\u11ab", "\u1100\u116e\u11a8", " ", "🇩🇪", "🇫🇷"],
    ["नि", "ที่", "שָׁ"],
    ["a", "b"],
]


@pytest.mark.parametrize("form", ["NFC", "NFD"])
def test_merges_can_be_limited_to_the_units_of_a_character(form: NormalForm) -> None:
    texts = ["".join(clusters) for clusters in CLUSTERS]
    tags = [("V",), (), ("N", "PL"), ("V",)]
    net, _ = make(MIXED, source=TextUnits("codepoints", form), merge_graphemes=True)
    merge_all(net)
    expected = [
        index
        for index, cluster in enumerate(chain.from_iterable(CLUSTERS))
        for _ in unicodedata.normalize(form, cluster)
    ]
    assert list(map(split_graphemes, texts)) == CLUSTERS
    with torch.no_grad():
        graphs = net.read(texts, tags)
        assert net.merge(net.encode(graphs)).history.cluster.tolist() == expected
        # Without the limit, every text is one node.
        net.merge_graphemes = False
        cluster = net.merge(net.encode(graphs)).history.cluster
        assert cluster.tolist() == graphs.batch[~graphs.is_tag].tolist()


def test_texts_of_any_length() -> None:
    """Of 1, 2, 300 and 1,000 units, in one batch."""
    for use_pool in (True, False):
        net, _ = make(SHORT, use_pool=use_pool)
        prefer(net, edit_decoder.KEEP, edit_decoder.DELETE)
        units = split_units("añ👍🏽한 q" * 200)
        texts = ["".join(units[:length]) for length in LENGTHS]
        assert [len(split_units(text)) for text in texts] == LENGTHS, use_pool
        assert net(texts) == texts, use_pool


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
    pair = collate([Example("ab", "")], net)
    optimizer = torch.optim.Adam(net.parameters(), lr=0.05)
    for _ in range(20):
        optimizer.zero_grad()
        TransformLoss("cross_entropy")(net, pair).total.sum().backward()
        optimizer.step()
    assert net(["ab"]) == [""]


def test_jamo_are_read_and_phones_are_written() -> None:
    examples = [Example("칩", "t͡ʃ ɪ p"), Example("é ", "e ː"), Example("k", "k")]
    net, pair = make(examples, 16, 0, TextUnits("codepoints", "NFD"), TextUnits("whitespace"))
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


@pytest.mark.parametrize("use_pool", [True, False])
def test_the_likelihoods_of_all_targets_sum_to_one(use_pool: bool) -> None:
    """From example to loss, over all targets that are not next to impossible.

    In the vocabulary or not, a letter can be copied in upper case as well.
    """
    source, tags = "abb", ("V", "PST")
    targets = ["".join(t) for length in range(6) for t in product("abAB", repeat=length)]
    examples = [Example(source, target, tags) for target in targets]
    net, pair = make(examples, use_pool=use_pool)
    with torch.no_grad():
        net.decoder.operation.bias[edit_decoder.INSERT] = -8.0
        net.pool.raw_threshold.fill_(-1.0)
        likelihood = (-TransformLoss("cross_entropy").at_threshold(net, pair).cross_entropy).exp()
    assert likelihood.sum().item() == pytest.approx(1.0, abs=1e-6)
    assert likelihood.max() < 0.9


def test_without_merges_every_unit_is_edited_by_itself() -> None:
    net, pair = make(MIXED, use_pool=False)
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
        ((["a"], [(), ()]), r"Expected 'tags' to have 1 entries, one per text \(got 2\)"),
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
        ({"source": "codepoints"}, r"Expected 'source' to be a TextUnits \(got 'codepoints'\)"),
        ({"target": ("codepoints", "NFC")}, r"Expected 'target' to be a TextUnits \(got \('codep"),
        (
            {"source": TextUnits("letters")},  # type: ignore[arg-type]
            r"Expected 'source.kind' to be one of 'codepoints', .* \(got 'letters'\)",
        ),
        (
            {"target": TextUnits("spaced")},  # type: ignore[arg-type]
            r"Expected 'target.kind' to be one of 'codepoints', .* \(got 'spaced'\)",
        ),
        (
            {"source": TextUnits("graphemes"), "merge_graphemes": True},
            r"Expected 'source' to be code points with merge_graphemes=True \(got graphemes in NFC",
        ),
        (
            {"target": TextUnits("graphemes", "none")},  # type: ignore[arg-type]
            r"Expected 'target.form' to be one of 'NFC', 'NFD' \(got 'none'\)",
        ),
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
    ids=["one unit each", "from nothing", "nothing to nothing", "to nothing"],
)
def test_the_threshold_has_a_gradient_whatever_the_batch(examples: list[Example]) -> None:
    """Texts of one unit, or none, have no pair to merge."""
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
