"""Scores, against values worked out by hand."""

from typing import get_args

import pytest
from torch import Tensor, nn

from lightning_modules import TransformModule
from lightning_modules.modules.text.scores import (
    TextScores,
    predict_examples,
    score_texts,
    unit_error_rate,
)
from pyg_grapheme.nn import ThresholdMergePool
from pyg_grapheme.text import Example, PairDataset, TextUnits
from pyg_grapheme.text.typing import NormalForm

PHONES = TextUnits("whitespace")


def test_words_are_scored_as_by_hand() -> None:
    # goed -> went: g/w, o/e, e/n, d/t are 4; keeping the e costs g/w, -o, e, +n, d/t, 4 as well.
    predictions, targets = ["walked", "goed", "taxis", ""], ["walked", "went", "taxi", "ab"]
    scores = score_texts(predictions, targets, coarsening_ratio=0.5)
    assert scores == TextScores(
        examples=4,
        exact_match=1 / 4,
        char_error_rate=pytest.approx((0 + 4 + 1 + 2) / (6 + 4 + 4 + 2)),
        unit_error_rate=pytest.approx(7 / 16),
        edit_distance=pytest.approx(7 / 4),
        coarsening_ratio=0.5,
    )


class Half(nn.Module):
    """Finds all neighbours half alike."""

    def forward(self, x_i: Tensor, x_j: Tensor, edge_attr: Tensor | None) -> Tensor:
        return x_i.new_full((x_i.size(0),), 0.5)


@pytest.mark.parametrize(("threshold", "share"), [(0.4, 2 / 4), (0.6, 4 / 4)])
def test_coarse_nodes_are_counted(threshold: float, share: float) -> None:
    module = TransformModule(["a"], channels=8, layers=1)
    module.net.pool = ThresholdMergePool(threshold, score=Half())
    # Three units and one: all of a text's are merged, or none.
    dataset = PairDataset([Example("abc", "a"), Example("b", "a")], module.net.vocabulary)
    _, scores = predict_examples(module, dataset)
    assert scores.coarsening_ratio == share


def test_phones_are_scored_as_by_hand() -> None:
    # t ʃ ɪ p for t͡ʃ ɪ p: one substituted, one inserted; æ k s for æ k t: one substituted.
    # As code points: a tie bar for a space; s for t.
    scores = score_texts(["t ʃ ɪ p", "æ k s"], ["t͡ʃ ɪ p", "æ k t"], 1.0, PHONES)
    assert scores.exact_match == 0
    assert scores.unit_error_rate == pytest.approx(3 / 6)
    assert scores.char_error_rate == pytest.approx(2 / 12)
    assert scores.edit_distance == pytest.approx(2 / 2)


def test_the_unit_error_rate_counts_units() -> None:
    graphemes, decomposed = TextUnits("graphemes"), TextUnits("codepoints", "NFD")
    cases: list[tuple[str, str, TextUnits, float | None]] = [
        ("한국", "한구", graphemes, 1 / 2),
        ("한국", "한구", decomposed, 1 / 5),
        ("한국", "한구", TextUnits("codepoints"), 1 / 2),
        ("👨‍👩‍👧a", "👩a", graphemes, 1 / 2),
        ("a  b", "a b", graphemes, 1 / 3),
        ("a  b", "a b", PHONES, 0),
        ("", "a b", PHONES, 1),
        ("a b c", "d", PHONES, 3),
        ("aa b", "b aa", PHONES, 2 / 2),
        ("a", "", graphemes, None),
        ("", " ", PHONES, None),
    ]
    for prediction, target, units, expected in cases:
        found = unit_error_rate([prediction], [target], units)
        assert found == expected, (prediction, target, units)


@pytest.mark.parametrize("form", ["NFC", "NFD"])
def test_code_points_are_scored_as_grapheme_clusters(form: NormalForm) -> None:
    """No composed form of "x" with a tilde and a dot below exists, so both marks are code points.

    One of four clusters is wrong, though two of the six code points are.
    """
    wrong, right = "abx\u0323\u0303c", "abxc"
    scores = score_texts([right], [wrong], 1.0, TextUnits("codepoints", form))
    assert scores.unit_error_rate == pytest.approx(1 / 4)
    assert scores.char_error_rate == pytest.approx(2 / 6)
    assert scores.edit_distance == pytest.approx(2)
    # In validation, too.
    module = TransformModule(["a"], target_form=form, channels=8, layers=1)
    module.unit_error_rate.update([right], [wrong])
    assert float(module.unit_error_rate.compute()) == pytest.approx(1 / 4)


def test_phones_are_counted_in_validation() -> None:
    module = TransformModule(["a"], target_units="whitespace", channels=8, layers=1)
    module.unit_error_rate.update(["t ʃ ɪ p"], ["t͡ʃ ɪ p"])
    assert float(module.unit_error_rate.compute()) == pytest.approx(2 / 3)


def test_the_unit_error_rate_is_over_all_texts_not_their_mean() -> None:
    assert unit_error_rate(["a", "abcx"], ["b", "abcd"]) == pytest.approx(2 / 5)


def test_targets_are_normalized_and_their_surplus_spaces_are_none() -> None:
    for form in get_args(NormalForm):
        units = TextUnits("whitespace", form)
        scores = score_texts(["\u00e9", "a b"], ["e\u0301", " a  b"], 1.0, units)
        assert (scores.exact_match, scores.edit_distance) == (1, 0), form


def test_without_anything_to_write_there_are_no_rates() -> None:
    scores = score_texts(["", "ab"], ["", ""], 1.0)
    assert scores == TextScores(2, 1 / 2, None, None, pytest.approx(1.0), 1.0)
