"""The common prefix of a text and its source, against rapidfuzz; what follows a unit, by hand."""

import random

import torch
from rapidfuzz.distance import Prefix
from torch import Tensor
from torch.nn import functional as F
from torch.nn.utils.rnn import pad_sequence

from pyg_grapheme.text.model.common_prefix import CommonPrefix, common_prefixes, following_units


def pad(texts: list[str]) -> Tensor:
    """Pad by a letter, so that the padding could match."""
    rows = [torch.tensor([ord(c) for c in text], dtype=torch.long) for text in texts]
    return pad_sequence(rows, batch_first=True, padding_value=ord("a"))


def compare(sources: list[str], targets: list[str]) -> CommonPrefix:
    length = torch.tensor([len(source) for source in sources])
    return common_prefixes(length, pad(sources), pad(targets))


def test_the_common_prefix_is_that_of_the_strings() -> None:
    for seed in range(5):
        rng = random.Random(seed)
        sources, targets = (
            ["".join(rng.choice("ab") for _ in range(rng.randint(0, 7))) for _ in range(20)]
            for _ in range(2)
        )
        count, num_new = compare(sources, targets)
        assert count.shape == num_new.shape == (20, max(map(len, targets)) + 1), seed
        for b, (source, target) in enumerate(zip(sources, targets, strict=True)):
            for j in range(len(target) + 1):
                assert count[b, j] == Prefix.similarity(source, target[:j]), (source, target, j)
                assert num_new[b, j] == j - count[b, j], seed


def test_unit_by_unit_equals_all_at_once() -> None:
    rng = random.Random(0)
    sources, targets = (
        ["".join(rng.choice("ab") for _ in range(length)) for _ in range(30)] for length in (5, 8)
    )
    at_once = compare(sources, targets)
    source, target = F.pad(pad(sources), (0, 1), value=-1), pad(targets)
    zero = torch.zeros(30, dtype=torch.long)
    common = CommonPrefix(zero, zero)
    for j in range(9):
        assert torch.equal(common.length, at_once.length[:, j])
        assert torch.equal(common.num_new, at_once.num_new[:, j])
        if j < 8:
            next_one = source.gather(1, common.length[:, None])[:, 0]
            common = common.append(next_one == target[:, j])


def test_an_empty_text_has_an_empty_prefix() -> None:
    assert compare(["", "ab"], ["", ""]).length.tolist() == [[0], [0]]
    assert compare(["", ""], ["a", ""]).length.tolist() == [[0, 0], [0, 0]]
    empty = CommonPrefix(torch.zeros(2, dtype=torch.long), torch.zeros(2, dtype=torch.long))
    after = empty.append(torch.zeros(2, dtype=torch.bool))
    assert (after.length.tolist(), after.num_new.tolist()) == ([0, 0], [1, 1])


def test_the_unit_that_follows_is_behind_the_first_place_of_the_last_one() -> None:
    """In "abrunden" (a 0, b 1, r 2, u 3, n 4, d 5, e 6), and in a text with an unknown unit."""
    source = torch.tensor([[0, 1, 2, 3, 4, 5, 6, 4], [2, -1, 3, -1, -1, -1, -1, -1]])
    last = torch.tensor([[-1, 0, 4, 6, 9, 1], [-1, 2, 3, 0, 2, 3]])
    expected = [[0, 1, 5, 4, 0, 2], [2, -1, -1, 2, -1, -1]]
    assert following_units(source, last).tolist() == expected


def test_nothing_follows_in_an_empty_text() -> None:
    nothing = torch.zeros(2, 0, dtype=torch.long)
    assert following_units(nothing, torch.tensor([[-1, 3], [0, 1]])).tolist() == [[-1, -1]] * 2
