"""The recurrent encoder against torch's LSTM on one chain at a time."""

import pytest
import torch
from torch import Tensor, nn

from pyg_grapheme.text.model import chain_encoder
from pyg_grapheme.text.model.chain_encoder import ChainEncoder

SIZES = {
    "some": [3, 1, 5],
    "empty between": [2, 0, 0, 4],
    "empty at the ends": [0, 3, 0],
    "one": [4],
    "single nodes": [1, 1],
    "all empty": [0, 0],
    "no chain": [],
    "far apart": [40, 2, 90, 0, 41],
}


def encode(sizes: list[int], layers: int = 2) -> tuple[ChainEncoder, Tensor, Tensor, int]:
    torch.manual_seed(0)
    encoder = ChainEncoder(3, 4, layers).double().eval()
    batch = torch.repeat_interleave(torch.tensor(sizes, dtype=torch.long))
    return encoder, torch.randn(batch.numel(), 3, dtype=torch.double), batch, len(sizes)


def as_one_lstm(encoder: ChainEncoder) -> nn.LSTM:
    """The same weights in a module of torch that does all layers and both directions."""
    layers = len(encoder.forwards)
    lstm = nn.LSTM(3, 2, layers, batch_first=True, bidirectional=True).double()
    weights = {
        f"{name}{suffix}": value
        for chains, suffix in ((encoder.forwards, ""), (encoder.backwards, "_reverse"))
        for number, chain in enumerate(chains)
        for name, value in (
            (name.replace("_l0", f"_l{number}"), value) for name, value in chain.named_parameters()
        )
    }
    lstm.load_state_dict(weights)
    return lstm


@pytest.mark.parametrize("side_by_side", [64, 2])
@pytest.mark.parametrize("layers", [1, 3])
def test_each_chain_is_encoded_by_itself(
    layers: int, side_by_side: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    for sizes in SIZES.values():
        monkeypatch.setattr(chain_encoder, "_SIDE_BY_SIDE", side_by_side)
        encoder, x, batch, count = encode(sizes, layers)
        recurrence = as_one_lstm(encoder)
        nodes, ends = encoder(x, batch, count)
        assert nodes.shape == (sum(sizes), 4), sizes
        assert ends.shape == (len(sizes), 4), sizes
        for number, size in enumerate(sizes):
            mine = batch == number
            if size == 0:
                assert torch.equal(ends[number], torch.zeros(4, dtype=torch.double)), sizes
                continue
            states, _ = recurrence(x[mine])
            torch.testing.assert_close(nodes[mine], states)
            # Either direction has seen the whole chain where it stops: forwards at the last node,
            # backwards at the first one.
            torch.testing.assert_close(ends[number], torch.cat([states[-1, :2], states[0, 2:]]))


def test_the_order_of_a_chain_matters() -> None:
    encoder, x, batch, count = encode([4])
    _, ends = encoder(x, batch, count)
    _, swapped = encoder(x[[0, 2, 1, 3]], batch, count)
    assert not torch.allclose(ends, swapped)


@pytest.mark.parametrize("side_by_side", [64, 2])
def test_gradcheck(side_by_side: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chain_encoder, "_SIDE_BY_SIDE", side_by_side)
    encoder, x, batch, count = encode([2, 0, 3])
    names, values = zip(*encoder.named_parameters(), strict=True)

    def encoded(x: Tensor, *parameters: Tensor) -> tuple[Tensor, ...]:
        named = dict(zip(names, parameters, strict=True))
        return torch.func.functional_call(encoder, named, (x, batch, count))

    inputs = [value.detach().clone().requires_grad_() for value in (x, *values)]
    assert torch.autograd.gradcheck(encoded, inputs, fast_mode=True)


def test_reset_parameters_draws_all_anew() -> None:
    encoder, *_ = encode([1])
    before = [value.detach().clone() for value in encoder.parameters()]
    encoder.reset_parameters()
    pairs = zip(before, encoder.parameters(), strict=True)
    assert not any(torch.equal(one, other) for one, other in pairs)


def test_a_long_chain_does_not_pad_the_short_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    encoder, x, batch, count = encode([1, 2000, 3] + [2] * 200 + [70])
    cells = []

    def note(states: Tensor, length: Tensor) -> tuple[Tensor, Tensor]:
        cells.append(states.shape[:2].numel())
        return states.new_zeros(*states.shape[:2], 4), states.new_zeros(length.numel(), 4)

    monkeypatch.setattr(encoder, "_encode", note)
    encoder(x, batch, count)
    assert sum(cells) <= 2 * x.size(0)
