"""How far texts begin alike, against rapidfuzz."""

import random

import torch
from rapidfuzz.distance import Prefix
from torch import Tensor
from torch.nn import functional as F
from torch.nn.utils.rnn import pad_sequence

from pyg_grapheme.text.model.common_prefix import CommonStart, common_starts


def pad(texts: list[str]) -> Tensor:
    """What is behind the end looks like a letter."""
    rows = [torch.tensor([ord(c) for c in text], dtype=torch.long) for text in texts]
    return pad_sequence(rows, batch_first=True, padding_value=ord("a"))


def compare(sources: list[str], targets: list[str]) -> CommonStart:
    length = torch.tensor([len(source) for source in sources])
    return common_starts(length, pad(sources), pad(targets))


def test_it_is_what_the_strings_have_in_common() -> None:
    for seed in range(5):
        rng = random.Random(seed)
        sources, targets = (
            ["".join(rng.choice("ab") for _ in range(rng.randint(0, 7))) for _ in range(20)]
            for _ in range(2)
        )
        count, since = compare(sources, targets)
        assert count.shape == since.shape == (20, max(map(len, targets)) + 1), seed
        for b, (source, target) in enumerate(zip(sources, targets, strict=True)):
            for j in range(len(target) + 1):
                assert count[b, j] == Prefix.similarity(source, target[:j]), (source, target, j)
                assert since[b, j] == j - count[b, j], seed


def test_unit_by_unit_is_all_at_once() -> None:
    rng = random.Random(0)
    sources, targets = (
        ["".join(rng.choice("ab") for _ in range(length)) for _ in range(30)] for length in (5, 8)
    )
    at_once = compare(sources, targets)
    source, target = F.pad(pad(sources), (0, 1), value=-1), pad(targets)
    zero = torch.zeros(30, dtype=torch.long)
    common = CommonStart(zero, zero)
    for j in range(9):
        assert torch.equal(common.units, at_once.units[:, j])
        assert torch.equal(common.since, at_once.since[:, j])
        if j < 8:
            next_one = source.gather(1, common.units[:, None])[:, 0]
            common = common.write(next_one == target[:, j])


def test_nothing_has_nothing_in_common() -> None:
    assert compare(["", "ab"], ["", ""]).units.tolist() == [[0], [0]]
    assert compare(["", ""], ["a", ""]).units.tolist() == [[0, 0], [0, 0]]
    empty = CommonStart(torch.zeros(2, dtype=torch.long), torch.zeros(2, dtype=torch.long))
    after = empty.write(torch.zeros(2, dtype=torch.bool))
    assert (after.units.tolist(), after.since.tolist()) == ([0, 0], [1, 1])
