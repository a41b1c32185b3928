"""The likelihood of a target, against enumeration of every sequence of edits."""

import math
from collections.abc import Iterator
from itertools import product
from typing import NamedTuple

import pytest
import torch
from torch import Tensor

from pyg_grapheme.text.model import edit_lattice
from pyg_grapheme.text.model.edit_decoder import INSERT, EditDecoder
from pyg_grapheme.text.model.edit_lattice import (
    IMPOSSIBLE,
    EditScores,
    edit_log_likelihood,
    shared_log_likelihood,
)
from pyg_grapheme.text.model.lattice_rows import edit_rows, matching_runs, rows_that_fit

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
    scores.keep[size == 0] = IMPOSSIBLE
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
    after = [("delete", j), ("keep", j + sizes[i]), ("substitute", j + 1)]
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
    """Of n units that are kept, deleted or replaced and k that are written: Delannoy's numbers.

    Here a step that moves on in both texts is there twice, as keeping and as substituting:
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


def test_lattices_do_not_see_each_other() -> None:
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


def test_what_is_to_be_ignored_is() -> None:
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

    keep = lattices.scores.keep.masked_fill(lattices.scores.keep < -10, -10.0)
    values = [v.requires_grad_() for v in lattices.scores._replace(keep=keep)]
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
    delete, keep, substitute, insert = logits.log_softmax(-1).unbind(-1)
    keep = torch.where(torch.rand(shape[:2], generator=generator) < 0.3, keep, IMPOSSIBLE)
    keep[-1] = IMPOSSIBLE
    sizes = torch.tensor([1] * size + [0])
    scores = EditScores(delete, keep, substitute - 3, insert - 3)
    return Lattices(scores, sizes, torch.tensor([size + 1]), torch.tensor([size]))


def add(*logarithms: float) -> float:
    largest = max(logarithms)
    return largest + math.log(sum(math.exp(value - largest) for value in logarithms))


def test_a_long_text_equals_a_loop_over_its_cells() -> None:
    size = 300
    lattices = long_text(size)
    delete, keep, substitute, insert = (score.tolist() for score in lattices.scores)
    above = [IMPOSSIBLE] * (size + 1)
    for i in range(size + 1):
        here = above[:] if i else [0.0, *above[1:]]
        for j in range(1, size + 1):
            here[j] = add(here[j], here[j - 1] + insert[i][j - 1])
        above = [
            add(
                here[j] + delete[i][j],
                here[j - 1] + keep[i][j - 1] if j else IMPOSSIBLE,
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


def test_the_targets_of_a_decoder_sum_to_one(merge_texts) -> None:
    """Over all targets of two units, up to a length that inserting hardly ever goes beyond."""
    torch.manual_seed(0)
    source, sizes = [0, 1, 1, 0], [1, 2, 1]
    targets = [t for length in range(7) for t in product((0, 1), repeat=length)]
    decoder = EditDecoder(3, 4, vocabulary_size=2, hidden=8).double().eval()
    with torch.no_grad():
        decoder.operation.bias[INSERT] = -8.0
    padded = torch.tensor([[*target, *[-1] * (6 - len(target))] for target in targets])
    embedded = torch.randn(3, 4, dtype=torch.double)[padded]
    context = torch.randn(1, 1, 4, dtype=torch.double).expand(len(targets), padded.size(1) + 1, -1)
    pooled = merge_texts([sizes] * len(targets))
    # The same source in front of every target.
    end = torch.randn(1, 3, dtype=torch.double).expand(len(targets), -1)
    x = pooled.x[: len(sizes)].repeat(len(targets), 1)
    rows = edit_rows(x, pooled, end)
    unit = torch.tensor(source).repeat(len(targets))
    runs = matching_runs(unit[:, None] == padded.repeat_interleave(len(source), dim=0))
    with torch.no_grad():
        written = decoder.read(embedded, torch.ones_like(padded), context).state
        scores = decoder(rows, written, padded, rows_that_fit(rows, runs))
        length = torch.tensor([len(target) for target in targets])
        probability = edit_log_likelihood(scores, rows.size, rows.length, length).exp()
    assert probability.sum().item() == pytest.approx(1.0, abs=1e-5)
    assert probability.max() < 0.9
