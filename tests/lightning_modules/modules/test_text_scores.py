"""Scores, against values worked out by hand."""

import pytest
from torch import Tensor, nn

from lightning_modules import TransformModule
from lightning_modules.modules.text_scores import (
    TextScores,
    predict_examples,
    score_texts,
    unit_error_rate,
)
from pyg_grapheme.nn import ThresholdMergePool
from pyg_grapheme.text import Example, PairDataset
from pyg_grapheme.text.typing import NormalForm, UnitsName


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
    scores = score_texts(["t ʃ ɪ p", "æ k s"], ["t͡ʃ ɪ p", "æ k t"], 1.0, units="spaced")
    assert scores.exact_match == 0
    assert scores.unit_error_rate == pytest.approx(3 / 6)
    assert scores.char_error_rate == pytest.approx(2 / 12)
    assert scores.edit_distance == pytest.approx(2 / 2)


def test_the_unit_error_rate_counts_units() -> None:
    cases: list[tuple[str, str, UnitsName, NormalForm, float | None]] = [
        ("한국", "한구", "graphemes", "NFC", 1 / 2),
        ("한국", "한구", "letters", "NFC", 1 / 5),
        ("한국", "한구", "letters", "none", 1 / 2),
        ("👨‍👩‍👧a", "👩a", "graphemes", "NFC", 1 / 2),
        ("a  b", "a b", "graphemes", "NFC", 1 / 3),
        ("a  b", "a b", "spaced", "NFC", 0),
        ("", "a b", "spaced", "NFC", 1),
        ("a b c", "d", "spaced", "NFC", 3),
        ("aa b", "b aa", "spaced", "NFC", 2 / 2),
        ("a", "", "graphemes", "NFC", None),
        ("", " ", "spaced", "NFC", None),
    ]
    for prediction, target, units, form, expected in cases:
        found = unit_error_rate([prediction], [target], units, form)
        assert found == expected, (prediction, target, units, form)


def test_the_unit_error_rate_is_over_all_texts_not_their_mean() -> None:
    assert unit_error_rate(["a", "abcx"], ["b", "abcd"]) == pytest.approx(2 / 5)


def test_targets_are_normalized_and_their_surplus_spaces_are_none() -> None:
    scores = score_texts(["\u00e9", "a b"], ["e\u0301", " a  b"], 1.0, units="spaced")
    assert (scores.exact_match, scores.edit_distance) == (1, 0)
    scores = score_texts(["\u00e9"], ["e\u0301"], 1.0, form="none")
    assert (scores.exact_match, scores.edit_distance) == (0, 2)


def test_without_anything_to_write_there_are_no_rates() -> None:
    scores = score_texts(["", "ab"], ["", ""], 1.0)
    assert scores == TextScores(2, 1 / 2, None, None, pytest.approx(1.0), 1.0)
