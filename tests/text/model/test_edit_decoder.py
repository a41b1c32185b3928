"""Probabilities of edits: what they sum to, and one at a time as all at once."""

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from pyg_grapheme.text.model import edit_decoder
from pyg_grapheme.text.model.edit_decoder import (
    DELETE,
    INSERT,
    KEEP,
    LOWER,
    SUBSTITUTE,
    UNKNOWN_LOG_PROBABILITY,
    UPPER,
    EditDecoder,
    PrefixState,
)
from pyg_grapheme.text.model.edit_lattice import EditScores
from pyg_grapheme.text.model.lattice_rows import LatticeRows, lattice_rows

CHANNELS, EMBEDDED, VOCABULARY, HIDDEN = 3, 4, 5, 6

CASE = [(7, -1), (-1, -1), (-1, 0), (3, 3), (5, 6), (-1, -1), (-1, 8)]
"""Labels of the first unit of each row in upper and in lower case; ends have none that counts."""

ALLOWED = {
    0: {DELETE, SUBSTITUTE, INSERT, KEEP, UPPER},
    1: {DELETE, SUBSTITUTE, INSERT, KEEP},
    2: {DELETE, SUBSTITUTE, INSERT, KEEP, LOWER},
    3: {DELETE, INSERT},
    4: {DELETE, SUBSTITUTE, INSERT, KEEP, UPPER, LOWER},
    5: {DELETE, INSERT},
    6: {DELETE, INSERT},
}
"""What is possible in each row."""

FIRST = [0, 2, -1, -1, 4, -1, -1]
"""Index in the vocabulary of the first unit of each row; the ends have none, nor has one node."""


@pytest.fixture
def decoder() -> EditDecoder:
    torch.manual_seed(0)
    return EditDecoder(CHANNELS, EMBEDDED, VOCABULARY, HIDDEN, max_distance=2).double().eval()


@pytest.fixture
def rows(merge_texts) -> LatticeRows:
    """Of two merges of one text, and of one without a node."""
    pooled = merge_texts([[1, 2, 1], [4], []], CHANNELS)
    text = torch.tensor([0, 0, 1])
    end = torch.randn(2, CHANNELS, dtype=torch.double)
    rows = lattice_rows(pooled.x, pooled, end[text])
    return rows._replace(text=text[rows.text])


def draw(count: int, length: int) -> tuple[Tensor, Tensor, Tensor]:
    """Draw embedded units of some texts, how many are new up to each, and the context of each step.

    The first text begins with a unit of its source.
    """
    generator = torch.Generator().manual_seed(1)
    units = torch.randn(count, length, EMBEDDED, generator=generator, dtype=torch.double)
    context = torch.randn(count, length + 1, EMBEDDED, generator=generator, dtype=torch.double)
    num_new = torch.arange(length) + torch.arange(count)[:, None]
    return units, num_new, context


def allow(decoder: EditDecoder, rows: LatticeRows) -> Tensor:
    return decoder.allowed_operations(rows.size > 0, torch.tensor(CASE))


def repeat(target: Tensor) -> Tensor:
    """Return the last unit of each prefix, and one that may follow it in a source."""
    last = F.pad(target, (1, 0), value=-1)
    return torch.stack([last, torch.where(last == 2, -1, (last + 2) % VOCABULARY)], dim=2)


def score(
    decoder: EditDecoder, rows: LatticeRows, target: Tensor, copies: Tensor | bool = True
) -> EditScores:
    prefix = decoder.encode_prefix(*draw(*target.shape)).state
    fits = torch.as_tensor(copies).expand(rows.size.numel(), target.size(1) + 1, 3)
    allowed, first = allow(decoder, rows), torch.tensor(FIRST)
    return decoder(rows, prefix, target, repeat(target), fits, allowed, first)


@torch.no_grad()
def test_a_prefix_encoded_at_once_equals_one_encoded_unit_by_unit(decoder: EditDecoder) -> None:
    units, num_new, context = draw(3, 4)
    whole = decoder.encode_prefix(units, num_new, context)
    assert whole.state.shape == (3, 5, HIDDEN)
    part: PrefixState = decoder.encode_prefix(units[:, :0], num_new[:, :0], context[:, :1])
    states = [part.state]
    for j in range(4):
        here, behind = slice(j, j + 1), slice(j + 1, j + 2)
        step = units[:, here], num_new[:, here], context[:, behind]
        part = decoder.encode_prefix(*step, part.memory)
        assert part.state.shape == (3, 1, HIDDEN)
        states.append(part.state)
    torch.testing.assert_close(torch.cat(states, dim=1), whole.state)
    for one, all_at_once in zip(part.memory, whole.memory, strict=True):
        torch.testing.assert_close(one, all_at_once)


@torch.no_grad()
def test_half_precision_is_scored_in_single(decoder: EditDecoder, rows: LatticeRows) -> None:
    target = torch.tensor([[0, 1, 2], [4, 3, -1]])
    prefix = decoder.encode_prefix(*draw(2, 3)).state
    fits, allowed = torch.ones(7, 4, 3, dtype=torch.bool), allow(decoder, rows)
    others = (target, repeat(target), fits, allowed, torch.tensor(FIRST))
    exact = decoder(rows, prefix, *others)
    half = decoder.half()(rows._replace(x=rows.x.half()), prefix.half(), *others)
    for found, expected in zip(half, exact, strict=True):
        assert found.dtype == torch.float32
        torch.testing.assert_close(found.double(), expected, rtol=1e-2, atol=1e-2)


@torch.no_grad()
def test_a_state_depends_on_what_is_before_it_and_nothing_else(decoder: EditDecoder) -> None:
    units, num_new, context = draw(2, 4)
    before = decoder.encode_prefix(units, num_new, context).state
    units[0, 2] += 1.0
    after = decoder.encode_prefix(units, num_new, context).state
    same = torch.isclose(before, after).all(dim=2).tolist()
    assert same == [[True, True, True, False, False], [True] * 5]
    context[1, 1:] += 1.0
    tagged = decoder.encode_prefix(units, num_new, context).state
    expected = [[True] * 5, [True, False, False, False, False]]
    assert torch.isclose(after, tagged).all(dim=2).tolist() == expected


@torch.no_grad()
def test_one_network_does_not_read_the_common_prefix(decoder: EditDecoder) -> None:
    units, num_new, context = draw(2, 4)
    assert num_new[:, 0].tolist() == [0, 1]
    before = decoder.encode_prefix(units, num_new, context)
    units[:, 0] += 1.0
    after = decoder.encode_prefix(units, num_new, context)
    assert not torch.isclose(before.memory.hidden, after.memory.hidden).any()
    same = torch.isclose(before.memory.new_hidden, after.memory.new_hidden).all(dim=2)
    assert same.tolist() == [[True, False]]


class WholeFeatures(nn.Identity):
    """Dropout that drops no feature, whatever its probability."""

    def __init__(self, p: float) -> None:
        super().__init__()
        self.p = p


def drop_reader(p: float) -> EditDecoder:
    torch.manual_seed(0)
    decoder = EditDecoder(CHANNELS, EMBEDDED, VOCABULARY, HIDDEN).double()
    decoder.dropout = WholeFeatures(p)
    return decoder


@torch.no_grad()
@pytest.mark.parametrize(("p", "is_read"), [(0.0, True), (1.0, False)])
def test_only_the_reader_of_every_unit_is_dropped_in_training(p: float, is_read: bool) -> None:
    decoder = drop_reader(p)
    units, num_new, context = draw(2, 4)
    for change, expected in ((units[0, 0], is_read), (units[0, 1], True)):
        decoder.train()
        before, tested = (
            decoder.train(mode).encode_prefix(units, num_new, context) for mode in (True, False)
        )
        change += 1.0
        after, told = (
            decoder.train(mode).encode_prefix(units, num_new, context) for mode in (True, False)
        )
        assert torch.allclose(before.state[0], after.state[0]) != expected
        assert not torch.allclose(tested.state[0], told.state[0])


@torch.no_grad()
def test_that_reader_is_dropped_with_the_probability() -> None:
    decoder = drop_reader(0.3)
    units, num_new, context = (values[:1].expand(400, *values.shape[1:]) for values in draw(1, 2))
    state = decoder.train().encode_prefix(units, num_new, context).state[:, 1]
    whole = decoder.eval().encode_prefix(units[:1], num_new[:1], context[:1]).state[:, 1]
    share = torch.isclose(state, whole).all(dim=1).double().mean().item()
    assert share == pytest.approx(0.7, abs=0.08)


@torch.no_grad()
def test_the_context_adds_two_counts_to_the_tags(decoder: EditDecoder) -> None:
    """3 or more remaining units count as 3, and 2 or more new ones as ``max_distance``, 2."""
    tags = torch.randn(1, EMBEDDED, dtype=torch.double)
    remaining, num_new = torch.tensor([[0, 1, 2, 3, 9]]), torch.tensor([[5, 2, 1, 0, 0]])
    context = decoder.decoder_context(tags, remaining, num_new)
    for j, (r, n) in enumerate([(0, 2), (1, 2), (2, 1), (3, 0), (3, 0)]):
        expected = tags + decoder.remaining.weight[r] + decoder.num_new.weight[n]
        torch.testing.assert_close(context[:, j], expected)


def test_allowed_operations_depend_on_the_node_and_its_case(
    decoder: EditDecoder, rows: LatticeRows
) -> None:
    for map_case in (True, False):
        decoder.map_case = map_case
        for row, allowed in zip(ALLOWED, allow(decoder, rows).tolist(), strict=True):
            expected = ALLOWED[row] if map_case else ALLOWED[row] - {UPPER, LOWER}
            assert {edit for edit in range(6) if allowed[edit]} == expected, (row, map_case)


@torch.no_grad()
def test_probabilities_of_the_allowed_edits_sum_to_one(
    decoder: EditDecoder, rows: LatticeRows
) -> None:
    for map_case in (True, False):
        decoder.map_case = map_case
        written: Tensor | float = 0.0
        for unit in range(VOCABULARY):
            # What follows one and the same prefix, whose last unit may be repeated.
            scores = score(decoder, rows, torch.tensor([[3, unit], [1, unit]]))
            written = written + scores.substitute[:, 1].exp() + scores.insert[:, 1].exp()
        total = written + scores.delete[:, 1].exp() + scores.copy[:, 1].exp()
        torch.testing.assert_close(total, torch.ones_like(total))


@torch.no_grad()
def test_at_its_end_a_text_can_only_go_on_or_stop(decoder: EditDecoder, rows: LatticeRows) -> None:
    scores = score(decoder, rows, torch.tensor([[0, 1], [2, 3]]))
    end = rows.size == 0
    assert end.tolist() == [False, False, False, True, False, True, True]
    for barred in (scores.copy, scores.substitute):
        assert bool((barred[end] < -1e20).all())
        assert bool((barred[~end, :-1] > -20).all())
    assert bool((scores.delete > -20).all())


@torch.no_grad()
def test_a_node_that_does_not_fit_is_not_copied(decoder: EditDecoder, rows: LatticeRows) -> None:
    target = torch.tensor([[0, 1], [2, 3]])
    fitting, barred = score(decoder, rows, target), score(decoder, rows, target, copies=False)
    assert bool((barred.copy < -1e20).all())
    for name in ("delete", "substitute", "insert"):
        assert torch.equal(getattr(fitting, name), getattr(barred, name))


@torch.no_grad()
def test_units_that_the_vocabulary_lacks_have_a_fixed_probability(
    decoder: EditDecoder, rows: LatticeRows
) -> None:
    known = score(decoder, rows, torch.tensor([[0, 1], [2, 3]]))
    unknown = score(decoder, rows, torch.tensor([[0, -1], [2, 3]]))
    mine = rows.text == 0
    for name in ("substitute", "insert"):
        one, other = getattr(known, name), getattr(unknown, name)
        assert torch.equal(one[:, 0], other[:, 0])
        assert torch.equal(one[~mine], other[~mine])
    # A node with both case mappings, so that all six edits are allowed.
    operation, _ = decoder.logits(
        decoder.node(rows.x[4]),
        decoder.encode_prefix(*draw(2, 2)).state[0, 1],
        torch.tensor(1),
        torch.tensor([0, 2, FIRST[4]]),
    )
    substitute = operation.log_softmax(0)[SUBSTITUTE]
    torch.testing.assert_close(unknown.substitute[4, 1], substitute + UNKNOWN_LOG_PROBABILITY)


@torch.no_grad()
@pytest.mark.parametrize("map_case", [True, False])
def test_scores_equal_those_of_one_cell_at_a_time(
    decoder: EditDecoder, rows: LatticeRows, map_case: bool
) -> None:
    """Compare with the logits of one node and one state, as prediction asks for them."""
    decoder.map_case = map_case
    target = torch.tensor([[0, 1, 4], [2, 3, 0]])
    fits = torch.rand(7, 4, 3, generator=torch.Generator().manual_seed(5)) < 0.6
    scores = score(decoder, rows, target, fits)
    state = decoder.encode_prefix(*draw(2, 3)).state
    copied = 0
    for q, (text, start) in enumerate(zip(rows.text.tolist(), rows.start.tolist(), strict=True)):
        allowed = ALLOWED[q] if map_case else ALLOWED[q] - {UPPER, LOWER}
        for j in range(3):
            last, following = repeat(target)[text, j].tolist()
            operation, unit = decoder.logits(
                decoder.node(rows.x[q]),
                state[text, j],
                torch.tensor(j - start),
                torch.tensor([last, following, FIRST[q]]),
            )
            weight = operation.exp().tolist()
            total = sum(weight[edit] for edit in allowed)
            share = unit.softmax(0)[target[text, j]].item()
            fitting = {
                edit for edit, fit in zip((KEEP, UPPER, LOWER), fits[q, j], strict=True) if fit
            }
            expected = {
                "delete": weight[DELETE] / total,
                "copy": sum(weight[edit] for edit in allowed & fitting) / total,
                "substitute": weight[SUBSTITUTE] / total * share if SUBSTITUTE in allowed else 0.0,
                "insert": weight[INSERT] / total * share,
            }
            for name, found in scores._asdict().items():
                assert found[q, j].exp().item() == pytest.approx(expected[name]), name
            copied += len(allowed & fitting) > 1
    assert bool(copied) == map_case


@torch.no_grad()
def test_distances_beyond_the_greatest_count_as_it(decoder: EditDecoder) -> None:
    node, state = torch.randn(2, HIDDEN, dtype=torch.double)
    none = torch.tensor([-1, -1, -1])

    def logits(distance: int) -> tuple[Tensor, Tensor]:
        return decoder.logits(node, state, torch.tensor(distance), none)

    first, *rest = (logits(d)[0] for d in (2, 3, 100, 1, -2))
    assert [torch.equal(first, other) for other in rest] == [True, True, False, False]
    near, far = (logits(d)[1] for d in (-2, -50))
    assert torch.equal(near, far)


@torch.no_grad()
def test_units_that_may_be_repeated_have_logits_of_their_own(decoder: EditDecoder) -> None:
    node, state = torch.randn(2, HIDDEN, dtype=torch.double)
    decoder.repeat.weight.zero_()
    decoder.repeat.bias.copy_(torch.tensor([2.0, 4.0, 3.0]))

    def gain(*repeats: int) -> list[float]:
        """Return what each unit gains by the last one, the following one, the node's first one."""
        zero = torch.tensor(0)
        units = decoder.logits(node, state, zero, torch.tensor(repeats))[1]
        plain = decoder.logits(node, state, zero, torch.tensor([-1, -1, -1]))[1]
        return [round(value, 9) for value in (units - plain).tolist()]

    assert gain(1, 0, 3) == [4, 2, 0, 3, 0]
    assert gain(4, 4, 4) == [0, 0, 0, 0, 9]
    assert gain(-1, -1, 0) == [3, 0, 0, 0, 0]
    assert gain(2, -1, -1) == [0, 0, 2, 0, 0]
    assert gain(-1, 1, -1) == [0, 4, 0, 0, 0]


def test_gradcheck(decoder: EditDecoder, rows: LatticeRows) -> None:
    """In what goes in, and in every parameter."""
    target = torch.tensor([[0, -1], [2, 3]])
    units, _, context = draw(2, 2)
    context = context[:, 0]
    fits, allowed = torch.ones(7, 3, 3, dtype=torch.bool), allow(decoder, rows)
    names, values = zip(*decoder.named_parameters(), strict=True)

    class Scored(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.decoder = decoder

        def forward(self, x: Tensor, units: Tensor, context: Tensor) -> Tensor:
            remaining = torch.tensor([[2, 1, 0], [0, 0, 0]])
            num_new = torch.tensor([[0, 0, 1], [0, 1, 2]])
            at_steps = self.decoder.decoder_context(context, remaining, num_new)
            state = self.decoder.encode_prefix(units, num_new[:, 1:], at_steps).state
            known = target, repeat(target), fits, allowed, torch.tensor(FIRST)
            scores = torch.stack(self.decoder(rows._replace(x=x), state, *known))
            return scores[scores > -100].sin().sum()

    def scored(x: Tensor, units: Tensor, context: Tensor, *parameters: Tensor) -> Tensor:
        named = {f"decoder.{n}": p for n, p in zip(names, parameters, strict=True)}
        return torch.func.functional_call(Scored(), named, (x, units, context))

    inputs = [rows.x, units, context, *values]
    inputs = [value.detach().clone().requires_grad_() for value in inputs]
    assert torch.autograd.gradcheck(scored, inputs, fast_mode=True)


def test_reset_parameters_draws_all_anew(decoder: EditDecoder) -> None:
    before = {name: value.detach().clone() for name, value in decoder.named_parameters()}
    decoder.reset_parameters()
    same = [n for n, value in decoder.named_parameters() if torch.equal(value, before[n])]
    assert same == []


@pytest.mark.filterwarnings("ignore:Initializing zero-element tensors")
def test_scores_without_a_vocabulary_are_finite(rows: LatticeRows) -> None:
    """Such a model can still copy and delete."""
    decoder = EditDecoder(CHANNELS, EMBEDDED, 0, HIDDEN).double().eval()
    scores = score(decoder, rows, torch.full((2, 2), -1))
    assert bool(torch.isfinite(torch.stack(scores)).all())


def test_scores_in_blocks_are_those_at_once(
    decoder: EditDecoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both the scores and every gradient, whatever the size of the blocks."""
    generator = torch.Generator().manual_seed(3)
    text = torch.tensor([0, 0, 0, 1, 1])
    size, start = torch.tensor([1, 2, 0, 1, 0]), torch.tensor([0, 1, 3, 0, 1])
    features = torch.randn(5, decoder.node.in_features, generator=generator, dtype=torch.double)
    hidden = decoder.node.out_features
    written = torch.randn(2, 5, hidden, generator=generator, dtype=torch.double)
    target = torch.randint(decoder.unit.out_features, (2, 4), generator=generator)
    fits = torch.rand(5, 5, 3, generator=generator) < 0.5
    allowed = decoder.allowed_operations(
        size > 0, torch.tensor([(1, -1), (-1, 1), (-1, -1), (1, 1), (-1, -1)])
    )
    found = []
    for cells in (2**18, 10, 3):
        monkeypatch.setattr(edit_decoder, "_CELLS", cells)
        x = features.clone().requires_grad_()
        rows = LatticeRows(x, text, size, start, start, torch.arange(5), torch.tensor([3, 2]))
        decoder.zero_grad()
        scores = decoder(
            rows, written, target, repeat(target), fits, allowed, torch.tensor([0, 1, -1, 3, -1])
        )
        torch.stack([s.clamp(min=-50).square().sum() for s in scores]).sum().backward()
        gradients = [p.grad.clone() for p in decoder.parameters() if p.grad is not None]
        found.append([*scores, x.grad, *gradients])
    assert len(found[0]) > 10
    for blocked in found[1:]:
        for one, other in zip(found[0], blocked, strict=True):
            torch.testing.assert_close(one, other)
