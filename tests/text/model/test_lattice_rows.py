"""Rows of merged texts and where they fit, against strings cut up in Python."""

import random
from itertools import product

import torch
from torch import Tensor

from pyg_grapheme.text.model.lattice_rows import (
    distinct_rows,
    edit_rows,
    matching_runs,
    rows_that_fit,
)


def cut_up(text: str, rng: random.Random, share: float) -> list[str]:
    """Cut a text between some of its letters."""
    nodes = [text[:1]] if text else []
    for letter in text[1:]:
        if rng.random() < share:
            nodes[-1] += letter
        else:
            nodes.append(letter)
    return nodes


def draw_texts(rng: random.Random, count: int, longest: int) -> list[str]:
    """Texts of few letters, so that much fits by chance; of none and of one as well."""
    lengths = [0, 1, *(rng.randint(0, longest) for _ in range(count - 2))]
    return ["".join(rng.choice("ab") for _ in range(length)) for length in lengths]


def matches(sources: list[str], targets: list[str]) -> Tensor:
    """Which letter of its target is the same as each letter of each source: [N', M]."""
    width = max(map(len, targets))
    cells = [
        [letter == other for other in target.ljust(width)]
        for source, target in zip(sources, targets, strict=True)
        for letter in source
    ]
    return torch.tensor(cells, dtype=torch.bool).view(-1, width)


def test_rows_are_those_of_the_strings(merge_texts) -> None:
    for seed in range(8):
        rng = random.Random(seed)
        sources, targets = draw_texts(rng, 5, 9), [*draw_texts(rng, 4, 12), "abaab"]
        # Several cuts of each text, as the pool's expectation has them.
        text = [number for number in range(5) for _ in range(rng.randint(1, 3))]
        nodes = [cut_up(sources[number], rng, rng.random()) for number in text]
        pooled = merge_texts([[len(node) for node in cut] for cut in nodes])
        end = torch.randn(5, 3, generator=torch.Generator().manual_seed(seed), dtype=torch.double)
        rows = edit_rows(pooled.x, pooled, end, torch.tensor(text))
        # Every copy of a text looks up what fits in the text itself.
        starts = [sum(map(len, sources[:number])) for number in range(5)]
        node = [start + k for t in text for start in [starts[t]] for k in range(len(sources[t]))]
        fitting = matching_runs(matches(sources, targets)), torch.tensor(node, dtype=torch.long)
        fits = rows_that_fit(rows, *fitting).tolist()
        distinct, index = distinct_rows(rows)
        assert rows_that_fit(distinct, *fitting)[index].tolist() == fits, seed

        width = max(map(len, targets))
        row = node_number = first = 0
        for number, cut in zip(text, nodes, strict=True):
            written = ""
            for node in [*cut, ""]:
                expected_x = pooled.x[node_number] if node else end[number]
                assert torch.equal(rows.x[row], expected_x), seed
                assert rows.text[row] == number, seed
                assert rows.size[row] == len(node), seed
                assert rows.start[row] == len(written), seed
                assert rows.first[row] == first, seed
                target = targets[number]
                expected = [bool(node) and target[j:].startswith(node) for j in range(width + 1)]
                assert fits[row] == expected, (node, target)
                node_number += bool(node)
                row, first, written = row + 1, first + len(node), written + node
        assert rows.length.tolist() == [len(cut) + 1 for cut in nodes], seed
        assert len(rows.x) == row, seed
        assert any(map(any, fits)), seed


def test_repeated_letters_fit_wherever_they_are_repeated(merge_texts) -> None:
    rows = edit_rows(torch.zeros(2, 3), merge_texts([[2, 1]]), torch.zeros(1, 3), torch.tensor([0]))
    fits = rows_that_fit(rows, matching_runs(matches(["aaa"], ["aabaaa"])), torch.arange(3))
    expected = ["x..xx..", "xx.xxx.", "......."]
    assert fits.tolist() == [[mark == "x" for mark in row] for row in expected]


def test_runs_are_as_long_as_texts_go_on_alike() -> None:
    for seed in range(6):
        rng = random.Random(seed)
        shape = rng.randint(0, 20), rng.randint(1, 20)
        same = [[rng.random() < 0.9 for _ in range(shape[1])] for _ in range(shape[0])]

        expected = [[0] * (shape[1] + 1) for _ in range(shape[0] + 1)]
        for i, j in product(reversed(range(shape[0])), reversed(range(shape[1]))):
            expected[i][j] = 1 + expected[i + 1][j + 1] if same[i][j] else 0
        expected.pop()
        found = matching_runs(torch.tensor(same, dtype=torch.bool).view(shape))
        assert found.tolist() == expected, seed


def test_no_target_is_long_enough_for_anything(merge_texts) -> None:
    rows = edit_rows(torch.zeros(2, 3), merge_texts([[2, 1]]), torch.zeros(1, 3), torch.tensor([0]))
    fits = rows_that_fit(rows, matching_runs(torch.zeros(3, 0, dtype=torch.bool)), torch.arange(3))
    assert fits.tolist() == [[False]] * 3


def test_features_of_nodes_and_ends_have_gradients(merge_texts) -> None:
    pooled = merge_texts([[1, 2], [], [3]])
    end = torch.randn(2, 3, dtype=torch.double, requires_grad=True)
    x = pooled.x.clone().requires_grad_()
    text = torch.tensor([0, 0, 1])

    def features(x: Tensor, end: Tensor) -> Tensor:
        return edit_rows(x, pooled, end, text).x

    assert torch.autograd.gradcheck(features, (x, end))


def test_rows_that_differ_are_there_once(merge_texts) -> None:
    for seed in range(8):
        rng = random.Random(seed)
        sources = draw_texts(rng, 3, 9)
        text = [number for number in range(3) for _ in range(4)]
        cuts = [cut_up(sources[number], rng, rng.random()) for number in text]
        pooled = merge_texts([[len(node) for node in cut] for cut in cuts])
        rows = edit_rows(
            pooled.x, pooled, torch.zeros(3, 3, dtype=torch.double), torch.tensor(text)
        )
        distinct, index = distinct_rows(rows)
        stretches = list(zip(*(rows[k].tolist() for k in (1, 2, 3)), strict=True))
        kept = list(zip(*(distinct[k].tolist() for k in (1, 2, 3)), strict=True))
        assert len(kept) == len(set(kept)) == len(set(stretches)), seed
        assert [kept[k] for k in index.tolist()] == stretches, seed
        for k, stretch in enumerate(kept):
            assert torch.equal(distinct.x[k], rows.x[stretches.index(stretch)]), seed
