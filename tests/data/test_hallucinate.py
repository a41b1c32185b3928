"""Made-up pairs."""

import random

import pytest
import torch

from pyg_grapheme.data import (
    Example,
    PairDataset,
    UnitPair,
    Vocabulary,
    apply_edits,
    compute_edits,
    find_letters,
    hallucinate,
)


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_letters_are_what_is_a_letter_and_not_rare() -> None:
    texts = [list("aab b1"), list("ba1"), list("a1ç")]
    assert find_letters(texts, at_least=3) == ["a", "b"]
    assert find_letters(texts, at_least=1) == ["a", "b", "ç"]


@pytest.mark.parametrize("seed", range(5))
def test_stems_change_alike_and_endings_stay(seed: int) -> None:
    pair = UnitPair(tuple("gehen"), tuple("gehst"))
    source, target = hallucinate(pair, list("xyz"), share=1.0, generator=seeded(seed))
    assert source[:3] == target[:3]
    assert set(source[:3]) <= set("xyz")
    assert (source[3:], target[3:]) == (tuple("en"), tuple("st"))


def test_short_stretches_stay() -> None:
    pair = UnitPair(tuple("ab-cd"), tuple("ab+cd"))
    assert hallucinate(pair, ["x"], share=1.0) == pair
    shorter = hallucinate(pair, ["x"], share=1.0, shortest=2)
    assert shorter == UnitPair(tuple("xx-xx"), tuple("xx+xx"))


def test_the_share_is_that_of_the_units() -> None:
    pair = UnitPair(("a",) * 1000, ("a",) * 1000)
    source, target = hallucinate(pair, ["b"], share=0.3, generator=seeded())
    assert source == target
    # Four standard deviations of a binomial variable about its mean.
    assert abs(source.count("b") - 300) < 4 * (1000 * 0.3 * 0.7) ** 0.5


def test_edits_of_a_made_up_pair_are_those_of_the_real_one() -> None:
    """Where no letter that is drawn occurs in an edit, the edits are the same, place by place."""
    rng = random.Random(0)
    for _ in range(50):
        stem = "".join(rng.choice("abc") for _ in range(6))
        real = compute_edits(stem + "um", stem + "orum")
        pair = hallucinate(UnitPair(tuple(stem + "um"), tuple(stem + "orum")), list("xyz"), 1.0)
        made_up = compute_edits("".join(pair.source), "".join(pair.target))
        assert apply_edits(made_up) == "".join(pair.target)
        assert made_up.operations[:6] == real.operations[:6] == (None,) * 6


def test_a_dataset_draws_anew_each_time() -> None:
    examples = [Example("walking", "walked", ("V",)), Example("talking", "talked", ("V",))] * 2
    vocabulary = Vocabulary(sorted(set("walkedt")))
    torch.manual_seed(0)
    dataset = PairDataset(examples, vocabulary, hallucinated=1.0)
    drawn = {"".join(dataset[0].source.text) for _ in range(20)}
    assert len(drawn) > 5
    assert all(text.endswith("ing") for text in drawn)
    pair = dataset[0]
    assert pair.source.is_tag.sum() == 1
    assert [vocabulary[i] for i in pair.target.unit.tolist()] == pair.target.text
    plain = PairDataset(examples, vocabulary)
    assert plain[0].source.text == list("walking")
    assert plain[0].target.text == list("walked")
