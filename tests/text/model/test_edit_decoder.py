"""Probabilities of edits: what they sum to, and one at a time as all at once."""

import pytest
import torch
from torch import Tensor, nn

from pyg_grapheme.text.model import edit_decoder
from pyg_grapheme.text.model.edit_decoder import (
    UNKNOWN_LOG_PROBABILITY,
    EditDecoder,
    Written,
)
from pyg_grapheme.text.model.lattice_rows import EditRows, edit_rows

CHANNELS, EMBEDDED, VOCABULARY, HIDDEN = 3, 4, 5, 6


@pytest.fixture
def decoder() -> EditDecoder:
    torch.manual_seed(0)
    return EditDecoder(CHANNELS, EMBEDDED, VOCABULARY, HIDDEN, max_distance=2).double().eval()


@pytest.fixture
def rows(merge_texts) -> EditRows:
    """Of two merges of one text, and of one without a node."""
    pooled = merge_texts([[1, 2, 1], [4], []], CHANNELS)
    text = torch.tensor([0, 0, 1])
    end = torch.randn(2, CHANNELS, dtype=torch.double)
    rows = edit_rows(pooled.x, pooled, end[text])
    return rows._replace(text=text[rows.text])


def draw(count: int, length: int) -> tuple[Tensor, Tensor, Tensor]:
    """Embedded units of some texts, how long they have been new, and what is known at each step.

    The first text begins with a unit of its source.
    """
    generator = torch.Generator().manual_seed(1)
    units = torch.randn(count, length, EMBEDDED, generator=generator, dtype=torch.double)
    context = torch.randn(count, length + 1, EMBEDDED, generator=generator, dtype=torch.double)
    since = torch.arange(length) + torch.arange(count)[:, None]
    return units, since, context


def score(decoder: EditDecoder, rows: EditRows, target: Tensor, fits: bool = True):
    written = decoder.read(*draw(*target.shape)).state
    shape = (rows.size.numel(), target.size(1) + 1)
    return decoder(rows, written, target, torch.full(shape, fits))


@torch.no_grad()
def test_reading_at_once_is_reading_unit_by_unit(decoder: EditDecoder) -> None:
    units, since, context = draw(3, 4)
    whole = decoder.read(units, since, context)
    assert whole.state.shape == (3, 5, HIDDEN)
    part: Written = decoder.read(units[:, :0], since[:, :0], context[:, :1])
    states = [part.state]
    for j in range(4):
        here, behind = slice(j, j + 1), slice(j + 1, j + 2)
        part = decoder.read(units[:, here], since[:, here], context[:, behind], part.memory)
        assert part.state.shape == (3, 1, HIDDEN)
        states.append(part.state)
    torch.testing.assert_close(torch.cat(states, dim=1), whole.state)
    for one, all_at_once in zip(part.memory, whole.memory, strict=True):
        torch.testing.assert_close(one, all_at_once)


@torch.no_grad()
def test_half_precision_is_scored_in_single(decoder: EditDecoder, rows: EditRows) -> None:
    target = torch.tensor([[0, 1, 2], [4, 3, -1]])
    written = decoder.read(*draw(2, 3)).state
    fits = torch.ones(rows.size.numel(), 4, dtype=torch.bool)
    exact = decoder(rows, written, target, fits)
    half = decoder.half()(rows._replace(x=rows.x.half()), written.half(), target, fits)
    for found, expected in zip(half, exact, strict=True):
        assert found.dtype == torch.float32
        torch.testing.assert_close(found.double(), expected, rtol=1e-2, atol=1e-2)


@torch.no_grad()
def test_a_state_knows_what_is_before_it_and_nothing_else(decoder: EditDecoder) -> None:
    units, since, context = draw(2, 4)
    before = decoder.read(units, since, context).state
    units[0, 2] += 1.0
    after = decoder.read(units, since, context).state
    same = torch.isclose(before, after).all(dim=2).tolist()
    assert same == [[True, True, True, False, False], [True] * 5]
    context[1, 1:] += 1.0
    tagged = decoder.read(units, since, context).state
    expected = [[True] * 5, [True, False, False, False, False]]
    assert torch.isclose(after, tagged).all(dim=2).tolist() == expected


@torch.no_grad()
def test_one_network_does_not_know_what_is_in_common_with_the_source(decoder: EditDecoder) -> None:
    units, since, context = draw(2, 4)
    assert since[:, 0].tolist() == [0, 1]
    before = decoder.read(units, since, context)
    units[:, 0] += 1.0
    after = decoder.read(units, since, context)
    assert not torch.isclose(before.memory.hidden, after.memory.hidden).any()
    same = torch.isclose(before.memory.new_hidden, after.memory.new_hidden).all(dim=2)
    assert same.tolist() == [[True, False]]


class WholeFeatures(nn.Identity):
    """Dropout that drops no feature, whatever its probability."""

    def __init__(self, p: float) -> None:
        super().__init__()
        self.p = p


def forgetful(p: float) -> EditDecoder:
    torch.manual_seed(0)
    decoder = EditDecoder(CHANNELS, EMBEDDED, VOCABULARY, HIDDEN).double()
    decoder.dropout = WholeFeatures(p)
    return decoder


@torch.no_grad()
@pytest.mark.parametrize(("p", "known"), [(0.0, True), (1.0, False)])
def test_only_that_one_is_left_out_in_training(p: float, known: bool) -> None:
    decoder = forgetful(p)
    units, since, context = draw(2, 4)
    for change, expected in ((units[0, 0], known), (units[0, 1], True)):
        decoder.train()
        before, tested = (decoder.train(mode).read(units, since, context) for mode in (True, False))
        change += 1.0
        after, told = (decoder.train(mode).read(units, since, context) for mode in (True, False))
        assert torch.allclose(before.state[0], after.state[0]) != expected
        assert not torch.allclose(tested.state[0], told.state[0])


@torch.no_grad()
def test_so_many_texts_are_trained_on_without_it() -> None:
    decoder = forgetful(0.3)
    units, since, context = (values[:1].expand(400, *values.shape[1:]) for values in draw(1, 2))
    state = decoder.train().read(units, since, context).state[:, 1]
    whole = decoder.eval().read(units[:1], since[:1], context[:1]).state[:, 1]
    share = torch.isclose(state, whole).all(dim=1).double().mean().item()
    assert share == pytest.approx(0.7, abs=0.08)


@torch.no_grad()
def test_where_the_writing_stands_is_told_by_two_counts(decoder: EditDecoder) -> None:
    """What is ahead, and what has been written since; 3 and more ahead are alike, 2 since."""
    context = torch.randn(1, EMBEDDED, dtype=torch.double)
    ahead, since = torch.tensor([[0, 1, 2, 3, 9]]), torch.tensor([[5, 2, 1, 0, 0]])
    situated = decoder.situate(context, ahead, since)
    for j, (a, s) in enumerate([(0, 2), (1, 2), (2, 1), (3, 0), (3, 0)]):
        expected = context + decoder.ahead.weight[a] + decoder.since.weight[s]
        torch.testing.assert_close(situated[:, j], expected)


@torch.no_grad()
def test_what_may_happen_sums_to_one(decoder: EditDecoder, rows: EditRows) -> None:
    written = 0.0
    for unit in range(VOCABULARY):
        # Of the same written text: what is read is embedded, and does not know its numbers.
        scores = score(decoder, rows, torch.full((2, 3), unit))
        written = written + scores.substitute[:, :-1].exp() + scores.insert[:, :-1].exp()
    total = written + scores.delete[:, :-1].exp() + scores.keep[:, :-1].exp()
    torch.testing.assert_close(total, torch.ones_like(total))


@torch.no_grad()
def test_at_its_end_a_text_can_only_go_on_or_stop(decoder: EditDecoder, rows: EditRows) -> None:
    scores = score(decoder, rows, torch.tensor([[0, 1], [2, 3]]))
    end = rows.size == 0
    assert end.tolist() == [False, False, False, True, False, True, True]
    for barred in (scores.keep, scores.substitute):
        assert bool((barred[end] < -1e20).all())
        assert bool((barred[~end, :-1] > -20).all())
    assert bool((scores.delete > -20).all())


@torch.no_grad()
def test_a_node_that_does_not_fit_is_not_kept(decoder: EditDecoder, rows: EditRows) -> None:
    target = torch.tensor([[0, 1], [2, 3]])
    fitting, barred = score(decoder, rows, target), score(decoder, rows, target, fits=False)
    assert bool((barred.keep < -1e20).all())
    for name in ("delete", "substitute", "insert"):
        assert torch.equal(getattr(fitting, name), getattr(barred, name))


@torch.no_grad()
def test_units_that_the_vocabulary_lacks_are_next_to_impossible(
    decoder: EditDecoder, rows: EditRows
) -> None:
    known = score(decoder, rows, torch.tensor([[0, 1], [2, 3]]))
    unknown = score(decoder, rows, torch.tensor([[0, -1], [2, 3]]))
    mine = rows.text == 0
    for name in ("substitute", "insert"):
        one, other = getattr(known, name), getattr(unknown, name)
        assert torch.equal(one[:, 0], other[:, 0])
        assert torch.equal(one[~mine], other[~mine])
    operation, _ = decoder.logits(
        decoder.node(rows.x[0]), decoder.read(*draw(2, 2)).state[0, 1], torch.tensor(1)
    )
    substitute = operation.log_softmax(0)[2]
    torch.testing.assert_close(unknown.substitute[0, 1], substitute + UNKNOWN_LOG_PROBABILITY)


@torch.no_grad()
def test_all_at_once_is_cell_by_cell(decoder: EditDecoder, rows: EditRows) -> None:
    """From the network's logits of one node and one state, as prediction asks for them."""
    target = torch.tensor([[0, 1, 4], [2, 3, 0]])
    scores = score(decoder, rows, target)
    state = decoder.read(*draw(2, 3)).state
    for q, (text, size, start) in enumerate(
        zip(rows.text.tolist(), rows.size.tolist(), rows.start.tolist(), strict=True)
    ):
        for j in range(3):
            operation, unit = decoder.logits(
                decoder.node(rows.x[q]), state[text, j], torch.tensor(j - start)
            )
            delete, keep, substitute, insert = operation.exp().tolist()
            total = delete + insert + (keep + substitute if size else 0.0)
            share = unit.softmax(0)[target[text, j]].item()
            assert scores.delete[q, j].exp().item() == pytest.approx(delete / total)
            assert scores.insert[q, j].exp().item() == pytest.approx(insert / total * share)
            if size:
                assert scores.keep[q, j].exp().item() == pytest.approx(keep / total)
                expected = pytest.approx(substitute / total * share)
                assert scores.substitute[q, j].exp().item() == expected


@torch.no_grad()
def test_distances_beyond_the_greatest_count_as_it(decoder: EditDecoder) -> None:
    node, state = torch.randn(2, HIDDEN, dtype=torch.double)
    first, *rest = (decoder.logits(node, state, torch.tensor(d))[0] for d in (2, 3, 100, 1, -2))
    assert [torch.equal(first, other) for other in rest] == [True, True, False, False]
    near, far = (decoder.logits(node, state, torch.tensor(d))[1] for d in (-2, -50))
    assert torch.equal(near, far)


def test_gradcheck(decoder: EditDecoder, rows: EditRows) -> None:
    """In what goes in, and in every parameter."""
    target = torch.tensor([[0, -1], [2, 3]])
    units, _, context = draw(2, 2)
    context = context[:, 0]
    fits = torch.ones(7, 3, dtype=torch.bool)
    names, values = zip(*decoder.named_parameters(), strict=True)

    class Scored(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.decoder = decoder

        def forward(self, x: Tensor, units: Tensor, context: Tensor) -> Tensor:
            ahead, since = (
                torch.tensor([[2, 1, 0], [0, 0, 0]]),
                torch.tensor([[0, 0, 1], [0, 1, 2]]),
            )
            situated = self.decoder.situate(context, ahead, since)
            state = self.decoder.read(units, since[:, 1:], situated).state
            scores = torch.stack(self.decoder(rows._replace(x=x), state, target, fits))
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
def test_nothing_to_write_with(rows: EditRows) -> None:
    """A model without a vocabulary can still keep and delete."""
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
    fits = torch.rand(5, 5, generator=generator) < 0.5
    found = []
    for cells in (2**18, 10, 3):
        monkeypatch.setattr(edit_decoder, "_CELLS", cells)
        x = features.clone().requires_grad_()
        rows = EditRows(x, text, size, start, start, torch.arange(5), torch.tensor([3, 2]))
        decoder.zero_grad()
        scores = decoder(rows, written, target, fits)
        torch.stack([s.clamp(min=-50).square().sum() for s in scores]).sum().backward()
        gradients = [p.grad.clone() for p in decoder.parameters() if p.grad is not None]
        found.append([*scores, x.grad, *gradients])
    assert len(found[0]) > 10
    for blocked in found[1:]:
        for one, other in zip(found[0], blocked, strict=True):
            torch.testing.assert_close(one, other)
