"""The list of checks, run on any layer that splits nodes."""

from typing import Any

import torch
from torch import Tensor, nn
from torch_geometric.data import Data
from torch_geometric.utils import scatter

from pyg_grapheme.graphs import distinct_edges
from pyg_grapheme.testing.check_result import CheckResult
from pyg_grapheme.testing.checks import CHECKS, Check, expect_that
from pyg_grapheme.testing.gradients import assert_gradients_match
from pyg_grapheme.testing.graphs import TestGraphs
from pyg_grapheme.testing.run_checks import run_checks


def check_split(layer: nn.Module, features: int | None = None) -> list[CheckResult]:
    """Run all checks on a layer that splits nodes, each on its own copy, on the layer's device.

    A check runs in float32, or in float64 if it compares with central differences. A failed check
    is not always a fault: children need not have their parent as mean. Checks of parameters, edge
    attributes or cuts pass if the layer has none. Choose a threshold at which some nodes of normal
    features split, and others do not.

    Args:
        layer: Called as ``layer(x, edge_index, batch=batch)``. It returns an object with ``x``,
            ``edge_index``, ``batch`` and a ``history``, which has ``parent``, the input node of
            each output node, and ``lift``. If its ``forward`` has a parameter ``edge_attr`` or
            ``edge_weight``, it is also called with attributes [E, 2] or weights [E]. If it has a
            method ``cuts``, it is called in the same way, and returns :class:`Cuts`.
        features: Number of node features, at least 2; by default the layer's ``in_channels``, or 3.

    Returns:
        One result per check, in the order of ``SPLIT_CHECKS``, whatever the layer raises. The state
        of torch's random number generators is restored.

    Raises:
        ValueError: if ``layer`` is not a module or ``features`` is below 2.

    Cost: four calls of the layer per entry of x and of its parameters, and about a hundred more.
    """
    return run_checks("layer", layer, SPLIT_CHECKS, features)


def _run(layer: nn.Module, data: Data) -> Any:
    """Split a graph or a batch of graphs."""
    out = layer(data.x, data.edge_index, batch=_batch(data))
    parent = getattr(getattr(out, "history", None), "parent", None)
    expect_that(isinstance(parent, Tensor), "the output has no 'history' with a 'parent'")
    shape, size = tuple(out.history.parent.shape), out.x.size(0)
    expect_that(shape == (size,), f"parents of shape {shape} for {size} nodes")
    return out


def _batch(data: Data) -> Tensor:
    batch = data.edge_index.new_zeros(data.num_nodes) if data.batch is None else data.batch
    return batch if isinstance(batch, Tensor) else torch.as_tensor(batch)


def _all_graphs(graphs: TestGraphs) -> list[Data]:
    one_by_one = [graphs.batch, graphs.gap, graphs.sparse, graphs.dense, graphs.path, graphs.star]
    return one_by_one + list(graphs.degenerate.values())


def _has_one_or_two_children(layer: nn.Module, graphs: TestGraphs) -> None:
    for data in _all_graphs(graphs):
        parent = _run(layer, data).history.parent
        expect_that(bool((parent.diff() >= 0).all()), f"parents {parent.tolist()} are not sorted")
        found = sorted(set(torch.bincount(parent, minlength=data.num_nodes).tolist()))
        expect_that(set(found) <= {1, 2}, f"nodes with {found} children")


def _stays_in_its_graph(layer: nn.Module, graphs: TestGraphs) -> None:
    for data in (graphs.batch, graphs.gap):
        out = _run(layer, data)
        expected = data.batch[out.history.parent]
        expect_that(
            torch.equal(out.batch, expected), f"batch {out.batch.tolist()}, not {expected.tolist()}"
        )


def _leaves_others_unchanged(layer: nn.Module, graphs: TestGraphs) -> None:
    for data in _all_graphs(graphs):
        out = _run(layer, data)
        parent = out.history.parent
        alone = torch.bincount(parent, minlength=data.num_nodes)[parent] == 1
        expect_that(torch.equal(out.x[alone], data.x[parent[alone]]), "a node without children")


def _has_its_parent_as_mean(layer: nn.Module, graphs: TestGraphs) -> None:
    for data in _all_graphs(graphs):
        out = _run(layer, data)
        mean = scatter(out.x, out.history.parent, 0, data.num_nodes, "mean")
        torch.testing.assert_close(mean, data.x, rtol=1e-4, atol=1e-5)


def _lifts_by_averaging(layer: nn.Module, graphs: TestGraphs) -> None:
    for data in _all_graphs(graphs):
        out = _run(layer, data)
        for fine in (torch.randn_like(out.x), torch.randn_like(out.x[:, 0])):
            mean = scatter(fine, out.history.parent, 0, data.num_nodes, "mean")
            torch.testing.assert_close(out.history.lift(fine), mean)


def _gives_the_edges_back(layer: nn.Module, graphs: TestGraphs) -> None:
    for data in _all_graphs(graphs):
        out = _run(layer, data)
        found = distinct_edges(out.history.parent[out.edge_index], data.num_nodes)
        expected = distinct_edges(data.edge_index, data.num_nodes)
        lost = _difference(expected, found)
        expect_that(not lost, f"no edge for {sorted(lost)}")
        new = _difference(found, expected)
        expect_that(not new, f"edges between the children of {sorted(new)}, which are not joined")


def _difference(edges: Tensor, others: Tensor) -> set[tuple[int, ...]]:
    left, right = (set(map(tuple, e.T.tolist())) for e in (edges, others))
    return left - right


def _keeps_it_acyclic(layer: nn.Module, graphs: TestGraphs) -> None:
    for data in _all_graphs(graphs):
        low, high = data.edge_index
        out = _run(layer, Data(x=data.x, edge_index=data.edge_index[:, low < high]))
        size = out.x.size(0)
        row, column = out.edge_index.cpu()
        adjacency = torch.zeros(size, size, dtype=torch.double)
        adjacency[row, column] = 1 / max(size, 1)
        # The n-th power has an entry if there are walks of n edges: along a cycle.
        expect_that(not bool(torch.linalg.matrix_power(adjacency, size).any()), "a cycle")


def _cuts(layer: nn.Module, data: Data) -> Any:
    cuts = getattr(layer, "cuts", None)
    return None if cuts is None else cuts(data.x, data.edge_index, batch=_batch(data))


def _weighs_its_cuts(layer: nn.Module, graphs: TestGraphs) -> None:
    for data in (graphs.batch, graphs.sparse):
        cuts = _cuts(layer, data)
        if cuts is not None:
            expect_that(bool((cuts.weight >= 0).all()), f"weights {cuts.weight.tolist()}")
            total = cuts.expectation(torch.ones_like(cuts.weight))
            torch.testing.assert_close(total, torch.ones_like(total))


def _nests_its_cuts(layer: nn.Module, graphs: TestGraphs) -> None:
    for data in (graphs.batch, graphs.sparse):
        cuts = _cuts(layer, data)
        if cuts is None:
            continue
        count = torch.bincount(cuts.output.history.parent, minlength=cuts.node.numel())
        parts = [count[cuts.batch == r] for r in range(cuts.num_cuts)]
        for r in range(1, cuts.num_cuts):
            same = bool(cuts.graph[r] == cuts.graph[r - 1])
            nested = not same or bool((parts[r] >= parts[r - 1]).all())
            expect_that(nested, f"cut {r} joins children that cut {r - 1} has split")


def _has_exact_cuts(layer: nn.Module, graphs: TestGraphs) -> None:
    layer.eval()
    data = graphs.batch
    if not hasattr(layer, "cuts"):
        return

    def expected(x: Tensor, *_: Tensor) -> Tensor:
        cuts = _cuts(layer, Data(x=x, edge_index=data.edge_index, batch=data.batch))
        out = cuts.output
        value = scatter(out.x.sin().sum(1) + 1, out.batch, 0, cuts.num_cuts)
        return torch.as_tensor(cuts.expectation(value))

    trained = [parameter for parameter in layer.parameters() if parameter.requires_grad]
    assert_gradients_match(expected, [data.x, *trained])


_OF_POOLS_ALONE = {
    "returns no self-loops and no repeated edges",
    "returns at most as many edges as the input has",
    "keeps the direction of the edges",
    "pools each graph of a batch independently",
}

SPLIT_CHECKS: dict[str, Check] = {
    **{name: check for name, check in CHECKS.items() if name not in _OF_POOLS_ALONE},
    "splits each graph of a batch independently": CHECKS[
        "pools each graph of a batch independently"
    ],
    "gives every node one or two children, in the order of the nodes": Check(
        _has_one_or_two_children
    ),
    "keeps children in the graph of their parent": Check(_stays_in_its_graph),
    "leaves nodes that do not split unchanged": Check(_leaves_others_unchanged),
    "has children whose mean is their parent": Check(_has_its_parent_as_mean),
    "lifts by averaging the children": Check(_lifts_by_averaging),
    "gives the edges back where children are merged": Check(_gives_the_edges_back),
    "keeps a directed acyclic graph acyclic": Check(_keeps_it_acyclic),
    "has cuts whose weights are probabilities, if it has cuts": Check(_weighs_its_cuts),
    "has nested cuts, if it has cuts": Check(_nests_its_cuts),
    "has exact gradients through its cuts, if it has cuts": Check(_has_exact_cuts, torch.double),
}
"""All checks by name, in the order in which they run."""
