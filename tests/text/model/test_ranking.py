"""Exact probabilities of rewrites, and their ranking by several models."""

import math
import unicodedata
from collections import defaultdict
from collections.abc import Callable
from itertools import pairwise, product
from typing import Any

import pytest
import torch

from pyg_grapheme.text import TextUnits
from pyg_grapheme.text.model import (
    GraphTransformNet,
    graph_transform_net,
    log_probability,
    rank_rewrites,
    ranking,
)
from pyg_grapheme.text.model.edit_decoder import DELETE, INSERT, KEEP, SUBSTITUTE
from pyg_grapheme.text.model.hypotheses import EditPath


class Spy:
    """Call a search and keep what it finds."""

    def __init__(self, search: Callable[..., list[list[EditPath]]]) -> None:
        self.search, self.found = search, list[list[EditPath]]()

    def __call__(self, *arguments: Any) -> list[list[EditPath]]:
        self.found = self.search(*arguments)
        return self.found


def make(vocabulary: str, seed: int = 0, **options: Any) -> GraphTransformNet:
    """A small model in float64 that merges some neighbours and seldom inserts."""
    torch.manual_seed(seed)
    net = GraphTransformNet(
        list(vocabulary), channels=8, layers=1, dropout=0.0, buckets=64, **options
    )
    with torch.no_grad():
        for parameter in net.decoder.parameters():
            parameter.mul_(2)
        net.decoder.operation.bias[INSERT] -= 5
        net.pool.raw_threshold.fill_(3.0)
    return net.double().eval()


def all_texts(alphabet: str, longest: int) -> list[str]:
    return ["".join(t) for length in range(longest + 1) for t in product(alphabet, repeat=length)]


@torch.no_grad()
def probabilities(
    net: GraphTransformNet, source: str, targets: list[str], tags: tuple[str, ...] = ()
) -> list[float]:
    number = len(targets)
    found: list[float] = log_probability(net, [source] * number, targets, [tags] * number).exp()
    return [float(p) for p in found]


@torch.no_grad()
def sum_of_forms(
    net: GraphTransformNet, source: str, target: str, tags: tuple[str, ...] = ()
) -> float:
    """Return the probability of the composed units of a text and of the decomposed ones."""
    forms = {tuple(unicodedata.normalize(form, target)) for form in ("NFC", "NFD")}
    number = len(forms)
    return float(ranking._score(net, [source] * number, list(forms), [tags] * number).exp().sum())


@pytest.mark.parametrize("source", ["a", "ax", "xX"])
@pytest.mark.parametrize("options", [{}, {"use_pool": False}, {"map_case": False}])
def test_the_probabilities_of_all_texts_sum_to_one(source: str, options: dict[str, Any]) -> None:
    """Texts with more than three insertions are the rest.

    "x" and "X" are not in the vocabulary: they can only be copied.
    """
    for seed in range(3):
        net = make("Aab", seed, **options)
        found = probabilities(net, source, all_texts("AabxX", 5), ("V",))
        assert 0.999 < sum(found) <= 1 + 1e-9, seed
        # The mass is not all in one text.
        assert max(found) < 0.9, seed


@pytest.mark.filterwarnings("ignore:Initializing zero-element tensors")
def test_both_cases_of_a_letter_are_copies_of_it() -> None:
    """A capital needs no vocabulary: it has its probability from the operation alone."""
    net = make("")
    with torch.no_grad():
        # Without units, these lead to no text.
        net.decoder.operation.bias[[SUBSTITUTE, INSERT]] = -100.0
    kept, mapped, deleted, other = probabilities(net, "a", ["a", "A", "", "b"])
    assert min(kept, mapped, deleted) > 0.01
    assert kept + mapped + deleted == pytest.approx(1, abs=1e-9)
    assert other < 1e-12
    plain = make("", map_case=False)
    assert probabilities(plain, "a", ["A"])[0] < 1e-12


def test_a_unit_that_the_model_cannot_write_is_next_to_impossible() -> None:
    """Each such unit costs about 30 nats; other targets of the batch are not affected."""
    net = make("ab")
    with torch.no_grad():
        one, three, known = log_probability(net, ["ab"] * 3, ["z", "zzz", "ab"]).tolist()
        (alone,) = log_probability(net, ["ab"], ["ab"]).tolist()
    assert -60 < one < -30
    assert -150 < three < -90
    assert known == pytest.approx(alone, abs=1e-12)


def test_target_texts_are_split_as_the_model_writes_them() -> None:
    """Canonically equivalent targets are the same target, and so are equal lists of phones."""
    net = make("eo\u0301\u0308", source=TextUnits("codepoints", "NFD"))
    composed, decomposed = probabilities(net, "e\u0301", ["\u00f6", "o\u0308"])
    assert composed == decomposed
    net = make("ab", target=TextUnits("whitespace"))
    first, second, joined = probabilities(net, "a", ["a b", " a  b", "ab"])
    assert first == second
    assert joined < 1e-12 < first


def test_every_target_has_a_source() -> None:
    net = make("ab")
    for targets in (["a"], ["a", "b", "a"]):
        with pytest.raises(ValueError, match="'targets'"):
            log_probability(net, ["a", "b"], targets)


def test_no_pair_has_no_probability() -> None:
    assert log_probability(make("ab"), [], []).tolist() == []


def two_models() -> list[GraphTransformNet]:
    """Models that differ in vocabulary, units and merges."""
    nfd = TextUnits("codepoints", "NFD")
    return [make("abé", 1), make("Ace\u0301", 2, source=nfd, target=nfd, use_pool=False)]


TEXTS, TAGS = ["ab", "é", "Ça", "ab"], [("V",), (), (), ("N", "PL")]


@pytest.mark.parametrize("beam", [1, 4])
def test_rewrites_are_ranked_by_the_mean_of_the_probabilities(beam: int) -> None:
    nets = two_models()
    ranked = rank_rewrites(nets, TEXTS, TAGS, beam)
    assert len(ranked) == len(TEXTS)
    for text, tags, rewrites in zip(TEXTS, TAGS, ranked, strict=True):
        for rewrite in rewrites:
            # One model reads and writes composed units, the other one decomposed ones.
            each = [sum_of_forms(net, text, rewrite.text, tags) for net in nets]
            assert rewrite.probability == pytest.approx(sum(each) / 2, rel=1e-9)
        found = [rewrite.probability for rewrite in rewrites]
        assert found == sorted(found, reverse=True)
        assert sum(found) <= 1 + 1e-9
        assert 1 <= len(rewrites) <= 2 * beam
        assert len({rewrite.text for rewrite in rewrites}) == len(rewrites)
    # The same text with other tags.
    assert ranked[0] != ranked[3]


@pytest.mark.parametrize("beam", [1, 4])
def test_the_candidates_are_what_any_of_the_models_finds(beam: int) -> None:
    nets = two_models()
    ranked = rank_rewrites(nets, TEXTS, TAGS, beam)
    alone = [rank_rewrites([net], TEXTS, TAGS, beam) for net in nets]
    for i, (text, tags) in enumerate(zip(TEXTS, TAGS, strict=True)):
        found = {rewrite.text for rewrite in ranked[i]}
        assert found == {rewrite.text for ranking in alone for rewrite in ranking[i]}
        if beam == 1:
            assert found == {net([text], [tags])[0] for net in nets}


def test_a_sure_model_outvotes_an_unsure_one() -> None:
    """The worked example: one model copies "q"; for the other, "z" is a little better."""
    sure, unsure = make("ab", 1), make("z", 2)
    with torch.no_grad():
        for net in (sure, unsure):
            net.decoder.operation.weight.zero_()
            net.decoder.operation.bias.fill_(-100.0)
        sure.decoder.operation.bias[[DELETE, KEEP]] = torch.tensor([0.0, 50.0]).double()
        unsure.decoder.operation.bias[[SUBSTITUTE, KEEP]] = torch.tensor([0.1, 0.0]).double()
        # At the end of the text.
        unsure.decoder.operation.bias[DELETE] = -50.0
    assert [net(["q"]) for net in (sure, unsure)] == [["q"], ["z"]]
    ((best, second),) = rank_rewrites([unsure, sure], ["q"], beam=1)
    share = 1 / (1 + math.exp(-0.1))
    assert best == ("q", pytest.approx((1 + 1 - share) / 2, abs=1e-9))
    assert second == ("z", pytest.approx(share / 2, abs=1e-9))


def test_candidates_that_are_the_same_text_are_one() -> None:
    """The beam writes "é" in one unit and in two; one rewrite has the probability of the text."""
    net = make("e\u0301é", source=TextUnits("codepoints", "NFD"))
    with torch.no_grad():
        alternatives = net.predict(net.read(["é"]), 30).alternatives[0]
    written = [net.write(edits) for edits in alternatives]
    assert written.count("é") > 1
    (rewrites,) = rank_rewrites([net], ["é"], beam=30)
    assert sorted(rewrite.text for rewrite in rewrites) == sorted(set(written))
    assert dict(rewrites)["é"] == pytest.approx(sum_of_forms(net, "é", "é"), rel=1e-9)


def test_units_count_only_where_they_write_the_candidate() -> None:
    """Two units are "aa" for a model of code points, and "a a" for one of phones."""
    nets = []
    for vocabulary, target in ((["a", " "], TextUnits()), (["a"], TextUnits("whitespace"))):
        torch.manual_seed(len(vocabulary))
        net = GraphTransformNet(vocabulary, channels=8, layers=1, max_insert=1, target=target)
        nets.append(net.eval())
    (found,) = rank_rewrites(nets, ["aa"], beam=4)
    expected = {}
    for rewrite in found:
        splits = [net.target.split(rewrite.text) for net in nets]
        alone = [
            log_probability(net, ["aa"], [rewrite.text]).exp().item()
            if net.target.join(units) == rewrite.text
            else 0.0
            for net, units in zip(nets, splits, strict=True)
        ]
        expected[rewrite.text] = sum(alone) / 2
    assert {rewrite.text: rewrite.probability for rewrite in found} == pytest.approx(expected)
    assert {"aa", "a a"} <= expected.keys()
    assert sum(expected.values()) <= 1 + 1e-6


def test_a_copied_unit_may_have_another_form_than_the_targets() -> None:
    """Sources are decomposed, targets composed: "ç" is copied as two units, or written as one.

    A search that drops nothing says how probable each text is.
    """
    for seed in range(3):
        source, target = TextUnits("codepoints", "NFD"), TextUnits("codepoints", "NFC")
        net = make("ç", seed, source=source, target=target)
        with torch.no_grad():
            net.decoder.operation.bias[INSERT] = -1e4
        paths = Spy(graph_transform_net.search_edits)
        with pytest.MonkeyPatch.context() as patch, torch.no_grad():
            patch.setattr(graph_transform_net, "search_edits", paths)
            (alternatives,) = net.predict(net.read(["çb"]), beam=500).alternatives
        expected: dict[str, float] = defaultdict(float)
        for edits, path in zip(alternatives, paths.found[0], strict=True):
            expected[net.write(edits)] += math.exp(path.log_probability)
        assert expected["çb"] > 0.01, seed
        (rewrites,) = rank_rewrites([net], ["çb"], beam=500)
        assert dict(rewrites) == pytest.approx(dict(expected), abs=1e-7)


def test_a_long_text_does_not_change_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    net = make("abc", 3)
    texts = ["ab", "c" * 30, "ba", "a"]
    monkeypatch.setattr(ranking, "_CELLS", 40)
    together = rank_rewrites([net], texts, beam=3)
    monkeypatch.undo()
    for text, rewrites in zip(texts, together, strict=True):
        (alone,) = rank_rewrites([net], [text], beam=3)
        assert [r.text for r in rewrites] == [r.text for r in alone]
        assert [r.probability for r in rewrites] == pytest.approx([r.probability for r in alone])


def test_a_chunk_of_lattices_keeps_to_its_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    """Counted in units: a Hangul syllable has up to three."""
    limit, sizes = 4000, []

    def score(net: GraphTransformNet, sources: list[str], units: list[Any], _: Any) -> torch.Tensor:
        rows, columns = max(len(net.source.split(text)) for text in sources), max(map(len, units))
        sizes.append(len(sources) * (rows + 1) * (columns + 1))
        return torch.zeros(len(sources))

    monkeypatch.setattr(ranking, "_CELLS", limit)
    monkeypatch.setattr(ranking, "_score", score)
    pairs = [("a" * 40, ""), *[("a" * 19, "b" * 20)] * 31, *[("각" * 5, "")] * 9, ("", "b" * 39)]
    asked = [ranking._Asked(0, text, (), units, tuple(units)) for text, units in pairs]
    assert len(ranking._mean_probability([make("ab", source=TextUnits(form="NFD"))], asked)) == 42
    assert max(sizes) <= limit
    assert len(sizes) < len(asked) / 2


def test_the_number_of_rewrites_grows_with_the_beam() -> None:
    net = make("abc", 3)
    totals = []
    for beam in (1, 3, 30):
        (rewrites,) = rank_rewrites([net], ["ab"], beam=beam)
        totals.append(math.fsum(rewrite.probability for rewrite in rewrites))
    assert all(few < many for few, many in pairwise(totals))
    assert totals[-1] > 0.9


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((0, ["a"]), r"'len\(nets\)' to be at least 1 \(got 0\)"),
        ((1, ["a", ""]), r"Expected text 1 of 'texts' to have a character"),
        ((1, ["a"], [(), ()]), r"Expected 'tags' to have 1 entries, one per text \(got 2\)"),
        ((1, ["a"], (), 0), r"Expected 'beam' to be at least 1 \(got 0\)"),
        ((1, ["a"], (), True), r"Expected 'beam' to be an int \(got True\)"),
        ((1, "ab"), r"Expected 'texts' and each of 'tags' to be lists of texts"),
    ],
)
def test_arguments_of_a_ranking_are_checked(arguments: tuple[Any, ...], message: str) -> None:
    number, *rest = arguments
    with pytest.raises(ValueError, match=message):
        rank_rewrites([make("ab")] * number, *rest)


def test_a_single_model_is_refused() -> None:
    with pytest.raises(TypeError, match=r"a list of models \(got a GraphTransformNet\)"):
        rank_rewrites(make("ab"), ["a"])  # type: ignore[arg-type]


def test_no_text_has_no_rewrites() -> None:
    assert rank_rewrites([make("ab")], []) == []
