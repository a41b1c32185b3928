"""The likelihood of a target, against enumeration of every sequence of edits."""

import math
from collections.abc import Iterator
from itertools import product
from typing import NamedTuple

import pytest
import torch
from torch import Tensor

from pyg_grapheme.text.model import edit_decoder, edit_lattice
from pyg_grapheme.text.model.edit_decoder import INSERT
from pyg_grapheme.text.model.edit_lattice import (
    IMPOSSIBLE,
    EditScores,
    edit_log_likelihood,
    shared_log_likelihood,
)

SIZES = [(1, 2, 1), (), (3,), (2, 1), (1, 1, 3), (1,), ()]
LENGTHS = [4, 2, 3, 0, 4, 1, 0]


class Lattices(NamedTuple):
    """Arguments of ``edit_log_likelihood``."""

    scores: EditScores
    size: Tensor
    rows: Tensor
    length: Tensor


def draw(
    sizes: list[tuple[int, ...]], lengths: list[int], seed: int = 0, impossible: float = 0.0
) -> Lattices:
    """Random log-probabilities, some of them impossible, for sources of nodes of given sizes."""
    generator = torch.Generator().manual_seed(seed)
    size = torch.tensor([s for nodes in sizes for s in (*nodes, 0)])
    shape = (4, size.numel(), max(lengths) + 1)
    values = -3 * torch.rand(shape, generator=generator, dtype=torch.double)
    values[torch.rand(shape, generator=generator) < impossible] = IMPOSSIBLE
    scores = EditScores(*values)
    scores.copy[size == 0] = IMPOSSIBLE
    rows = torch.tensor([len(nodes) + 1 for nodes in sizes])
    return Lattices(scores, size, rows, torch.tensor(lengths))


Edit = tuple[str, int, int]
"""What happens, in which row, at which column."""


def sequences(sizes: list[int], length: int, i: int = 0, j: int = 0) -> Iterator[list[Edit]]:
    """All sequences of edits that write ``length`` units; the last size is that of the end."""
    at_end = i == len(sizes) - 1
    if j < length:
        yield from ([("insert", i, j), *rest] for rest in sequences(sizes, length, i, j + 1))
    if at_end:
        if j == length:
            yield [("delete", i, j)]
        return
    after = [("delete", j), ("copy", j + sizes[i]), ("substitute", j + 1)]
    for name, column in after:
        if column <= length:
            yield from ([(name, i, j), *rest] for rest in sequences(sizes, length, i + 1, column))


def enumerate_lattice(lattices: Lattices, number: int) -> tuple[float, dict[Edit, float]]:
    """Probability of one lattice's target, and that of passing each edit on the way to it."""
    first = int(lattices.rows[:number].sum())
    sizes = lattices.size[first : first + int(lattices.rows[number])].tolist()
    values = {name: score.tolist() for name, score in lattices.scores._asdict().items()}
    total, passing = 0.0, dict[Edit, float]()
    for edits in sequences(sizes, int(lattices.length[number])):
        probability = math.exp(sum(values[name][first + i][j] for name, i, j in edits))
        total += probability
        for name, i, j in edits:
            edit = name, first + i, j
            passing[edit] = passing.get(edit, 0.0) + probability
    return total, passing


def test_sequences_are_all_there() -> None:
    """Of n units that are copied, deleted or replaced and k that are written: Delannoy's numbers.

    Here a step that moves on in both texts is there twice, as copying and as substituting:
    a(n, k) = a(n - 1, k) + a(n, k - 1) + 2 a(n - 1, k - 1), 1 at the sides.
    """
    counted = [[len(list(sequences([1] * n + [0], k))) for k in range(4)] for n in range(4)]
    assert counted == [[1, 1, 1, 1], [1, 4, 7, 10], [1, 7, 22, 46], [1, 10, 46, 136]]


@pytest.mark.parametrize("impossible", [0.0, 0.3])
def test_equals_the_sum_over_all_sequences(impossible: float) -> None:
    for seed in range(3):
        lattices = draw(SIZES, LENGTHS, seed, impossible)
        found = edit_log_likelihood(*lattices)
        expected = [enumerate_lattice(lattices, number)[0] for number in range(len(SIZES))]
        torch.testing.assert_close(
            found.exp(), torch.tensor(expected, dtype=torch.double), rtol=1e-9, atol=0
        )
        assert sum(value > 0 for value in expected) >= 2, seed


def test_lattices_do_not_depend_on_each_other() -> None:
    together = edit_log_likelihood(*draw(SIZES, LENGTHS))
    lattices = draw(SIZES, LENGTHS)
    first = 0
    for number, rows in enumerate(lattices.rows.tolist()):
        mine = slice(first, first + rows)
        alone = edit_log_likelihood(
            EditScores(*(score[mine] for score in lattices.scores)),
            lattices.size[mine],
            lattices.rows[number : number + 1],
            lattices.length[number : number + 1],
        )
        torch.testing.assert_close(alone[0], together[number], rtol=1e-12, atol=0)
        first += rows


def test_what_is_to_be_ignored_is_ignored() -> None:
    lattices = draw(SIZES, LENGTHS)
    expected = edit_log_likelihood(*lattices)
    for name in ("substitute", "insert"):
        getattr(lattices.scores, name)[:, -1] = 7.0
    lattices.scores.substitute[lattices.size == 0] = 7.0
    assert torch.equal(edit_log_likelihood(*lattices), expected)


@pytest.mark.parametrize("impossible", [0.0, 0.3])
def test_the_gradient_is_the_posterior_of_each_edit(impossible: float) -> None:
    lattices = draw(SIZES, LENGTHS, 1, impossible)
    values = EditScores(*(score.requires_grad_() for score in lattices.scores))
    found = edit_log_likelihood(values, *lattices[1:])
    expected = {name: torch.zeros_like(score) for name, score in values._asdict().items()}
    possible = torch.zeros_like(found)
    for number in range(len(SIZES)):
        total, passing = enumerate_lattice(
            lattices._replace(scores=EditScores(*(v.detach() for v in values))), number
        )
        possible[number] = total > 0
        for (name, i, j), probability in passing.items():
            expected[name][i, j] = probability / total if total else 0.0
    gradients = torch.autograd.grad((found * possible).sum(), values)
    assert possible.sum() >= 2
    for name, gradient in zip(EditScores._fields, gradients, strict=True):
        torch.testing.assert_close(gradient, expected[name], rtol=1e-9, atol=1e-10)


def test_gradcheck() -> None:
    lattices = draw([(1, 2), (), (3, 1)], [3, 2, 1])

    def likelihood(*values: Tensor) -> Tensor:
        return edit_log_likelihood(EditScores(*values), *lattices[1:])

    copy = lattices.scores.copy.masked_fill(lattices.scores.copy < -10, -10.0)
    values = [v.requires_grad_() for v in lattices.scores._replace(copy=copy)]
    assert torch.autograd.gradcheck(likelihood, values, rtol=1e-6, atol=1e-8)


def test_impossible_targets_have_neither_nan_nor_a_probability() -> None:
    lattices = draw([(1, 1), (2,), ()], [2, 3, 1])
    values = [torch.full_like(score, IMPOSSIBLE).requires_grad_() for score in lattices.scores]
    found = edit_log_likelihood(EditScores(*values), *lattices[1:])
    assert bool((found < -1e6).all())
    assert all(torch.isfinite(g).all() for g in torch.autograd.grad(found.sum(), values))
    # A text without end: whatever else may happen, nothing is ever written.
    scores = lattices.scores._replace(delete=torch.full_like(values[0], IMPOSSIBLE).detach())
    assert bool((edit_log_likelihood(scores, *lattices[1:]).exp() == 0).all())


def long_text(size: int, seed: int = 0) -> Lattices:
    """One long lattice as a decoder would score it: what may happen sums to one."""
    generator = torch.Generator().manual_seed(seed)
    shape = (size + 1, size + 1, 4)
    logits = 4 * torch.randn(shape, generator=generator, dtype=torch.double)
    delete, copy, substitute, insert = logits.log_softmax(-1).unbind(-1)
    copy = torch.where(torch.rand(shape[:2], generator=generator) < 0.3, copy, IMPOSSIBLE)
    copy[-1] = IMPOSSIBLE
    sizes = torch.tensor([1] * size + [0])
    scores = EditScores(delete, copy, substitute - 3, insert - 3)
    return Lattices(scores, sizes, torch.tensor([size + 1]), torch.tensor([size]))


def add(*logarithms: float) -> float:
    largest = max(logarithms)
    return largest + math.log(sum(math.exp(value - largest) for value in logarithms))


def test_a_long_text_equals_a_loop_over_its_cells() -> None:
    size = 300
    lattices = long_text(size)
    delete, copy, substitute, insert = (score.tolist() for score in lattices.scores)
    above = [IMPOSSIBLE] * (size + 1)
    for i in range(size + 1):
        here = above[:] if i else [0.0, *above[1:]]
        for j in range(1, size + 1):
            here[j] = add(here[j], here[j - 1] + insert[i][j - 1])
        above = [
            add(
                here[j] + delete[i][j],
                here[j - 1] + copy[i][j - 1] if j else IMPOSSIBLE,
                here[j - 1] + substitute[i][j - 1] if j else IMPOSSIBLE,
            )
            for j in range(size + 1)
        ]
    expected = here[size] + delete[size][size]
    assert edit_log_likelihood(*lattices).item() == pytest.approx(expected, rel=1e-10)


def test_float32_is_close_to_float64_on_a_long_text() -> None:
    lattices = long_text(300)
    gradients, found = [], []
    for dtype in (torch.float32, torch.float64):
        values = [score.to(dtype).requires_grad_() for score in lattices.scores]
        found.append(edit_log_likelihood(EditScores(*values), *lattices[1:]))
        assert found[-1].dtype == dtype
        gradients.append(torch.cat(torch.autograd.grad(found[-1], values)))
    torch.testing.assert_close(found[0].double(), found[1], rtol=1e-6, atol=0)
    torch.testing.assert_close(gradients[0].double(), gradients[1], rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize("cells", [2**24, 30, 1])
def test_shared_rows_equal_copies_of_them(monkeypatch: pytest.MonkeyPatch, cells: int) -> None:
    monkeypatch.setattr(edit_lattice, "_CELLS", cells)
    lattices = draw(SIZES, LENGTHS)
    # Some lattices twice, in another order, and scores that no lattice has.
    first = lattices.rows.cumsum(0) - lattices.rows
    chosen = [4, 0, 3, 4, 6, 1, 2, 2]
    held = [torch.arange(int(first[i]), int(first[i] + lattices.rows[i])) for i in chosen]
    shuffled = torch.randperm(lattices.size.numel() + 3, generator=torch.Generator().manual_seed(1))
    place = torch.cat(held)
    number = shuffled[place]
    unique = [torch.zeros(len(shuffled), v.size(1), dtype=v.dtype) for v in lattices.scores]
    for own, values in zip(unique, lattices.scores, strict=True):
        own[shuffled[: lattices.size.numel()]] = values
        own.requires_grad_()
    size, rows, length = lattices.size[place], lattices.rows[chosen], lattices.length[chosen]
    weight = torch.arange(1.0, len(chosen) + 1, dtype=torch.double)

    found = shared_log_likelihood(EditScores(*unique), number, size, rows, length)
    gradient = torch.autograd.grad((found * weight).sum(), unique)
    copies = EditScores(*(values[number] for values in unique))
    expected = edit_log_likelihood(copies, size, rows, length)

    assert torch.equal(found, expected)
    for mine, other in zip(
        gradient, torch.autograd.grad((expected * weight).sum(), unique), strict=True
    ):
        assert other.abs().sum() > 0
        torch.testing.assert_close(mine, other)


TEXTS = ["abc", "Aa", "", "baB", "zA", "aba1", "ß"]
NODES = [(2, 1), (1, 1), (), (2, 1), (2,), (1, 2, 1), (1,)]
VOCABULARY = "Aab"
TARGETS = [
    ["Abc", "aA", "a", "Bab", "ZA", "AbA1", "ß"],
    ["A", "aa", "", "BaB", "zA", "aba", "a"],
    ["abbc", "", "Ab", "bab", "bAb", "AbaA", ""],
    [""] * 7,
]
"""Targets of each text. Units that the vocabulary lacks can be copied only, such as "ß" and "Z"."""


@torch.no_grad()
@pytest.mark.parametrize("map_case", [True, False])
def test_the_likelihood_of_a_text_is_the_sum_over_all_edits(draw_task, map_case: bool) -> None:
    for seed, targets in enumerate(TARGETS):
        task = draw_task(TEXTS, NODES, VOCABULARY, seed, map_case)
        found = task.log_likelihood(targets)
        for number, target in enumerate(targets):
            outputs = task.enumerate_outputs(number, len(target), tuple(target))
            expected = math.log(outputs[tuple(target)])
            assert found[number].item() == pytest.approx(expected, rel=1e-9), target


SCRIPTS = {
    "Arabic with marks": ("\u0645\u064f\u062d", "\u0645\u064e\u062d\u0651"),
    "Hebrew with points": ("\u05e9\u05c1\u05b8", "\u05e9\u05b6\u05dc"),
    "Devanagari": ("\u0915\u093f\u0924", "\u0915\u0940"),
    "Hangul": ("\u1112\u1161\u11ab", "\u1112\u1165\u11ab"),
    "Thai": ("\u0e19\u0e49\u0e33", "\u0e19\u0e48\u0e33\u0e19"),
    "an emoji of several": ("👩\u200d🚀", "👨\u200d🚀"),
    "accents in another order": ("o\u0323\u0302", "O\u0302\u0323"),
    "right to left": ("\u202eאb", "ב\u202c"),
    "beyond the first plane": ("𐐨𝄞𐐨", "𐐀𝄞𐐨"),
    "Greek with a mark below": ("\u0391\u0345σ", "\u03b1\u0399ς"),
}
"""A text and a target, as code points. The vocabulary has every second one of the target."""


@torch.no_grad()
@pytest.mark.parametrize("sizes", [(1, 1, 1), (2, 1)], ids=str)
def test_the_likelihood_is_the_sum_in_any_script(draw_task, sizes: tuple[int, ...]) -> None:
    texts, targets = zip(*SCRIPTS.values(), strict=True)
    vocabulary = sorted({unit for target in targets for unit in target[::2]})
    task = draw_task(texts, [sizes] * len(texts), vocabulary)
    found = task.log_likelihood(targets)
    for number, (name, target) in enumerate(zip(SCRIPTS, targets, strict=True)):
        outputs = task.enumerate_outputs(number, len(target), tuple(target))
        expected = math.log(outputs[tuple(target)])
        assert found[number].item() == pytest.approx(expected, rel=1e-9), name


@torch.no_grad()
def test_edits_that_write_the_same_are_summed(draw_task) -> None:
    """By hand: "a" becomes "A" by its upper case, by substitution, or by insertion and deletion."""
    task = draw_task(["a"], [(1,)], VOCABULARY)
    start, behind, end = (
        task.edit_probabilities(0, row, written) for row, written in ((0, ()), (0, "A"), (1, "A"))
    )
    at_end = task.edit_probabilities(0, 1, ())
    delete = edit_decoder.DELETE, ""
    mapped = start[edit_decoder.UPPER, ""] + start[edit_decoder.SUBSTITUTE, "A"]
    inserted = start[INSERT, "A"] * behind[delete]
    appended = start[delete] * at_end[INSERT, "A"]
    expected = (mapped + inserted + appended) * end[delete]
    assert task.log_likelihood(["A"]).exp().item() == pytest.approx(expected, rel=1e-9)


def test_gradcheck_through_the_decoder(draw_task) -> None:
    """In the features of the nodes, and in parameters of each part of the decoder."""
    task = draw_task(["ab", "Aba", ""], [(2,), (1, 2), ()], VOCABULARY, scale=1.0)
    names = ["operation.bias", "unit.weight", "distance.weight", "new_reader.weight_ih_l0"]
    parameters = dict(task.net.decoder.named_parameters())

    class Likelihood(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.net = task.net

        def forward(self, x: Tensor) -> Tensor:
            likelihood: Tensor = task._replace(rows=task.rows._replace(x=x)).log_likelihood(
                ["Ab", "aa", "b"]
            )
            return likelihood

    def likelihood(x: Tensor, *values: Tensor) -> Tensor:
        named = {f"net.decoder.{name}": value for name, value in zip(names, values, strict=True)}
        found: Tensor = torch.func.functional_call(Likelihood(), named, (x,))
        return found

    inputs = [task.rows.x, *(parameters[name] for name in names)]
    inputs = [value.detach().clone().requires_grad_() for value in inputs]
    assert all(bool(g.any()) for g in torch.autograd.grad(likelihood(*inputs).sum(), inputs))
    assert torch.autograd.gradcheck(likelihood, inputs)


@torch.no_grad()
def test_the_probabilities_of_all_targets_sum_to_one(draw_task) -> None:
    """Over targets up to a length that inserting hardly ever goes beyond."""
    targets = [target for length in range(7) for target in product("aAb", repeat=length)]
    count = len(targets)
    task = draw_task(["abA"] * count, [(2, 1)] * count, VOCABULARY, scale=1.0)
    task.net.decoder.operation.bias[INSERT] = -8.0
    # The same text in front of every target.
    rows = task.rows._replace(x=task.rows.x[:3].repeat(count, 1))
    task = task._replace(rows=rows, context=task.context[:1].expand(count, -1))
    probability = task.log_likelihood(targets).exp()
    assert probability.sum().item() == pytest.approx(1.0, abs=1e-5)
    assert probability.max() < 0.9
