"""Input that is refused, and what is filled in; each entry point of the pool uses this check."""

import math
from itertools import product
from typing import Any, get_args

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch_geometric import EdgeIndex, Index
from torch_geometric.data import Batch, Data, HeteroData
from torch_geometric.utils import to_edge_index

from pyg_grapheme.graphs.check_graphs import check_graphs
from pyg_grapheme.nn.pool import ThresholdMergePool
from pyg_grapheme.typing import CandidatesName, MergeName

X = torch.ones(3, 2)
EDGES = torch.tensor([[0, 1], [1, 2]])
NONE = torch.empty(2, 0, dtype=torch.long)
BATCH = torch.zeros(3, dtype=torch.long)
ADJACENCY = torch.ones(3, 3).to_sparse()
CANDIDATES = get_args(CandidatesName)
MERGES = get_args(MergeName)
METHODS = ["forward", "select", "scores", "dendrogram", "cuts"]
NOT_FINITE = [torch.nan, torch.inf, -torch.inf]


class SparseTensor:
    """Stand-in for the class of ``torch_sparse``: an adjacency matrix that is no tensor."""


def bad_x(value: float, node: int) -> Tensor:
    x = X.clone()
    x[node, 1] = value
    return x


A_FLOAT = r"'x' to be a float tensor \[N, F\] \(got "
AN_INDEX = r"'edge_index' to be an int64 or int32 tensor \[2, E\] \(got "
FROM_SPARSE = r"'edge_index' to be an int64 .*, such as torch_geometric.utils.to_edge_index\(adj_t"
NUMBERS = r"'edge_attr' to be a float or integer tensor \[2\] or \[2, D\] \(got "
A_BATCH = r"'batch' to be an int64 or int32 tensor \[3\] \(got "
A_SIZE = r"'batch_size' to be an int \(got "
ENDS = r"'edge_index' to hold nodes in "
FINITE = r"'x' to be finite \(got NaN or infinity\)"

# Name -> changes to valid arguments, and the message.
REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "x: 1-d": ({"x": torch.ones(3)}, A_FLOAT + r"float32 of shape \(3,\)\)"),
    "x: 3-d": ({"x": torch.ones(3, 2, 1)}, A_FLOAT + r"float32 of shape \(3, 2, 1\)\)"),
    "x: 0-d": ({"x": torch.tensor(1.0)}, A_FLOAT + r"float32 of shape \(\)\)"),
    "x: integers": ({"x": X.long()}, A_FLOAT + "int64"),
    "x: bool": ({"x": X.bool()}, A_FLOAT + "bool"),
    "x: complex": ({"x": X.cfloat()}, A_FLOAT + "complex64"),
    "x: 8 bits": ({"x": X.to(torch.float8_e4m3fn)}, A_FLOAT + "float8_e4m3fn"),
    "x: sparse": ({"x": X.to_sparse()}, A_FLOAT + r"sparse_coo float32 of shape \(3, 2\)\)"),
    "x: numpy": ({"x": X.numpy()}, A_FLOAT + r"ndarray\)"),
    "x: list": ({"x": X.tolist()}, A_FLOAT + r"list\)"),
    "x: None": ({"x": None}, A_FLOAT + r"NoneType\)"),
    "x: x_dict": ({"x": {"author": X}, "edge_index": {}}, A_FLOAT + r"dict\)"),
    "x: Data": ({"x": Data(X, EDGES)}, A_FLOAT + r"Data\)"),
    "x: HeteroData": ({"x": HeteroData()}, A_FLOAT + r"HeteroData\)"),
    "x: NaN first": ({"x": bad_x(torch.nan, 0)}, FINITE),
    "x: NaN last": ({"x": bad_x(torch.nan, 2)}, FINITE),
    "x: +inf": ({"x": bad_x(torch.inf, 1)}, FINITE),
    "x: -inf": ({"x": bad_x(-torch.inf, 1)}, FINITE),
    "x: NaN in float16": ({"x": bad_x(torch.nan, 1).half()}, FINITE),
    "x: NaN in a node without edges": ({"x": bad_x(torch.nan, 2), "edge_index": NONE}, FINITE),
    "edge_index: 1-d": ({"edge_index": EDGES[0]}, AN_INDEX + r"int64 of shape \(2,\)\)"),
    "edge_index: [E, 2]": (
        {"edge_index": torch.zeros(3, 2).long()},
        AN_INDEX + r"int64 of shape \(3, 2\)\)",
    ),
    "edge_index: 3-d": ({"edge_index": EDGES[None]}, AN_INDEX + r"int64 of shape \(1, 2, 2\)\)"),
    "edge_index: bool": ({"edge_index": EDGES.bool()}, AN_INDEX + "bool"),
    "edge_index: uint8": ({"edge_index": EDGES.byte()}, AN_INDEX + "uint8"),
    "edge_index: int16": ({"edge_index": EDGES.short()}, AN_INDEX + "int16"),
    "edge_index: floats": ({"edge_index": EDGES.float()}, AN_INDEX + "float32"),
    "edge_index: no edges, floats": ({"edge_index": torch.empty(2, 0)}, AN_INDEX + "float32"),
    "edge_index: list": ({"edge_index": EDGES.tolist()}, AN_INDEX + r"list\)"),
    "edge_index: numpy": ({"edge_index": EDGES.numpy()}, AN_INDEX + r"ndarray\)"),
    "edge_index: None": ({"edge_index": None}, AN_INDEX + r"NoneType\)"),
    "edge_index: edge_index_dict": ({"edge_index": {("a", "to", "a"): EDGES}}, AN_INDEX + "dict"),
    "edge_index: sparse COO": (
        {"edge_index": ADJACENCY},
        FROM_SPARSE + r".* \(got sparse_coo float32 of shape \(3, 3\)\)",
    ),
    "edge_index: sparse CSR": (
        {"edge_index": ADJACENCY.to_sparse_csr()},
        FROM_SPARSE + r".* \(got sparse_csr float32 of shape \(3, 3\)\)",
    ),
    "edge_index: SparseTensor": (
        {"edge_index": SparseTensor()},
        FROM_SPARSE + r".* \(got SparseTensor\)",
    ),
    "edge_index: high": ({"edge_index": EDGES + 1}, ENDS + r"\[0, 3\) \(got 1 to 3\)"),
    "edge_index: negative": ({"edge_index": EDGES - 1}, ENDS + r"\[0, 3\) \(got -1 to 1\)"),
    "edge_index: no nodes": ({"x": torch.ones(0, 2)}, ENDS + r"\[0, 0\) \(got 0 to 2\)"),
    "edge_index: elsewhere": (
        {"edge_index": EDGES.to("meta")},
        r"'edge_index' to be on cpu, as 'x' is \(got meta\)",
    ),
    "edge_index: between graphs": (
        {"batch": torch.tensor([0, 0, 1])},
        r"'edge_index' to join nodes of one graph \(got an edge between two\)",
    ),
    "edge_attr: too long": ({"edge_attr": torch.ones(3)}, NUMBERS + r"float32 of shape \(3,\)\)"),
    "edge_attr: too short": ({"edge_attr": torch.ones(1, 2)}, NUMBERS + r".*\(1, 2\)\)"),
    "edge_attr: 0-d": ({"edge_attr": torch.tensor(1.0)}, NUMBERS + r"float32 of shape \(\)\)"),
    "edge_attr: 3-d": ({"edge_attr": torch.ones(2, 1, 1)}, NUMBERS + r".*\(2, 1, 1\)\)"),
    "edge_attr: bool": ({"edge_attr": torch.ones(2).bool()}, NUMBERS + "bool"),
    "edge_attr: complex": ({"edge_attr": torch.ones(2).cfloat()}, NUMBERS + "complex64"),
    "edge_attr: sparse": ({"edge_attr": torch.ones(2).to_sparse()}, NUMBERS + "sparse_coo float32"),
    "edge_attr: list": ({"edge_attr": [1.0, 2.0]}, NUMBERS + r"list\)"),
    "edge_attr: elsewhere": (
        {"edge_attr": torch.ones(2, device="meta")},
        r"'edge_attr' to be on cpu, as 'x' is \(got meta\)",
    ),
    "batch: too short": ({"batch": BATCH[:2]}, A_BATCH + r"int64 of shape \(2,\)\)"),
    "batch: 2-d": ({"batch": BATCH[:, None]}, A_BATCH + r"int64 of shape \(3, 1\)\)"),
    "batch: floats": ({"batch": BATCH.float()}, A_BATCH + "float32"),
    "batch: bool": ({"batch": BATCH.bool()}, A_BATCH + "bool"),
    "batch: list": ({"batch": [0, 0, 0]}, A_BATCH + r"list\)"),
    "batch: batch_size in its place": ({"batch": 1}, A_BATCH + r"int\)"),
    "batch: unsorted": ({"batch": torch.tensor([0, 1, 0])}, "'batch' to be sorted .got a smaller"),
    "batch: negative": ({"batch": BATCH - 1}, r"'batch' to be in \[0, 0\) \(got -1 to -1\)"),
    "batch: elsewhere": (
        {"batch": BATCH.to("meta")},
        r"'batch' to be on cpu, as 'x' is \(got meta\)",
    ),
    "batch_size: too small": (
        {"batch": BATCH + 1, "batch_size": 1},
        r"'batch' to be in \[0, 1\) \(got 1 to 1\)",
    ),
    "batch_size: 0 with nodes": (
        {"batch_size": 0},
        r"'batch_size' to be at least 1, as there are nodes \(got 0\)",
    ),
    "batch_size: negative": ({"batch_size": -1}, r"'batch_size' to be at least 0 \(got -1\)"),
    "batch_size: negative, with a batch": (
        {"batch": BATCH, "batch_size": -1},
        r"'batch_size' to be at least 0 \(got -1\)",
    ),
    "batch_size: bool": ({"batch_size": True}, A_SIZE + r"True\)"),
    "batch_size: float": ({"batch_size": 1.0}, A_SIZE + r"1.0\)"),
    "batch_size: tensor": ({"batch_size": torch.tensor(1)}, A_SIZE + r"Tensor\)"),
    "batch_size: string": ({"batch_size": "1"}, A_SIZE + r"'1'\)"),
}


@pytest.mark.parametrize(("changed", "message"), REFUSED.values(), ids=REFUSED.keys())
def test_invalid_input_is_refused(changed: dict[str, Any], message: str) -> None:
    arguments = {"x": X, "edge_index": EDGES, "edge_attr": None, "batch": None, "batch_size": None}
    with pytest.raises(ValueError, match="Expected " + message):
        check_graphs(**{**arguments, **changed})


@pytest.mark.parametrize("method", METHODS)
def test_every_entry_point_checks_each_argument(method: str) -> None:
    entry = getattr(ThresholdMergePool(), method)
    entry(X, EDGES, torch.ones(2), BATCH, 1)
    for name, value, message in (
        ("x", bad_x(torch.nan, 2), FINITE),
        ("edge_index", EDGES + 1, ENDS),
        ("edge_attr", torch.ones(3), NUMBERS),
        ("edge_attr", torch.tensor([torch.nan, 0.0]), FINITE.replace("x", "edge_attr")),
        ("edge_attr", torch.tensor([[0.0], [-torch.inf]]).half(), FINITE.replace("x", "edge_attr")),
        ("batch", BATCH[:2], A_BATCH),
        ("batch_size", 0, "'batch_size' to be at least 1"),
    ):
        with pytest.raises(ValueError, match="Expected " + message):
            entry(**{"x": X, "edge_index": EDGES, name: value})


@pytest.mark.parametrize("method", METHODS)
def test_data_in_place_of_tensors_are_told_of_pool_data(method: str) -> None:
    for data in (Data(X, EDGES), Batch.from_data_list([Data(X, EDGES)])):
        with pytest.raises(
            ValueError, match=rf"pool_data\(data\) .* \(got {type(data).__name__}\)"
        ):
            getattr(ThresholdMergePool(), method)(data, EDGES)


@pytest.mark.parametrize("layout", ["coo", "csr"])
def test_a_sparse_adj_t_becomes_edges_as_the_message_says(layout: str) -> None:
    # Row i, column j of PyG's adj_t is the edge from j to i.
    adj_t = torch.zeros(3, 3).index_put((EDGES[1], EDGES[0]), torch.tensor(1.0))
    adj_t = adj_t.to_sparse_csr() if layout == "csr" else adj_t.to_sparse()
    edge_index = to_edge_index(adj_t.t())[0]
    out = ThresholdMergePool()(torch.eye(3), edge_index)
    assert out.edge_index.tolist() == EDGES.tolist()


def test_the_sparse_tensor_of_torch_sparse() -> None:
    torch_sparse = pytest.importorskip("torch_sparse", reason="torch_sparse is not installed")
    with pytest.raises(ValueError, match=FROM_SPARSE + r".* \(got SparseTensor\)"):
        ThresholdMergePool()(X, torch_sparse.SparseTensor.from_edge_index(EDGES))


# Nodes, batch, batch_size -> batch, B.
FILLED_IN = {
    "neither": (3, None, None, [0, 0, 0], 1),
    "neither, no nodes": (0, None, None, [], 1),
    "batch_size alone": (3, None, 4, [0, 0, 0], 4),
    "batch_size alone, no nodes": (0, None, 3, [], 3),
    "batch_size 0, no nodes": (0, None, 0, [], 0),
    "batch alone": (3, [0, 0, 2], None, [0, 0, 2], 3),
    "both": (3, [1, 1, 1], 5, [1, 1, 1], 5),
    "batch of no nodes": (0, [], None, [], 0),
    "batch of no nodes, batch_size": (0, [], 2, [], 2),
    "batch_size from numpy": (3, [0, 0, 1], np.int64(3), [0, 0, 1], 3),
}


@pytest.mark.parametrize(
    ("num_nodes", "batch", "batch_size", "filled", "num_graphs"),
    FILLED_IN.values(),
    ids=FILLED_IN.keys(),
)
def test_batch_and_batch_size_are_filled_in(
    num_nodes: int,
    batch: list[int] | None,
    batch_size: int | None,
    filled: list[int],
    num_graphs: int,
) -> None:
    for kind in (torch.long, torch.int32, Index):
        given: Any = batch
        if batch is not None:
            index = torch.tensor(batch, dtype=torch.long)
            given = Index(index) if kind is Index else index.to(kind)
        found = check_graphs(torch.ones(num_nodes, 2), NONE.int(), None, given, batch_size)
        assert type(found.batch) is Tensor, kind
        assert found.edge_index.dtype == found.batch.dtype == torch.long, kind
        assert (found.batch.tolist(), found.num_graphs) == (filled, num_graphs), kind
        assert type(found.num_graphs) is int, kind


@pytest.mark.parametrize("sort_order", ["row", "col"])
def test_an_edge_index_keeps_its_cache(sort_order: str) -> None:
    edges = torch.tensor([[0, 0, 1, 2], [1, 1, 2, 2]])
    own = EdgeIndex(edges, sparse_size=(3, 3), sort_order=sort_order).fill_cache_()
    assert type(check_graphs(X, own, None, None, None).edge_index) is Tensor
    for method in METHODS:
        getattr(ThresholdMergePool(), method)(X, own, torch.ones(4))
        own.validate()
        assert own.as_tensor().tolist() == edges.tolist(), method
        assert own.sparse_size() == (3, 3), method
        (row_start, column), _ = own.get_csr()
        (column_start, row), _ = own.get_csc()
        assert (row_start.tolist(), column.tolist()) == ([0, 2, 3, 4], [1, 1, 2, 2]), method
        assert (column_start.tolist(), row.tolist()) == ([0, 0, 2, 4], [0, 0, 1, 2]), method


# Two graphs: a path whose node 1 is not finite, and a pair. Nodes 2 and 3 are alike, 4 and 5.
BROKEN = {
    "x": torch.tensor([[1.0, -1.0], [0.0, 0.0], [2.0, 2.0], [3.0, 3.0], [1.0, 3.0], [2.0, 6.0]]),
    "edge_index": torch.tensor([[0, 1, 2, 4], [1, 2, 3, 5]]),
    "batch": torch.tensor([0, 0, 0, 0, 1, 1]),
}


def broken(value: float) -> dict[str, Tensor]:
    x = BROKEN["x"].clone()
    x[1, 0] = value
    return {**BROKEN, "x": x}


@pytest.mark.parametrize("merge", MERGES)
def test_unchecked_a_node_that_is_not_finite_merges_with_nothing(merge: str) -> None:
    estimators = ("none", "gate", "straight_through")
    for setting in product(CANDIDATES, NOT_FINITE, estimators):
        candidates, value, estimator = setting
        pool = ThresholdMergePool(
            0.5, candidates=candidates, merge=merge, estimator=estimator, check_finite=False
        )
        x, edge_index, _, batch, history = pool(**broken(value))
        assert history.cluster.tolist() == [0, 1, 2, 2, 3, 3], setting
        assert edge_index.tolist() == [[0, 1], [1, 2]], setting
        assert batch.tolist() == [0, 0, 0, 1], setting
        w = 1 / (1 + math.exp(-0.5 / 0.1)) if estimator == "gate" else 1.0
        expected = torch.tensor([[1.0, -1.0], [2.5 * w, 2.5 * w], [1.5 * w, 4.5 * w]])
        torch.testing.assert_close(x[[0, 2, 3]], expected)
        assert not x[1].isfinite().all(), setting


@pytest.mark.parametrize("merge", MERGES)
def test_unchecked_nothing_raises_and_other_graphs_are_unaffected(merge: str) -> None:
    """A matching and both linkages leave out scores that are NaN: their probabilities are finite.

    The features that are not finite reach the output with every merge.
    """
    above = 1 / (1 + math.exp(-0.5 / 0.1))
    for setting in product(CANDIDATES, NOT_FINITE):
        candidates, value = setting
        pool = ThresholdMergePool(0.5, candidates=candidates, merge=merge, check_finite=False)
        assert pool.select(**broken(value)).cluster.tolist() == [0, 1, 2, 2, 3, 3], setting
        tree = pool.dendrogram(**broken(value))
        assert tree.height[tree.graph == 1].tolist() == pytest.approx([1.0]), setting
        cuts = pool.cuts(**broken(value))
        is_nan = bool(cuts.weight[cuts.graph == 0].isnan().any())
        assert is_nan == (merge == "components"), setting
        assert cuts.weight[cuts.graph == 1].tolist() == pytest.approx([1 - above, above]), setting
        total = cuts.output.x.new_zeros(cuts.num_cuts)
        total.index_add_(0, cuts.output.batch, cuts.output.x.sum(1))
        mean = cuts.expectation(total)
        assert not mean[0].isfinite(), setting
        assert mean[1].item() == pytest.approx((1 - above) * 12 + above * 6), setting


class Attribute(nn.Module):
    """A score that depends on the edge attribute alone, NaN below 0."""

    def forward(self, x_i: Tensor, x_j: Tensor, edge_attr: Tensor) -> Tensor:
        return edge_attr.sqrt().sigmoid()


@pytest.mark.parametrize("merge", MERGES)
def test_a_learned_score_that_is_not_finite(merge: str) -> None:
    inputs = (X, EDGES, torch.tensor([-1.0, 5.0]))
    checked = ThresholdMergePool(score=Attribute(), merge=merge)
    unchecked = ThresholdMergePool(score=Attribute(), merge=merge, check_finite=False)
    for method in METHODS:
        with pytest.raises(ValueError, match=r"'score' to return finite numbers \(got NaN"):
            getattr(checked, method)(*inputs)
        getattr(unchecked, method)(*inputs)
    found = unchecked(*inputs)
    assert found.history.cluster.tolist() == [0, 1, 1]
    assert found.edge_attr.tolist() == [-1.0]
