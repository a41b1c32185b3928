"""Running alignments, against rapidfuzz on every beginning."""

import random

import pytest
import torch
from rapidfuzz.distance import Levenshtein
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from pyg_grapheme.nn.running_alignment import align_prefixes, nothing_written


def pad(texts: list[str]) -> Tensor:
    rows = [torch.tensor([ord(c) for c in text], dtype=torch.long) for text in texts]
    return pad_sequence(rows, batch_first=True, padding_value=ord("a"))


def lengths(texts: list[str]) -> Tensor:
    return torch.tensor([len(text) for text in texts])


@pytest.mark.parametrize("seed", range(5))
def test_costs_are_weighted_edit_distances(seed: int) -> None:
    """Leaving a unit out costs half of what inserting or substituting one does."""
    rng = random.Random(seed)
    sources, targets = (
        ["".join(rng.choice("ab") for _ in range(rng.randint(0, 7))) for _ in range(20)]
        for _ in range(2)
    )
    aligned, since = align_prefixes(lengths(sources), pad(sources), pad(targets))
    assert aligned.shape == since.shape == (20, max(map(len, targets)) + 1)
    for b, (source, target) in enumerate(zip(sources, targets, strict=True)):
        before, astray = 0, 0
        for j in range(len(target) + 1):
            costs = [
                Levenshtein.distance(source[:i], target[:j], weights=(2, 1, 2))
                for i in range(len(source) + 1)
            ]
            assert aligned[b, j] == costs.index(min(costs)), (source, target, j)
            astray = 0 if j == 0 or min(costs) - before < 2 else astray + 1
            assert since[b, j] == astray, (source, target, j)
            before = min(costs)


def test_words_by_hand() -> None:
    sources, targets = ["abla", "katto", "nainen"], ["ablalar", "katon", "naisen"]
    aligned, since = align_prefixes(lengths(sources), pad(sources), pad(targets))
    assert aligned[0].tolist() == [0, 1, 2, 3, 4, 4, 4, 4]
    assert since[0].tolist() == [0, 0, 0, 0, 0, 1, 2, 3]
    assert aligned[1, :6].tolist() == [0, 1, 2, 3, 5, 5]
    assert since[1, :6].tolist() == [0, 0, 0, 0, 0, 1]
    assert aligned[2, :7].tolist() == [0, 1, 2, 3, 3, 5, 6]
    assert since[2, :7].tolist() == [0, 0, 0, 0, 1, 0, 0]


def test_a_longer_neighbour_changes_nothing() -> None:
    alone = align_prefixes(torch.tensor([2]), pad(["ab"]), pad(["abab"]))
    beside = align_prefixes(torch.tensor([2, 6]), pad(["ab", "bbbbbb"]), pad(["abab", "aaaa"]))
    for one, both in zip(alone, beside, strict=True):
        assert torch.equal(one[0], both[0])


def test_nothing_is_aligned_with_nothing() -> None:
    empty = nothing_written(torch.tensor([0, 0]))
    after = empty.write(torch.zeros(2, 0, dtype=torch.bool))
    assert (after.aligned.tolist(), after.since.tolist()) == ([0, 0], [1, 1])
    assert nothing_written(torch.zeros(0, dtype=torch.long)).cost.shape == (0, 1)
