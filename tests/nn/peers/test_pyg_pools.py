"""What PyG's own tests assert of its pools, asserted of the layers here.

Each docstring names the file and the test in PyG's repository, and says what is different because
a pool here merges nodes instead of selecting them. Left out are scripting by ``torch.jit``, which
PyG checks in its full tests only, and for which the pool here is not made; ``min_score`` of SAG
pooling, which the threshold here always is; and the scores that edge pooling computes itself.
"""

from collections.abc import Callable
from typing import get_args

import pytest
import torch
from torch import Tensor, nn
from torch_geometric.data import Batch, Data
from torch_geometric.nn import (
    ClusterPooling,
    EdgePooling,
    GATConv,
    GCNConv,
    GraphConv,
    GraphUNet,
    SAGEConv,
)
from torch_geometric.nn.pool.select import SelectOutput
from torch_geometric.utils import add_self_loops

from pyg_grapheme.nn import ThresholdMergePool, ThresholdRewire, ThresholdSplit
from pyg_grapheme.nn.pool import to_select_output
from pyg_grapheme.typing import MergeName

COMPLETE = torch.tensor(
    [[0, 0, 0, 1, 1, 1, 2, 2, 2, 3, 3, 3], [1, 2, 3, 0, 2, 3, 0, 1, 3, 0, 1, 2]]
)
PATH = torch.tensor([[0, 1, 1, 2, 2, 3], [1, 0, 2, 1, 3, 2]])
CYCLE = torch.tensor([[0, 0, 1, 1, 2, 2, 3, 3], [1, 3, 0, 2, 1, 3, 0, 2]])


def features(num_nodes: int = 4, channels: int = 16, seed: int = 0) -> Tensor:
    return torch.randn(num_nodes, channels, generator=torch.Generator().manual_seed(seed))


def random_edges(num_nodes: int) -> Tensor:
    generator = torch.Generator().manual_seed(num_nodes)
    return torch.randint(num_nodes, (2, 2 * num_nodes), generator=generator)


def between(high: float, low: float) -> Tensor:
    return torch.tensor([(high + low) / 2])


class TestTopKPooling:
    """``test/nn/pool/test_topk_pool.py``."""

    def test_a_threshold_between_two_merges_keeps_half_of_the_nodes(self) -> None:
        """Port ``test_topk_pooling``: ``ratio=0.5`` and ``ratio=2`` of a complete graph.

        No ratio is set here: a threshold between the second and the third merge leaves two of four
        nodes. PyG drops the other two, which here are inside them.
        """
        x, pool = features(), ThresholdMergePool()
        heights = pool.dendrogram(x, COMPLETE).height.tolist()
        out = pool(x, COMPLETE, threshold=between(heights[1], heights[2]))
        assert out.x.size() == (2, 16)
        assert out.edge_index.size() == (2, 2)

    @pytest.mark.parametrize("merge", get_args(MergeName))
    def test_no_score_makes_the_graph_larger(self, merge: MergeName) -> None:
        """Port ``test_topk_pooling``: ``min_score=0.1``, in every way of merging."""
        x, pool = features(), ThresholdMergePool(0.1, merge=merge)
        out = pool(x, COMPLETE)
        assert out.x.size(0) <= 4
        assert out.x.size(1) == 16
        assert out.edge_index.size(0) == 2
        assert out.edge_index.size(1) <= COMPLETE.size(1)
        assert str(pool).startswith("ThresholdMergePool(threshold=0.1, ")

    def test_edges_between_nodes_that_do_not_merge_keep_their_attributes(self) -> None:
        """Port ``test_filter_adj``: the edges between nodes 2 and 3 of a cycle have 6 and 8.

        Nodes 0 and 1 are one node here instead of none, so their edges to 2 and 3 stay as well.
        """
        attr = torch.tensor([1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0])
        same = (CYCLE < 2).all(0).float()
        out = ThresholdMergePool(0.5)(features(), CYCLE, attr, edge_score=same)
        assert out.edge_index.tolist() == [[0, 0, 1, 1, 2, 2], [1, 2, 0, 2, 0, 1]]
        assert out.edge_attr.tolist() == [4, 2, 5, 6, 7, 8]

    def test_rewiring_keeps_the_edges_between_chosen_nodes(self) -> None:
        """Port ``test_filter_adj`` to ``ThresholdRewire``, which leaves the nodes' ids as they are.

        Chosen are nodes 2 and 3, whose new ids are 0 and 1 in PyG.
        """
        attr = torch.tensor([1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0])
        chosen = (CYCLE >= 2).all(0).float()
        out = ThresholdRewire(0.5)(features(), CYCLE, attr, edge_score=chosen)
        assert (out.edge_index - 2).tolist() == [[0, 1], [1, 0]]
        assert out.edge_attr.tolist() == [6, 8]


class TestSelect:
    """``test/nn/pool/select/test_select_topk.py``."""

    @pytest.mark.parametrize(
        ("thresholds", "expected"),
        [((3.0, 5.5), [1, 3, 5]), ((1.0, 5.5), [0, 1, 3, 5]), ((1.0, 4.0), [0, 1, 2, 3, 5])],
        ids=["ratio 0.5", "2 nodes", "3 nodes"],
    )
    def test_split_takes_the_highest_nodes_of_each_graph(
        self, thresholds: tuple[float, float], expected: list[int]
    ) -> None:
        """Port ``test_topk_ratio`` to ``ThresholdSplit``, the layer that selects nodes by score.

        A threshold per graph stands for the ratio; selected nodes are listed in order of their id
        instead of their score.
        """
        score = torch.tensor([2.0, 4.0, 5.0, 6.0, 2.0, 9.0])
        batch = torch.tensor([0, 0, 1, 1, 1, 1])
        split = ThresholdSplit(16, logits=True)
        selection = split.select(
            features(6),
            torch.empty(2, 0).long(),
            None,
            batch,
            node_score=score,
            threshold=torch.tensor(thresholds),
        )
        assert selection.split.tolist() == expected

    @pytest.mark.parametrize("threshold", [0.0, 2.0])
    def test_a_merge_is_a_selection(self, threshold: float) -> None:
        """Port ``test_select_topk``: ``min_score`` is the threshold.

        No cosine is above 2.0, so that nothing merges; PyG's ``min_score`` keeps the best node
        then. Every node is in a cluster here, so ``node_index`` lists all.
        """
        edge_index = torch.tensor([[0, 2, 3, 4], [1, 3, 4, 5]])
        batch = torch.tensor([0, 0, 1, 1, 1, 1])
        pool = ThresholdMergePool()
        history = pool(
            features(6), edge_index, None, batch, threshold=torch.full((2,), threshold)
        ).history
        out = to_select_output(history)
        assert isinstance(out, SelectOutput)
        assert out.num_nodes == 6
        assert (out.num_clusters < 6) if threshold == 0 else (out.num_clusters == 6)
        assert out.node_index.tolist() == [0, 1, 2, 3, 4, 5]
        assert out.cluster_index.unique().tolist() == list(range(out.num_clusters))


class TestConnect:
    """``test/nn/pool/connect/test_filter_edges.py``."""

    EDGES = torch.tensor([[0, 1, 1, 2, 2, 3], [1, 0, 1, 3, 2, 2]])
    ATTR = torch.tensor([1, 2, 3, 4, 5, 6])
    BATCH = torch.tensor([0, 0, 1, 1])

    def test_edges_inside_a_cluster_are_gone(self) -> None:
        """Port ``test_filter_edges``: two graphs of two nodes each become two nodes.

        PyG keeps the self-loops of the nodes that it selects. Here, all edges lie inside the merged
        nodes, and so do the self-loops.
        """
        pool = ThresholdMergePool(0.5)
        out = pool(features(), self.EDGES, self.ATTR, self.BATCH, edge_score=torch.ones(6))
        assert out.edge_index.tolist() == [[], []]
        assert out.edge_attr.tolist() == []
        assert out.batch.tolist() == [0, 1]

    def test_rewiring_keeps_the_self_loops(self) -> None:
        """Port ``test_filter_edges`` to ``ThresholdRewire``, with the attributes of PyG's result.

        Chosen are nodes 1 and 2, whose new ids are 0 and 1 in PyG.
        """
        chosen = ((self.EDGES == 1) | (self.EDGES == 2)).all(0).float()
        out = ThresholdRewire(0.5)(features(), self.EDGES, self.ATTR, self.BATCH, edge_score=chosen)
        assert (out.edge_index - 1).tolist() == [[0, 1], [0, 1]]
        assert out.edge_attr.tolist() == [3, 5]


@pytest.mark.parametrize("gnn", [GraphConv, GCNConv, GATConv, SAGEConv])
def test_sag_pooling(gnn: Callable[..., nn.Module]) -> None:
    """Port ``test_sag_pooling`` of ``test/nn/pool/test_sag_pool.py``: a GNN sets the scores.

    The GNN scores nodes, and the sum of two such scores is that of their edge. ``cuts`` gives a
    graph of every size instead of one of a given ratio. The graph is a path of 2 (k - 1) edges
    between k nodes, as GCNConv gives all nodes of PyG's complete graph the same score. The GNN has
    a gradient through the choice, and not through a factor on the features.
    """
    torch.manual_seed(0)
    x, scorer = features(), gnn(16, 1)
    score = scorer(x, PATH).view(-1)[PATH].sum(0).sigmoid()
    cuts = ThresholdMergePool(0.5).cuts(x, PATH, edge_score=score)
    size = cuts.output.batch.bincount()
    owner = cuts.output.batch[cuts.output.edge_index[0]]
    assert size.tolist() == [4, 3, 2, 1]
    assert owner.bincount(minlength=4).tolist() == [6, 4, 2, 0]
    cuts.expectation(size.float()).sum().backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in scorer.parameters())
    assert any(p.grad.abs().max() > 0 for p in scorer.parameters())


def test_asap() -> None:
    """Port ``test_asap`` of ``test/nn/pool/test_asap.py``: half the nodes, a real graph of edges.

    PyG's pool keeps self-loops, ``(2, 4)``, if it is told to add them. A self-loop is inside a
    merged node here, so that adding them changes nothing.
    """
    x, pool = features(), ThresholdMergePool()
    heights = pool.dendrogram(x, COMPLETE).height.tolist()
    for edge_index in (COMPLETE, add_self_loops(COMPLETE)[0]):
        out = pool(x, edge_index, threshold=between(heights[1], heights[2]))
        assert out.x.size() == (2, 16)
        assert out.edge_index.tolist() == [[0, 1], [1, 0]]


class TestEdgePooling:
    """``test/nn/pool/test_edge_pool.py``."""

    # PyG's nodes 4, 5 of the second graph and 6 of the first: batches are sorted here.
    X = torch.tensor([[0.0], [1.0], [2.0], [3.0], [-1.0], [4.0], [5.0]])
    EDGES = torch.cat([COMPLETE, torch.tensor([[5, 6, 4], [6, 5, 0]])], 1)
    BATCH = torch.tensor([0, 0, 0, 0, 0, 1, 1])

    def score(self, edge_index: Tensor, num_nodes: int) -> Tensor:
        """PyG's scores of the weights 1 and the bias 0 of its test."""
        raw = self.X.view(-1)[edge_index].sum(0)
        return EdgePooling.compute_edge_score_softmax(raw, edge_index, num_nodes)

    def test_edge_pooling(self) -> None:
        """Port ``test_edge_pooling``: sums of the pairs 0 1, 2 3 and 4 5, node 6 alone.

        Scores of both directions are averaged, which gives the same pairs. Pooled features are not
        multiplied by the score, so they are those that PyG unpools. Clusters are in the order of
        their nodes instead of their scores, and edges inside a cluster are removed.
        """
        pool = ThresholdMergePool(1e-3, merge="matching", reduce="sum")
        score = self.score(self.EDGES, 7)
        x, edge_index, _, batch, history = pool(
            self.X, self.EDGES, None, self.BATCH, edge_score=score
        )
        assert x.tolist() == [[1], [5], [-1], [9]]
        assert edge_index.tolist() == [[0, 1, 2], [1, 0, 0]]
        assert batch.tolist() == [0, 0, 0, 1]
        assert history.lift(x).tolist() == [[1], [1], [5], [5], [-1], [9], [9]]

    def test_without_the_last_node(self) -> None:
        """Port the edge case of ``test_edge_pooling``: all nodes are in a pair."""
        kept = torch.tensor([0, 1, 2, 3, 5, 6])
        edge_index = torch.cat([COMPLETE, torch.tensor([[4, 5], [5, 4]])], 1)
        raw = self.X[kept].view(-1)[edge_index].sum(0)
        score = EdgePooling.compute_edge_score_softmax(raw, edge_index, 6)
        pool = ThresholdMergePool(1e-3, merge="matching", reduce="sum")
        x, edges, _, batch, _ = pool(
            self.X[kept], edge_index, None, self.BATCH[kept], edge_score=score
        )
        assert x.tolist() == [[1], [5], [9]]
        assert batch.tolist() == [0, 0, 1]
        assert edges.tolist() == [[0, 1], [1, 0]]

    @pytest.mark.parametrize("squash", ["tanh", "sigmoid"])
    def test_a_function_that_keeps_the_order_keeps_the_pairs(self, squash: str) -> None:
        """Port ``test_compute_edge_score_tanh`` and ``..._sigmoid``: they keep the order of scores.

        The pairs of a matching depend on nothing but that order, if no threshold is in the way.
        """
        raw = torch.randn(7, 7, generator=torch.Generator().manual_seed(0))
        raw = (raw + raw.T)[self.EDGES[0], self.EDGES[1]]
        squashed = getattr(EdgePooling, f"compute_edge_score_{squash}")(raw)
        pool = ThresholdMergePool(0.5, merge="matching", logits=True)
        first, second = (
            pool(
                self.X,
                self.EDGES,
                None,
                self.BATCH,
                edge_score=score,
                threshold=torch.full((2,), -100.0),
            ).history.cluster
            for score in (raw, squashed)
        )
        assert first.equal(second)
        assert first.max() == 3

    def test_the_pairs_of_random_graphs_are_those_of_pyg(self, draw_graphs: Callable) -> None:
        """Compare with ``EdgePooling`` itself, with a score that is the same in both directions."""
        torch.manual_seed(0)
        peer = EdgePooling(3, edge_score_method=EdgePooling.compute_edge_score_sigmoid).double()
        peer.lin.weight.data[:, 3:] = peer.lin.weight.data[:, :3]
        for seed in range(5):
            graphs = draw_graphs(seed, [9, 1, 14])
            x, edge_index = graphs.x, graphs.edge_index
            edge_index = edge_index[:, edge_index[0] != edge_index[1]]
            with torch.no_grad():
                info = peer(x, edge_index, graphs.batch)[3]
                score = peer.lin(torch.cat([*x[edge_index]], 1)).view(-1)
            pool = ThresholdMergePool(merge="matching", logits=True).double()
            lowest = torch.full((3,), -1e6).double()
            history = pool(
                x, edge_index, None, graphs.batch, edge_score=score, threshold=lowest
            ).history
            assert partition(history.cluster) == partition(info.cluster)


def partition(cluster: Tensor) -> set[tuple[int, ...]]:
    """The members of every cluster, whatever its id is."""
    return {tuple((cluster == k).nonzero().view(-1).tolist()) for k in cluster.unique()}


class TestClusterPooling:
    """``test/nn/pool/test_cluster_pool.py``."""

    @pytest.mark.parametrize("method", ["tanh", "sigmoid", "log_softmax"])
    def test_cluster_pooling(self, method: str) -> None:
        """Port ``test_cluster_pooling``, and compare its clusters, edges and batch with PyG's.

        The weights are the same for both ends, as scores of both directions are averaged here. The
        batch is sorted, for which PyG's last node comes before its second graph. PyG needs SciPy.
        """
        pytest.importorskip("scipy", reason="ClusterPooling needs SciPy")
        x = torch.tensor([[0.0], [1.0], [2.0], [3.0], [-1.0], [4.0], [5.0]])
        loop = torch.tensor([[0, 4, 5, 6], [4, 0, 6, 5]])
        edge_index = torch.cat([COMPLETE, loop], 1)
        batch = torch.tensor([0, 0, 0, 0, 0, 1, 1])
        peer = ClusterPooling(1, edge_score_method=method)
        peer.lin.weight.data.fill_(0.7)
        peer.lin.bias.data.fill_(-1.5)
        with torch.no_grad():
            expected = peer(x, edge_index, batch)
            raw = peer.lin(x[edge_index].squeeze(2).T).view(-1)
        squash = torch.log_softmax(raw, 0) if method == "log_softmax" else getattr(raw, method)()
        found = ThresholdMergePool(logits=True)(
            x,
            edge_index,
            None,
            batch,
            edge_score=squash,
            threshold=torch.full((2,), float(peer.threshold)),
        )
        assert found.x.size(0) <= 7
        assert partition(found.history.cluster) == partition(expected[3].cluster)
        assert found.history.cluster.equal(expected[3].cluster)
        assert found.edge_index.equal(expected[1])
        assert found.batch.equal(expected[2])

    def test_the_clusters_of_random_graphs_are_those_of_pyg(self, draw_graphs: Callable) -> None:
        """Compare with ``ClusterPooling`` itself, with a score that is the same both ways."""
        pytest.importorskip("scipy", reason="ClusterPooling needs SciPy")
        torch.manual_seed(0)
        peer = ClusterPooling(3, edge_score_method="sigmoid")  # takes float32 alone
        peer.lin.weight.data[:, 3:] = peer.lin.weight.data[:, :3]
        sizes = []
        for seed in range(5):
            graphs = draw_graphs(seed, [9, 1, 14])
            x, edge_index = graphs.x.float(), graphs.edge_index
            with torch.no_grad():
                expected = peer(x, edge_index, graphs.batch)
                score = peer.lin(torch.cat([*x[edge_index]], 1)).view(-1).sigmoid()
            found = ThresholdMergePool(0.5)(x, edge_index, None, graphs.batch, edge_score=score)
            assert partition(found.history.cluster) == partition(expected[3].cluster)
            sizes.append(found.history.num_clusters)
        assert 3 < min(sizes) < max(sizes) < 24


class InPlaceOfTopK(nn.Module):
    """The pool with the signature and the six results of ``TopKPooling``.

    A U-Net puts what comes out of a pool back at ``perm``, one node each: here the first member of
    a cluster.
    """

    def __init__(self, pool: ThresholdMergePool) -> None:
        super().__init__()
        self.pool = pool

    def reset_parameters(self) -> None:
        self.pool.reset_parameters()

    def forward(
        self, x: Tensor, edge_index: Tensor, edge_weight: Tensor, batch: Tensor
    ) -> tuple[Tensor, Tensor, Tensor | None, Tensor, Tensor, None]:
        x, edge_index, edge_attr, batch, history = self.pool(x, edge_index, edge_weight, batch)
        first = [int(history.members(k)[0]) for k in range(history.num_clusters)]
        return x, edge_index, edge_attr, batch, torch.tensor(first), None


class Unchanged(nn.Module):
    """A pool that keeps all nodes as they are."""

    def forward(
        self, x: Tensor, edge_index: Tensor, edge_weight: Tensor, batch: Tensor
    ) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor, None]:
        return x, edge_index, edge_weight, batch, torch.arange(len(x)), None


@pytest.mark.filterwarnings("ignore:Sparse invariant checks are implicitly disabled")
class TestGraphUNet:
    """``test/nn/models/test_graph_unet.py``."""

    @staticmethod
    def make(threshold: float | None) -> GraphUNet:
        """A U-Net of PyG whose pools are replaced; None for pools that change nothing."""
        torch.manual_seed(0)
        model = GraphUNet(16, 32, 8, depth=3)
        for i in range(3):
            model.pools[i] = (
                Unchanged()
                if threshold is None
                else InPlaceOfTopK(ThresholdMergePool(threshold, estimator="gate"))
            )
        return model

    def test_graph_unet(self) -> None:
        """Port ``test_graph_unet``: a path of three nodes, which becomes one node and comes back.

        PyG's model is as it is, but for the pools. The gradient reaches every parameter.
        """
        model, sizes = self.make(0.01), []
        for pool in model.pools:
            pool.register_forward_hook(lambda _, inputs, out: sizes.append(out[0].size(0)))
        out = model(features(3), torch.tensor([[0, 1, 1, 2], [1, 0, 2, 1]]))
        assert out.size() == (3, 8)
        assert sizes == [1, 1, 1]
        out.sum().backward()
        assert all(p.grad is not None and p.grad.isfinite().all() for p in model.parameters())
        model.reset_parameters()

    def test_if_nothing_merges_it_is_the_net_without_pools(self) -> None:
        """Compare two nets; PyG has no such test, as its pools multiply features by a score."""
        x, edge_index = features(7), random_edges(7)
        expected = self.make(None)(x, edge_index)
        torch.testing.assert_close(self.make(1 - 1e-6)(x, edge_index), expected)
        assert not torch.allclose(self.make(0.5)(x, edge_index), expected)

    def test_a_batch_gives_what_each_graph_gives_alone(self) -> None:
        """Compare a batch with its graphs, of which PyG's test has one."""
        model = self.make(0.5)
        graphs = [
            Data(
                x=features(n, seed=n),
                edge_index=random_edges(n),
            )
            for n in (5, 1, 8)
        ]
        batch = Batch.from_data_list(graphs)
        expected = torch.cat([model(graph.x, graph.edge_index) for graph in graphs])
        torch.testing.assert_close(model(batch.x, batch.edge_index, batch.batch), expected)
