"""The pool's table of inputs, split as the definition says, and input that is refused."""

import runpy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import networkx as nx
import pytest
import torch
from torch import Tensor, nn

from pyg_grapheme.filtration import Cuts
from pyg_grapheme.nn import ThresholdSplit
from pyg_grapheme.nn.split import SplitOutput
from pyg_grapheme.testing import degenerate_graphs

CASES = runpy.run_path(str(Path(__file__).parents[1] / "pool" / "test_inputs.py"))["CASES"]
CONNECTS = ("inherit", "chain")
ROUNDING = {torch.half: 4e-3, torch.bfloat16: 3e-2, torch.float: 1e-5, torch.double: 1e-10}


def make(dtype: torch.dtype, connect: str = "inherit", **options: Any) -> ThresholdSplit:
    torch.manual_seed(0)  # Weights of other seeds may give two nodes one score in bfloat16.
    split = ThresholdSplit(3, 0.5, connect=connect, **options).to(dtype)
    # Small, so that long features do not overflow.
    split.children_of.map.weight.data.copy_(torch.linspace(-0.02, 0.03, 9).view(3, 3))
    return split


def assert_split(found: SplitOutput, x: Tensor, case: Any, connect: str, chosen: list[int]) -> None:
    """Compare with a split of the chosen nodes, node by node and edge by edge."""
    weight = torch.linspace(-0.02, 0.03, 9).view(3, 3).to(x.dtype).double()
    batch = [0] * len(x) if case.batch is None else case.batch.tolist()
    rows, ids = [], []
    for i, row in enumerate(x.double()):
        offset = weight @ row
        own = [row + offset, row - offset] if i in chosen else [row]
        ids.append(list(range(len(rows), len(rows) + len(own))))
        rows += own
    edges, source = [], []
    for k, (i, j) in enumerate(case.edge_index.T.tolist()):
        if connect == "chain":
            new = [(ids[i][-1], ids[j][0])]
        else:
            new = [(a, b) for a in ids[i] for b in ids[j] if i != j or a == b]
        edges += new
        source += [k] * len(new)
    if connect == "chain":
        edges += [tuple(ids[i]) for i in chosen]
    parent = [i for i, own in enumerate(ids) for _ in own]
    assert type(found.edge_index) is Tensor
    assert found.edge_index.T.tolist() == [list(edge) for edge in edges]
    assert found.history.parent.tolist() == parent
    assert found.batch.tolist() == [batch[i] for i in parent]
    assert found.x.dtype == x.dtype
    assert found.history.weight.dtype == torch.promote_types(x.dtype, torch.float)
    expected = torch.stack(rows) if rows else x.double()
    tolerance = ROUNDING[x.dtype] * float(expected.abs().max()) if expected.numel() else 0
    torch.testing.assert_close(found.x.double(), expected, rtol=0, atol=tolerance)
    if case.edge_attr is None:
        assert found.edge_attr is None
        return
    attr = case.edge_attr[source]
    zeros = attr.new_zeros(len(edges) - len(source), *attr.shape[1:])
    assert found.edge_attr.dtype == case.edge_attr.dtype
    torch.testing.assert_close(
        found.edge_attr, torch.cat([attr, zeros]), equal_nan=True, rtol=0, atol=0
    )


@pytest.mark.parametrize("name", [name for name in CASES if name not in ("x: F = 0", "x: F = 1")])
def test_accepted(name: str) -> None:
    case = CASES[name]
    x = case.x[:, [0, 1, 1]] if case.x.size(1) == 2 else case.x
    score = (torch.arange(len(x)) % 3 / 4 + 0.1).to(torch.promote_types(x.dtype, torch.float))
    num_graphs = 1 if case.batch is None else max([-1, *case.batch.tolist()]) + 1
    num_graphs = num_graphs if case.batch_size is None else case.batch_size
    for connect in CONNECTS:
        split = make(x.dtype, connect)
        # Third nodes score 0.6, second 0.35, first 0.1.
        chosen = [i for i in range(len(x)) if i % 3 == 2]
        out = split(x, *case[1:], node_score=score)
        assert_split(out, x, case, connect, chosen)
        assert out.history.num_graphs == num_graphs
        assert out.history.log_prob.shape == (num_graphs,)
        leaf = x.detach().clone().requires_grad_()
        for result in (split(leaf, *case[1:]), split.cuts(leaf, *case[1:])):
            leaf.grad = None
            split.zero_grad()
            assert_gradients_are_finite(split, result, leaf, num_graphs)


def assert_gradients_are_finite(
    split: ThresholdSplit, result: SplitOutput | Cuts, x: Tensor, num_graphs: int
) -> None:
    """Of the default score, in everything; none is missing."""
    total = (result.output if isinstance(result, Cuts) else result).x.double().sin().sum()
    if isinstance(result, Cuts):
        ones = torch.ones_like(result.weight)
        torch.testing.assert_close(result.expectation(ones), ones.new_ones(num_graphs))
        value = torch.arange(result.num_cuts, device=x.device).to(ones)
        total = total + result.expectation(value).sum()
        assert bool((result.weight >= 0).all())
    # Scaled, as the gradients of weights overflow in half precision where features are long.
    (1e-3 * total).backward()
    for tensor in (x, *split.parameters()):
        assert tensor.grad is not None
        assert bool(tensor.grad.isfinite().all())


@pytest.mark.parametrize("name", ["x: F = 0", "x: F = 1"])
def test_another_number_of_features_is_refused(name: str) -> None:
    case = CASES[name]
    message = rf"'x' to have in_channels=3 features \(got {case.x.size(1)}\)"
    for method in ("forward", "cuts", "scores", "select"):
        with pytest.raises(ValueError, match=message):
            getattr(ThresholdSplit(3), method)(*case)


def test_one_feature_is_enough() -> None:
    case = CASES["x: F = 1"]
    out = ThresholdSplit(1)(*case, node_score=torch.tensor([0.1, 0.9, 0.2]))
    assert out.history.parent.tolist() == [0, 1, 1, 2]


@pytest.mark.parametrize("connect", CONNECTS)
def test_every_degenerate_graph_keeps_its_nodes_and_edges(connect: str) -> None:
    for name, data in degenerate_graphs().items():
        split = make(torch.double, connect)
        out = split(data.x, data.edge_index, threshold=torch.zeros(1).double())
        assert out.x.size(0) == 2 * data.num_nodes, name
        assert_split(
            out,
            data.x,
            CASES["one node"]._replace(**data.to_dict()),
            connect,
            list(range(data.num_nodes)),
        )


@pytest.mark.parametrize("connect", CONNECTS)
def test_a_directed_acyclic_graph_stays_one(connect: str, tie_free_dag: Callable) -> None:
    for seed in range(10):
        data = tie_free_dag(9, seed=seed, edges_per_node=3)
        split = make(torch.double, connect)
        cuts = split.cuts(data.x, data.edge_index)
        assert cuts.num_cuts == 10
        graph = nx.DiGraph(cuts.output.edge_index.T.tolist())
        assert nx.is_directed_acyclic_graph(graph)
        assert graph.number_of_edges() == cuts.output.edge_index.unique(dim=1).size(1)


@pytest.mark.parametrize("dtype", ROUNDING)
def test_features_of_another_dtype_than_the_weights(dtype: torch.dtype) -> None:
    case = CASES["ordinary"]
    x = case.x.to(dtype, copy=True).requires_grad_()
    score = torch.arange(len(x)) % 2 * 0.8 + 0.1
    out = make(torch.float)(x, *case[1:], node_score=score)
    weight = torch.linspace(-0.02, 0.03, 9).view(3, 3).double()
    offset = x.detach().double() @ weight.T
    parent = out.history.parent
    sign = torch.tensor([(0, 1, -1)[i % 3] for i in range(len(parent))])[:, None]
    assert out.x.dtype == dtype
    expected = x.detach().double()[parent] + sign * offset[parent]
    torch.testing.assert_close(out.x.double(), expected, rtol=0, atol=5 * ROUNDING[dtype])
    split = make(torch.float)
    linear = split.score.map
    logit = x.detach().double() @ linear.weight[0].double() + linear.bias.double()
    found = split.scores(x, *case[1:])
    assert found.dtype == torch.promote_types(dtype, torch.float)
    tolerance = 1e-10 if dtype == torch.double else 1e-6
    torch.testing.assert_close(found.double(), logit.sigmoid(), rtol=0, atol=tolerance)
    for result in (split(x, *case[1:]), split.cuts(x, *case[1:])):
        split.zero_grad()
        x.grad = None
        assert_gradients_are_finite(split, result, x, 1 if case.batch is None else 2)


CONTEXTS = {
    "autocast": lambda: torch.autocast("cpu", dtype=torch.bfloat16),
    "no_grad": torch.no_grad,
    "inference_mode": torch.inference_mode,
}


@pytest.mark.parametrize("context", CONTEXTS.values(), ids=CONTEXTS.keys())
def test_inside(context: Callable) -> None:
    case = CASES["ordinary"]
    split = make(torch.float)
    expected = split.cuts(*case)
    with context():
        found = split.cuts(*case)
        assert found.output.x.dtype == torch.float
    torch.testing.assert_close(found.weight, expected.weight, rtol=0, atol=2e-2)
    assert found.output.edge_index.equal(expected.output.edge_index)
    torch.testing.assert_close(found.output.x, expected.output.x, rtol=1e-2, atol=1e-2)


def test_nan_does_not_split_where_it_is_not_refused() -> None:
    x = torch.ones(3, 3)
    x[1, 2] = torch.nan
    split = make(torch.float, check_finite=False)
    out = split(x, torch.tensor([[0], [1]]), threshold=torch.zeros(1))
    assert out.history.parent.tolist() == [0, 0, 1, 2, 2]


class Returns(nn.Module):
    """A module that returns a fixed value."""

    def __init__(self, value: Any) -> None:
        super().__init__()
        self.value = value

    def forward(self, x: Tensor) -> Any:
        return self.value


X, EDGES = torch.ones(2, 3), torch.tensor([[0], [1]])
PER_NODE = r"'score' to return one number per node, \(2,\) \(got "
TWO_ROWS = r"'children' to return two rows of 3 floats for each of 2 nodes, \(2, 2, 3\) \(got "
REFUSED_OPTIONS: dict[str, tuple[dict[str, Any], str]] = {
    "in_channels": ({"in_channels": 0}, r"'in_channels' to be at least 1 \(got 0\)"),
    "threshold": ({"threshold": 1.0}, r"'threshold' to be in \(0, 1\), .* \(got 1.0\)"),
    "score": ({"score": "cosine"}, r"'score' to be None or a module \(got 'cosine'\)"),
    "children": ({"children": torch.sin}, r"'children' to be None or a module \(got <built-in"),
    "connect": ({"connect": "both"}, r"'connect' to be one of 'inherit', 'chain' \(got 'both'\)"),
    "logits": ({"logits": 1}, r"'logits' to be True or False \(got 1\)"),
    "estimator": ({"estimator": "gate"}, r"'estimator' to be one of 'none', 'reinforce' .*'gate'"),
    "temperature": ({"temperature": 0}, r"'temperature' to be positive \(got 0\)"),
    "check_finite": ({"check_finite": None}, r"'check_finite' to be True or False \(got None\)"),
}
REFUSED_MODULES: dict[str, tuple[dict[str, Any], str]] = {
    "score: [N, 1]": ({"score": Returns(torch.ones(2, 1))}, PER_NODE + r"\(2, 1\)\)"),
    "score: float": ({"score": Returns(0.5)}, PER_NODE + r"float\)"),
    "score: NaN": (
        {"score": Returns(torch.tensor([0.5, torch.nan]))},
        r"'score' to return finite numbers \(got NaN or infinity\)",
    ),
    "score: outside": (
        {"score": Returns(torch.tensor([-1.5, 2.0]))},
        r"'score' to return numbers in \[0, 1\], or logits with logits=True \(got -1.5 to 2\)",
    ),
    "children: [S, F]": ({"children": Returns(torch.ones(2, 3))}, TWO_ROWS + r".*\(2, 3\)\)"),
    "children: 3": ({"children": Returns(torch.ones(2, 3, 3))}, TWO_ROWS + r".*\(2, 3, 3\)\)"),
    "children: F": ({"children": Returns(torch.ones(2, 2, 4))}, TWO_ROWS + r".*\(2, 2, 4\)\)"),
    "children: int": ({"children": Returns(torch.ones(2, 2, 3).long())}, TWO_ROWS + "torch.int64"),
    "children: list": ({"children": Returns([X, X])}, TWO_ROWS + r"list\)"),
}
REFUSED_INPUTS: dict[str, tuple[dict[str, Any], str]] = {
    "edge_attr: NaN": (
        {"edge_attr": X[:1] / 0},
        r"'edge_attr' to be finite \(got NaN or infinity\)",
    ),
    "x: NaN": ({"x": X * torch.nan}, r"'x' to be finite \(got NaN or infinity\)"),
    "edge_index": ({"edge_index": EDGES + 1}, r"'edge_index' to hold nodes in \[0, 2\) .*1 to 2"),
    "edge_attr": ({"edge_attr": X[:, :1]}, r"'edge_attr' to be a float or .* \[1\] or \[1, D\]"),
    "batch": ({"batch": torch.tensor([0, 1])}, "'edge_index' to join nodes of one graph"),
    "node_score: shape": (
        {"node_score": torch.ones(3)},
        r"'node_score' to be a float tensor \[2\], one number per node \(got float32 .*\(3,\)",
    ),
    "node_score: NaN": (
        {"node_score": torch.tensor([0.5, torch.nan])},
        r"'node_score' to be finite \(got NaN",
    ),
    "threshold": (
        {"threshold": torch.ones(2)},
        r"'threshold' to be a float tensor \[1\], one number per graph \(got float32 .*\(2,\)",
    ),
}


@pytest.mark.parametrize("name", REFUSED_OPTIONS)
def test_refused_options(name: str) -> None:
    options, message = REFUSED_OPTIONS[name]
    with pytest.raises(ValueError, match=message):
        ThresholdSplit(**({"in_channels": 3} | options))


@pytest.mark.parametrize("name", REFUSED_MODULES)
def test_refused_results_of_modules(name: str) -> None:
    options, message = REFUSED_MODULES[name]
    split = ThresholdSplit(3, **options)
    for method in ("forward", "cuts"):
        with pytest.raises(ValueError, match=message):
            getattr(split, method)(X, EDGES, threshold=torch.zeros(1))


@pytest.mark.parametrize("name", REFUSED_INPUTS)
def test_refused_inputs(name: str) -> None:
    changes, message = REFUSED_INPUTS[name]
    for method in ("forward", "cuts"):
        with pytest.raises(ValueError, match=message):
            getattr(ThresholdSplit(3), method)(**({"x": X, "edge_index": EDGES} | changes))


def test_refused_bounds_of_cuts() -> None:
    for options, message in (
        ({"min_mass": 0.0}, r"'min_mass' to be in \(0, 1\] \(got 0.0\)"),
        ({"max_cuts": 0}, r"'max_cuts' to be at least 1 \(got 0\)"),
        ({"levels": 0}, r"'levels' to be at least 1 \(got 0\)"),
    ):
        with pytest.raises(ValueError, match=message):
            ThresholdSplit(3).cuts(X, EDGES, **options)


def test_logits_may_be_any_numbers() -> None:
    split = ThresholdSplit(3, 0.7, logits=True)
    assert split.temperature == 1
    out = split(X, EDGES, node_score=torch.tensor([0.8, 0.9]))  # logit(0.7) is 0.847
    assert out.history.parent.tolist() == [0, 1, 1]
    assert out.history.threshold == split.raw_threshold
