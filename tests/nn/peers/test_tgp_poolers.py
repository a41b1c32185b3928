"""What torch-geometric-pool's own tests assert of its poolers, asserted of merges here.

The merge takes the place of the selection in one of that library's poolers, by
``to_tgp_select_output``; reduce, connect and lift are that library's own. Each docstring names the
file and the test in its repository. Tests of dense assignments and of ``torch_sparse`` are left
out, as merges have neither.
"""

import copy
from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch_geometric.data import Data
from torch_geometric.nn import GCNConv

from pyg_grapheme.nn import ThresholdMergePool
from pyg_grapheme.nn.pool import MergeHistory, from_select_output, to_tgp_select_output

pytest.importorskip("tgp", reason="torch-geometric-pool is not installed")

from tgp.connect import SparseConnect
from tgp.data import PooledBatch
from tgp.poolers import EdgeContractionPooling
from tgp.reduce import BaseReduce
from tgp.select import SelectOutput
from tgp.src import PoolingOutput

pytestmark = pytest.mark.filterwarnings("ignore:Sparse invariant checks are implicitly disabled")


class Merge(nn.Module):
    """A selection operator of that library, which asks the pool."""

    is_dense = False

    def __init__(self) -> None:
        super().__init__()
        self.pool = ThresholdMergePool(0.3)

    def reset_parameters(self) -> None:
        self.pool.reset_parameters()

    def forward(self, x: Tensor, edge_index: Tensor, batch: Tensor | None) -> SelectOutput:
        return to_tgp_select_output(self.pool(x, edge_index, None, batch).history)


@pytest.fixture
def pooler() -> EdgeContractionPooling:
    """That library's contraction of edges, with the merge in place of its matching."""
    made = EdgeContractionPooling(in_channels=3)
    made.selector = Merge()
    return made.double().eval()


@pytest.fixture
def graph(draw_graphs: Callable) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Features, edges with loops and repeats, weights and batch of four graphs."""
    graphs = draw_graphs(0, [9, 1, 12, 6])
    return graphs.x, graphs.edge_index, graphs.edge_attr[:, 0], graphs.batch


@pytest.fixture
def by_hand() -> MergeHistory:
    """The merge of five nodes into two: 0, 2 and 4 are one node, 1 and 3 the other."""
    x = torch.tensor([[1.0, 0.0], [0.0, 1.0], [1.0, 0.0], [0.0, 1.0], [1.0, 0.0]])
    edge_index = torch.tensor([[0, 2, 1, 0], [2, 4, 3, 1]])
    return ThresholdMergePool(0.5)(x, edge_index).history


def test_forward_and_lifting(pooler: EdgeContractionPooling, graph: tuple) -> None:
    """Port ``test_poolers_forward_and_lifting`` of ``tests/test_poolers.py``, for a batch.

    Reduced by the mean, connected and lifted by the other library, the merge gives what the pool
    gives. The loss and the number of clusters asked for are left out: there are none.
    """
    x, edge_index, weight, batch = graph
    out = pooler(x=x, adj=edge_index, edge_weight=weight, batch=batch)
    assert isinstance(out, PoolingOutput)
    assert isinstance(out.so, SelectOutput)
    assert 4 < out.so.num_supernodes < len(x)
    assert out.edge_weight.numel() == out.edge_index.size(1)

    ours = pooler.selector.pool(x, edge_index, weight, batch)
    torch.testing.assert_close(out.x, ours.x)
    assert out.edge_index.equal(ours.edge_index)
    torch.testing.assert_close(out.edge_weight, ours.edge_attr)
    assert out.batch.equal(ours.batch)

    conv = GCNConv(3, 3).double()
    pooled = conv(out.x, out.edge_index)
    lifted = pooler(x=pooled, so=out.so, lifting=True)
    assert lifted.shape == x.shape
    torch.testing.assert_close(lifted, ours.history.lift(pooled))

    assert "edgecontractionpooling" in repr(pooler).lower()
    assert not out.has_loss
    pooler.clear_cache()
    pooler.reset_parameters()
    again = pooler(x=x, adj=edge_index, batch=batch)
    assert isinstance(again, PoolingOutput)
    assert again.x.equal(out.x)


def test_a_cached_selection_is_used_again(pooler: EdgeContractionPooling, graph: tuple) -> None:
    """Port ``test_caching`` of ``tests/poolers/test_graclus.py``.

    Other features would merge other nodes, which shows that the first merge was kept.
    """
    x, edge_index, weight, batch = graph
    pooler.cached = True
    first = pooler(x=x, adj=edge_index, edge_weight=weight, batch=batch)
    ones = torch.ones_like(x)
    second = pooler(x=ones, adj=edge_index, edge_weight=weight, batch=batch)
    assert second.so is first.so
    torch.testing.assert_close(second.x, torch.ones_like(first.x))
    pooler.clear_cache()
    fresh = pooler(x=ones, adj=edge_index, edge_weight=weight, batch=batch)
    assert fresh.so.num_supernodes < first.so.num_supernodes


def test_no_edge_merges_nothing(pooler: EdgeContractionPooling) -> None:
    """Port a test of ``tests/poolers/test_ecpool.py``.

    ``test_edge_contraction_select_forward_sigmoid_and_no_dropout``: four nodes without an edge are
    four clusters of weight 1.
    """
    so = pooler.selector(torch.randn(4, 3).double(), torch.zeros(2, 0).long(), None)
    assert so.num_supernodes == 4
    assert so.cluster_index.tolist() == [0, 1, 2, 3]
    assert so.weight.tolist() == [1, 1, 1, 1]


def test_the_selection_holds_the_assignment(by_hand: MergeHistory) -> None:
    """Port a test of ``tests/selection/test_base_select.py``.

    ``test_selectoutput_from_cluster_index_and_default_s_inv``. The weights are the shares under
    ``mean`` instead of ones, and the inverse is the pseudoinverse instead of the transpose, so that
    lifting copies. Rows no longer sum to one constant, which that library calls expressive.
    """
    so = to_tgp_select_output(by_hand)
    third, half = 1 / 3, 1 / 2
    s = [[third, 0], [0, half], [third, 0], [0, half], [third, 0]]
    assert so.is_sparse
    assert (so.num_nodes, so.num_supernodes) == (5, 2)
    assert so.node_index.tolist() == [0, 1, 2, 3, 4]
    assert so.cluster_index.tolist() == [0, 1, 0, 1, 0]
    torch.testing.assert_close(so.s.to_dense(), torch.tensor(s))
    torch.testing.assert_close(so.s_inv.to_dense(), torch.linalg.pinv(torch.tensor(s)))
    assert not so.is_expressive


def test_the_selection_copies_and_converts(by_hand: MergeHistory) -> None:
    """Port tests of ``tests/selection/test_base_select.py``.

    ``test_selectoutput_repr_clone_apply_and_device_ops``, and those of ``to("meta")`` and
    ``requires_grad_``.
    """
    so = to_tgp_select_output(by_hand)
    assert repr(so) == "SelectOutput(num_nodes=5, num_supernodes=2)"
    doubled = so.clone().apply(lambda s: s * 2)
    torch.testing.assert_close(doubled.s.to_dense(), so.s.to_dense() * 2)
    assert so.clone().to("meta").s.device.type == "meta"
    assert so.clone().requires_grad_(True).s.requires_grad
    twin = copy.deepcopy(so.clone().detach().cpu())
    assert from_select_output(twin).cluster.equal(by_hand.cluster)


def test_batch_and_features_of_two_graphs_are_reduced(by_hand: MergeHistory) -> None:
    """Port tests of ``tests/reduce/test_base_reduce.py``.

    ``test_reduce_batch_dense_multi_graph``, for a sparse assignment, and
    ``test_base_reduce_forward_sparse_rejects_return_batched``.
    """
    so = to_tgp_select_output(by_hand)
    x = torch.tensor([[1.0], [2.0], [3.0], [4.0], [8.0]])
    reduced, batch = BaseReduce()(x, so, batch=torch.tensor([0, 1, 0, 1, 0]))
    torch.testing.assert_close(reduced, torch.tensor([[4.0], [3.0]]))
    assert batch.tolist() == [0, 1]
    with pytest.raises(ValueError, match="return_batched=True is only supported for dense"):
        BaseReduce()(x, so, return_batched=True)


@pytest.mark.parametrize("reduce", ["sum", "mean", "min", "max", "mul"])
def test_the_edges_are_connected_alike(reduce: str, graph: tuple) -> None:
    """Port ``test_sparse_connect_with_cluster_index`` of ``tests/connect/test_base_conn.py``."""
    x, edge_index, weight, batch = graph
    out = ThresholdMergePool(0.3, edge_reduce=reduce).double()(x, edge_index, weight, batch)
    connect = SparseConnect(reduce_op=reduce, remove_self_loops=True)
    edges, weights = connect(
        edge_index=edge_index, edge_weight=weight, so=to_tgp_select_output(out.history)
    )
    assert 0 < edges.size(1) < edge_index.size(1)
    assert edges.equal(out.edge_index)
    torch.testing.assert_close(weights, out.edge_attr)


def test_selections_of_two_graphs_become_one(by_hand: MergeHistory) -> None:
    """Port a test of ``tests/selection/test_base_select.py``.

    ``test_selectoutput_collate_and_separate_preserve_in_mask``, for a sparse assignment, which has
    no mask.
    """
    so = to_tgp_select_output(by_hand)
    nothing = to_tgp_select_output(MergeHistory.identity(2))
    batch = PooledBatch.from_data_list([Data(so=so, num_nodes=5), Data(so=nothing, num_nodes=2)])
    history = from_select_output(batch.so, num_graphs=2)
    assert history.cluster.tolist() == [0, 1, 0, 1, 0, 2, 3]
    assert history.num_clusters == 4
    assert from_select_output(batch.get_example(0).so).cluster.equal(by_hand.cluster)


def test_it_is_trainable(pooler: EdgeContractionPooling) -> None:
    """Port ``test_poolers_trainable`` of ``tests/test_trainable.py``: it has a threshold.

    Frozen, it has nothing to train.
    """
    assert pooler.is_trainable
    assert not pooler.requires_grad_(False).is_trainable
