"""The three terms of the structural loss, each a function of a batch of pairs of graphs."""

import torch
from torch import Tensor
from torch.nn import functional as F
from torch_geometric.utils import coalesce, cumsum, degree, scatter

from pyg_grapheme.nn.loss.graph_features import GraphFeatures


def node_cost(
    first: GraphFeatures,
    second: GraphFeatures,
    weights: tuple[float, float, float] = (0.1, 0.7, 0.2),
) -> tuple[Tensor, Tensor, Tensor]:
    """Cost of matching each node of one graph with each node of the other.

        0.1 * type + 0.7 * min(|a_u - a_v|, 1) + 0.2 * |d_u - d_v| / max(d_u, d_v, 1)

    or with other weights. type is 0 for the same grapheme, 0.5 for the same category, 1 otherwise,
    and its expectation for merged nodes: 1 - 0.5 P(same category) - 0.5 P(same grapheme). a is the
    activation, d the out-degree.

    Returns:
        The cost [B, n1, n2], padded, and masks of the nodes [B, n1] and [B, n2].

    Differentiation: exact in the activations and the distributions; the degrees are constants.
    Cost: O(B n1 n2 V) for V graphemes that occur.
    """
    dtype = torch.promote_types(first.activation.dtype, second.activation.dtype)
    dtype = torch.promote_types(dtype, torch.float)
    (a1, t1, d1, rows), (a2, t2, d2, columns) = _dense(first, dtype), _dense(second, dtype)
    with torch.autocast(a1.device.type, enabled=False):
        kind = 1.0 - torch.bmm(t1, t2.mT)
    difference = (a1[:, :, None] - a2[:, None, :]).abs().clamp(max=1.0)
    d1, d2 = d1[:, :, None], d2[:, None, :]
    imbalance = (d1 - d2).abs() / torch.maximum(d1, d2).clamp(min=1.0)
    cost = weights[0] * kind + weights[1] * difference + weights[2] * imbalance
    return cost, rows, columns


def with_unmatched(
    cost: Tensor, rows: Tensor, columns: Tensor, unmatched: float
) -> tuple[Tensor, Tensor, Tensor]:
    """Let nodes go unmatched: append a dummy to each side that takes any node at a price.

    The dummy of one side has room for all nodes of the other; two dummies match for nothing.

    Args:
        cost: [B, n1, n2].
        rows: [B, n1], True where there is a node.
        columns: [B, n2], likewise.
        unmatched: Price of a node.

    Returns:
        Cost [B, n1 + 1, n2 + 1], and the masses of both sides, dummies last.
    """
    cost = F.pad(cost, (0, 1, 0, 1), value=unmatched)
    corner = torch.zeros_like(cost, dtype=torch.bool)
    corner[:, -1, -1] = True
    row_mass = torch.cat([rows, columns.sum(1, keepdim=True)], 1).to(cost.dtype)
    column_mass = torch.cat([columns, rows.sum(1, keepdim=True)], 1).to(cost.dtype)
    return cost.masked_fill(corner, 0.0), row_mass, column_mass


def node_term(plan: Tensor, cost: Tensor, rows: Tensor, columns: Tensor) -> Tensor:
    """Transport cost plus difference of sizes, ``sum P * C + |n1 - n2|``, [B].

    With one side empty it is the size of the other.
    """
    sizes = (rows.sum(1) - columns.sum(1)).abs().to(cost.dtype)
    return (plan * cost).sum((1, 2)) + sizes


def edge_term(plan: Tensor, first: GraphFeatures, second: GraphFeatures) -> Tensor:
    """How many edges of the first graph find no counterpart, plus half of the missing ones, [B].

        sum over (u, v) in E1 of 1 - sum over (i, j) in E2 of P_ui P_vj,   + 0.5 max(0, E2 - E1)

    Each directed edge counts once. With one side empty it is the number of edges of the other.

    Args:
        plan: [B, n1, n2], rows the nodes of ``first``.
        first: B graphs.
        second: B graphs.

    Differentiation: exact in the plan.
    Cost: O(E2 n1 + E1 n2): P A2 by adding up columns, then one dot product an edge of ``first``.
    """
    num_graphs, n1, n2 = plan.shape
    (u, v, graph1), (i, j, graph2) = _dense_edges(first, n1), _dense_edges(second, n2)
    columns = plan.mT.reshape(num_graphs * n2, n1)
    moved = torch.zeros_like(columns).index_add(0, j, columns[i])
    moved = moved.view(num_graphs, n2, n1).mT.reshape(num_graphs * n1, n2)
    overlap = (moved[u] * plan.reshape(num_graphs * n1, n2)[v]).sum(1)
    unmatched = scatter(1.0 - overlap, graph1, dim_size=num_graphs)
    e1 = degree(graph1, num_graphs, dtype=plan.dtype)
    e2 = degree(graph2, num_graphs, dtype=plan.dtype)
    first_is_empty = degree(first.batch, num_graphs) == 0
    both: Tensor = unmatched + 0.5 * (e2 - e1).clamp(min=0.0)
    return torch.where(first_is_empty, e2, both)


def clique_term(first: GraphFeatures, second: GraphFeatures, dtype: torch.dtype) -> Tensor:
    """Difference of density, ``0.3 |difference of means| + 0.7 |difference of variances|``, [B].

    A node's density is its out-degree / (n - 1), 0 where n <= 1; variances are those of the
    population. Piecewise constant: no gradient but through the probabilities of cuts.

    Cost: O(n).
    """
    mean1, variance1 = _density_moments(first, dtype)
    mean2, variance2 = _density_moments(second, dtype)
    return 0.3 * (mean1 - mean2).abs() + 0.7 * (variance1 - variance2).abs()


def _out_degree(graphs: GraphFeatures, dtype: torch.dtype) -> Tensor:
    edge_index = coalesce(graphs.edge_index, num_nodes=graphs.batch.numel())
    out_degree: Tensor = degree(edge_index[0], graphs.batch.numel(), dtype=dtype)
    return out_degree


def _dense(graphs: GraphFeatures, dtype: torch.dtype) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Activation, type features whose dot product is 1 - type, out-degree, and mask, padded."""
    batch, count = graphs.batch, graphs.num_graphs
    size = degree(batch, count, dtype=torch.long)
    width = int(size.max()) if count else 0
    node = torch.arange(batch.numel(), device=batch.device)
    place = node - cumsum(size)[batch] + batch * width

    # Each by itself: only what has a gradient shall have one to go through.
    def padded(values: Tensor) -> Tensor:
        values = values.to(dtype)
        empty = values.new_zeros(count * width, *values.shape[1:])
        return empty.index_copy(0, place, values).view(count, width, *values.shape[1:])

    kind = torch.cat([graphs.label, graphs.category], dim=1) * 0.5**0.5
    mask = torch.arange(width, device=batch.device) < size[:, None]
    return padded(graphs.activation), padded(kind), padded(_out_degree(graphs, dtype)), mask


def _dense_edges(graphs: GraphFeatures, width: int) -> tuple[Tensor, Tensor, Tensor]:
    """Ends of each edge, counted in a padded batch of ``width`` nodes a graph, and its graph."""
    start = cumsum(degree(graphs.batch, graphs.num_graphs, dtype=torch.long))
    tail, head = coalesce(graphs.edge_index, num_nodes=graphs.batch.numel())
    graph = graphs.batch[tail]
    shift = graph * width - start[graph]
    return tail + shift, head + shift, graph


def _density_moments(graphs: GraphFeatures, dtype: torch.dtype) -> tuple[Tensor, Tensor]:
    size = degree(graphs.batch, graphs.num_graphs, dtype=dtype)
    others = (size - 1)[graphs.batch]
    # One node alone has no density, whatever loops it has.
    density = torch.where(others > 0, _out_degree(graphs, dtype) / others.clamp(min=1.0), 0.0)
    mean = scatter(density, graphs.batch, dim_size=graphs.num_graphs, reduce="mean")
    spread = (density - mean[graphs.batch]) ** 2
    return mean, scatter(spread, graphs.batch, dim_size=graphs.num_graphs, reduce="mean")
