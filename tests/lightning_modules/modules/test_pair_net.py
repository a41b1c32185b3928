"""The network that scores pairs of records."""

import pytest
import torch

from lightning_modules.modules.records.pair_net import PairNet


@pytest.mark.parametrize("layers", [0, 2])
def test_logits_depend_neither_on_the_ends_nor_on_the_order_of_pairs(layers: int) -> None:
    torch.manual_seed(0)
    net = PairNet(3, 4, 8, layers).double()
    x, edge_attr = torch.randn(5, 3).double(), torch.randn(6, 4).double()
    edge_index = torch.tensor([[0, 0, 1, 2, 3, 1], [1, 2, 2, 3, 4, 4]])
    logits = net(x, edge_index, edge_attr)
    assert logits.shape == (6,)
    torch.testing.assert_close(net(x, edge_index.flip(0), edge_attr), logits)
    order = torch.tensor([3, 1, 5, 0, 2, 4])
    torch.testing.assert_close(net(x, edge_index[:, order], edge_attr[order]), logits[order])


def test_layers_bring_what_other_pairs_of_a_record_say() -> None:
    torch.manual_seed(0)
    x, edge_attr = torch.randn(3, 3), torch.randn(2, 4)
    changed = edge_attr.clone()
    changed[1] += 1
    edge_index = torch.tensor([[0, 1], [1, 2]])
    for layers, is_heard in ((0, False), (1, True)):
        net = PairNet(3, 4, 8, layers)
        first, second = (net(x, edge_index, a)[0] for a in (edge_attr, changed))
        assert bool(first != second) == is_heard
