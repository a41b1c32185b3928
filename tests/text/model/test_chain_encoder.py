"""The recurrent encoder against torch's LSTM on one chain at a time."""

import pytest
import torch
from torch import Tensor

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


@pytest.mark.parametrize("layers", [1, 3])
@pytest.mark.parametrize("sizes", SIZES.values(), ids=SIZES)
def test_each_chain_is_encoded_by_itself(sizes: list[int], layers: int) -> None:
    encoder, x, batch, count = encode(sizes, layers)
    nodes, ends = encoder(x, batch, count)
    assert nodes.shape == (sum(sizes), 4)
    assert ends.shape == (len(sizes), 4)
    for number, size in enumerate(sizes):
        mine = batch == number
        if size == 0:
            assert torch.equal(ends[number], torch.zeros(4, dtype=torch.double))
            continue
        states = encoder.lstm(x[mine][None])[0][0]
        torch.testing.assert_close(nodes[mine], states)
        # Either direction has seen the whole chain where it stops: forwards at the last node,
        # backwards at the first one.
        torch.testing.assert_close(ends[number], torch.cat([states[-1, :2], states[0, 2:]]))


def test_the_order_of_the_chains_does_not_matter() -> None:
    sizes, order = [3, 0, 1, 5, 5, 2], [4, 1, 3, 0, 5, 2]
    encoder, x, batch, count = encode(sizes)
    nodes, ends = encoder(x, batch, count)
    parts, states = x.split(sizes), nodes.split(sizes)
    moved = torch.repeat_interleave(torch.tensor([sizes[number] for number in order]))
    other_nodes, other_ends = encoder(torch.cat([parts[n] for n in order]), moved, count)
    torch.testing.assert_close(other_nodes, torch.cat([states[number] for number in order]))
    torch.testing.assert_close(other_ends, ends[order])


def test_the_order_of_a_chain_matters() -> None:
    encoder, x, batch, count = encode([4])
    _, ends = encoder(x, batch, count)
    _, swapped = encoder(x[[0, 2, 1, 3]], batch, count)
    assert not torch.allclose(ends, swapped)


def test_gradcheck() -> None:
    """In the input and in every parameter."""
    encoder, x, batch, count = encode([2, 0, 3])
    names, values = zip(*encoder.named_parameters(), strict=True)

    def encoded(x: Tensor, *parameters: Tensor) -> tuple[Tensor, ...]:
        named = dict(zip(names, parameters, strict=True))
        return torch.func.functional_call(encoder, named, (x, batch, count))

    inputs = [value.detach().clone().requires_grad_() for value in (x, *values)]
    assert torch.autograd.gradcheck(encoded, inputs, fast_mode=True)
    assert torch.autograd.gradcheck(lambda x: encoder(x, batch, count), inputs[0])


def test_features_are_dropped_between_layers_only() -> None:
    _, x, batch, count = encode([2, 3])
    for layers, drops in ((1, False), (2, True)):
        torch.manual_seed(0)
        encoder = ChainEncoder(3, 4, layers, dropout=0.5).double()
        trained, tested = (encoder.train(mode)(x, batch, count)[0] for mode in (True, False))
        assert torch.allclose(trained, tested) != drops, layers


def test_reset_parameters_draws_all_anew() -> None:
    encoder, *_ = encode([1])
    before = [value.detach().clone() for value in encoder.parameters()]
    encoder.reset_parameters()
    pairs = zip(before, encoder.parameters(), strict=True)
    assert not any(torch.equal(one, other) for one, other in pairs)
