"""The checks of a layer that rewires graphs."""

from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch_geometric.data import Data
from torch_geometric.utils import scatter

from pyg_grapheme.testing.check_result import CheckResult
from pyg_grapheme.testing.checks import (
    Check,
    Run,
    adds_to,
    attributes_for,
    expect_that,
    expect_well_formed,
)
from pyg_grapheme.testing.gradients import assert_gradients_match, gradients_or_zeros
from pyg_grapheme.testing.graphs import TestGraphs, degenerate_graphs
from pyg_grapheme.testing.pooled import Pooled
from pyg_grapheme.testing.run_checks import run_checks

REWIRE_CHECKS: dict[str, Check] = {}
"""All checks by name, in the order in which they run."""

_check = adds_to(REWIRE_CHECKS)


def check_rewire(layer: nn.Module, features: int | None = None) -> list[CheckResult]:
    """Run all checks on a layer that deletes or inserts edges, each on its own copy.

    They are those of :func:`check_pool`, for layers that keep all nodes. A failed check is not
    always a fault: a layer that treats the directions of a pair apart need not keep a graph
    undirected. Checks of attributes, history and cuts pass if the layer has none.

    Args:
        layer: Called as ``layer(x, edge_index, batch=batch)``. It returns an object with
            ``edge_index`` and maybe ``edge_attr`` and ``history``, or a tuple that begins with the
            first two. If its ``forward`` has a parameter ``edge_attr`` or ``edge_weight``, it is
            also called with attributes [E, 2] or weights [E]. A ``history`` may have ``edge``, the
            input edge of each output edge or -1, and ``lift``. If the layer has a method ``cuts``,
            it returns a :class:`pyg_grapheme.filtration.Cuts` of such outputs.
        features: Number of node features, at least 2; by default the layer's ``in_channels``, or 3.

    Returns:
        One result per check, in the order of ``REWIRE_CHECKS``, whatever the layer raises. The
        state of torch's random number generators is restored.

    Raises:
        ValueError: if ``layer`` is not a module or ``features`` is below 2.
    """
    return run_checks("layer", layer, REWIRE_CHECKS, features)


class Rewired(NamedTuple):
    """Output of a layer: edges [2, E'], their attributes or None, and the history or None."""

    edge_index: Tensor
    edge_attr: Tensor | None
    history: Any


def _rewire(layer: nn.Module, data: Data, **attributes: Tensor) -> Rewired:
    batch = data.edge_index.new_zeros(data.num_nodes) if data.batch is None else data.batch
    return _read(layer(data.x, data.edge_index, batch=batch, **attributes))


def _read(output: Any) -> Rewired:
    if hasattr(output, "edge_index"):
        edge_index, attr = output.edge_index, getattr(output, "edge_attr", None)
    elif isinstance(output, tuple | list):
        edge_index, attr = (*output, None, None)[:2]
    else:
        raise AssertionError(f"Expected the layer to return a tuple (got {type(output).__name__})")
    is_index = isinstance(edge_index, Tensor) and edge_index.dtype == torch.long
    expect_that(is_index and edge_index.dim() == 2, "the output has no int64 edges [2, E']")
    return Rewired(edge_index, attr, getattr(output, "history", None))


def _expect_fits(out: Rewired, data: Data) -> None:
    batch = data.edge_index.new_zeros(data.num_nodes) if data.batch is None else data.batch
    num_graphs = int(batch.max()) + 1 if batch.numel() else 1
    expect_well_formed(Pooled(data.x, out.edge_index, out.edge_attr, batch), num_graphs)


def _edges(edge_index: Tensor) -> list[tuple[int, int]]:
    return sorted(map(tuple, edge_index.T.tolist()))


@_check("returns edges of the same nodes")
def _returns_edges(layer: nn.Module, graphs: TestGraphs) -> None:
    _expect_fits(_rewire(layer, graphs.batch), graphs.batch)


@_check("accepts an empty graph between others")
def _accepts_an_empty_graph(layer: nn.Module, graphs: TestGraphs) -> None:
    _expect_fits(_rewire(layer, graphs.gap), graphs.gap)


@_check("inserts no self-loops and repeats no edges")
def _inserts_simple_edges(layer: nn.Module, graphs: TestGraphs) -> None:
    for data in (graphs.dense, graphs.sparse):
        found, given = _edges(_rewire(layer, data).edge_index), _edges(data.edge_index)
        for edge in set(found):
            allowed = max(given.count(edge), edge[0] != edge[1])
            expect_that(found.count(edge) <= allowed, f"{found.count(edge)} edges {edge}")


@_check("keeps an undirected graph undirected")
def _keeps_it_undirected(layer: nn.Module, graphs: TestGraphs) -> None:
    edges = torch.cat([graphs.sparse.edge_index, graphs.sparse.edge_index.flip(0)], 1)
    for data in (graphs.path, Data(x=graphs.sparse.x, edge_index=edges)):
        found = set(_edges(_rewire(layer, data).edge_index))
        alone = sorted(edge for edge in found if edge[::-1] not in found)
        expect_that(not alone, f"without the other direction: {alone}")


@_check("rewires each graph of a batch independently")
def _does_not_mix_graphs(layer: nn.Module, graphs: TestGraphs) -> None:
    layer.eval()
    data = graphs.batch
    found, first = _rewire(layer, data).edge_index, 0
    for index, graph in enumerate(data.to_data_list()):
        mine = found[:, data.batch[found[0]] == index] - first
        expected = _edges(_rewire(layer, graph).edge_index)
        expect_that(_edges(mine) == expected, f"graph {index}: {_edges(mine)}, alone {expected}")
        first += graph.num_nodes


@_check("ignores the order of the edges")
def _ignores_the_order_of_edges(layer: nn.Module, graphs: TestGraphs) -> None:
    layer.eval()
    data = graphs.batch
    order = torch.randperm(data.edge_index.size(1), device=data.x.device)
    other = Data(x=data.x, edge_index=data.edge_index[:, order], batch=data.batch)
    same = _edges(_rewire(layer, other).edge_index) == _edges(_rewire(layer, data).edge_index)
    expect_that(same, "other edges after a permutation of the edges")


@_check("ignores the order of the nodes")
def _ignores_the_order_of_nodes(layer: nn.Module, graphs: TestGraphs) -> None:
    layer.eval()
    data = graphs.sparse
    order = torch.randperm(data.num_nodes, device=data.x.device)
    other = Data(x=data.x[order], edge_index=order.argsort()[data.edge_index])
    found, expected = _rewire(layer, other).edge_index, _rewire(layer, data).edge_index
    expect_that(_edges(order[found]) == _edges(expected), "other edges after one of the nodes")


@_check("is deterministic in eval mode")
def _is_deterministic(layer: nn.Module, graphs: TestGraphs) -> None:
    layer.eval()
    first, second = _rewire(layer, graphs.batch), _rewire(layer, graphs.batch)
    expect_that(torch.equal(first.edge_index, second.edge_index), "other edges in a second call")


@_check("keeps the attributes of edges, if it accepts them")
def _keeps_attributes(layer: nn.Module, graphs: TestGraphs) -> None:
    for data in (graphs.batch, graphs.dense):
        for name, attr in attributes_for(layer, data).items():
            attr.requires_grad_()
            out = _rewire(layer, data, **{name: attr})
            found = _one_per_edge(name, attr, out)
            given = [*data.edge_index.tolist(), attr.tolist()]
            known = list(zip(*given, strict=True))
            joined = set(_edges(data.edge_index))
            for u, v, value in zip(*out.edge_index.tolist(), found.tolist(), strict=True):
                is_kept = (u, v) not in joined or (u, v, value) in known
                expect_that(is_kept, f"edge {(u, v)} has {name} {value} of no such input edge")
            kept = [edge in joined for edge in map(tuple, out.edge_index.T.tolist())]
            value = found[torch.tensor(kept, dtype=torch.bool, device=found.device)]
            (gradient,) = gradients_or_zeros(value.sum(), [attr])
            rows = gradient.reshape(len(attr), -1).any(1).sum()
            expect_that(int(rows) == len(value), f"a gradient for {rows} of {len(value)} edges")


def _one_per_edge(name: str, attr: Tensor, out: Rewired) -> Tensor:
    if out.edge_attr is None:
        raise AssertionError(f"the input has {name}, the output has none")
    found, shape = tuple(out.edge_attr.shape), (out.edge_index.size(1), *attr.shape[1:])
    expect_that(found == shape, f"{name} of shape {found}, not {shape}")
    expect_that(out.edge_attr.dtype == attr.dtype, f"{out.edge_attr.dtype} for {attr.dtype}")
    expect_that(bool(out.edge_attr.isfinite().all()), f"{name} that is not finite")
    return out.edge_attr


@_check("says which edge each was, if it has a history of edges")
def _says_which_edge(layer: nn.Module, graphs: TestGraphs) -> None:
    for data in (graphs.batch, graphs.dense):
        out = _rewire(layer, data)
        edge = getattr(out.history, "edge", None)
        if not isinstance(edge, Tensor):
            continue
        expect_that(edge.shape == out.edge_index.shape[1:], f"{edge.numel()} edges in the history")
        kept = edge >= 0
        same = torch.equal(data.edge_index[:, edge[kept]], out.edge_index[:, kept])
        expect_that(same, "an edge is said to be another edge of the input")
        expect_that(
            torch.unique(edge[kept]).numel() == int(kept.sum()), "an edge is said to be two"
        )
        inserted = set(_edges(out.edge_index[:, ~kept])) & set(_edges(data.edge_index))
        expect_that(not inserted, f"said to be inserted, but in the input: {sorted(inserted)}")


@_check("lifts features to the nodes they are of, if its history lifts")
def _lifts(layer: nn.Module, graphs: TestGraphs) -> None:
    history = _rewire(layer, graphs.batch).history
    if hasattr(history, "lift"):
        expect_that(torch.equal(history.lift(graphs.batch.x), graphs.batch.x), "other features")


@_check("leaves its input unchanged")
def _leaves_input_unchanged(layer: nn.Module, graphs: TestGraphs) -> None:
    data = graphs.batch
    before = data.clone()
    _rewire(layer, data, **attributes_for(layer, data))
    for key in ("x", "edge_index", "edge_attr", "batch"):
        expect_that(torch.equal(data[key], before[key]), f"{key} was changed")


@_check("restores from its state_dict")
def _restores_its_state(layer: nn.Module, graphs: TestGraphs) -> None:
    expected = _edges(_rewire(layer.eval(), graphs.batch).edge_index)
    state = {name: tensor.clone() for name, tensor in layer.state_dict().items()}
    with torch.no_grad():
        for parameter in layer.parameters():
            parameter.add_(1.0)
    layer.load_state_dict(state)
    found = _edges(_rewire(layer, graphs.batch).edge_index)
    expect_that(found == expected, "other edges with the same state")


@_check("has cuts that are nested and have a distribution, if it has cuts")
def _has_nested_cuts(layer: nn.Module, graphs: TestGraphs) -> None:
    data = graphs.batch
    cuts_of: Any = getattr(layer, "cuts", None)
    if cuts_of is None:
        return
    cuts = cuts_of(data.x, data.edge_index, batch=data.batch)
    total = scatter(cuts.weight, cuts.graph, dim_size=data.num_graphs)
    torch.testing.assert_close(total, torch.ones_like(total))
    expect_that(bool((cuts.weight >= 0).all()), "a negative probability")
    edges = _read(cuts.output).edge_index
    owner, previous = cuts.batch[edges[0]], (-1, set[tuple[int, int]]())
    for r, graph in enumerate(cuts.graph.tolist()):
        found = set(_edges(cuts.node[edges[:, owner == r]]))
        nested = previous[0] != graph or previous[1] < found
        expect_that(nested, f"cut {r} has not all edges of the one before, and others")
        previous = graph, found


@_check("has correct gradients through its cuts, if it has cuts", torch.double)
def _gradient_through_cuts(layer: nn.Module, graphs: TestGraphs) -> None:
    data = graphs.batch
    cuts_of: Any = getattr(layer, "cuts", None)
    if cuts_of is None:
        return
    layer.eval()

    def expected(x: Tensor, *_: Tensor) -> Tensor:
        cuts = cuts_of(x, data.edge_index, batch=data.batch)
        u, v = _read(cuts.output).edge_index
        term = (data.x[cuts.node[u]] + 2 * data.x[cuts.node[v]]).sum(1).sin()
        value: Tensor = scatter(term, cuts.batch[u], dim_size=cuts.num_cuts)
        found: Tensor = cuts.expectation(value.square())
        return found

    x = data.x.clone().requires_grad_()
    trained = [parameter for parameter in layer.parameters() if parameter.requires_grad]
    assert_gradients_match(expected, [x, *trained])


def _accepts(name: str) -> Run:
    def run(layer: nn.Module, graphs: TestGraphs) -> None:
        data = graphs.degenerate[name]
        _expect_fits(_rewire(layer, data), data)

    return run


REWIRE_CHECKS |= {f"accepts a graph: {name}": Check(_accepts(name)) for name in degenerate_graphs()}
