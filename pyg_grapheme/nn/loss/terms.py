"""The three terms of the structural loss, each a function of a batch of pairs of graphs."""

import torch
from torch import Tensor
from torch.nn import functional as F
from torch_geometric.utils import coalesce, degree, scatter

from pyg_grapheme.graphs import batch_ptr
from pyg_grapheme.nn.loss.graph_features import GraphFeatures


def node_cost(
    first: GraphFeatures,
    second: GraphFeatures,
    weights: tuple[float, float, float] = (0.1, 0.7, 0.2),
) -> tuple[Tensor, Tensor, Tensor]:
    """Compute the cost of matching each node of one graph with each node of the other.

        0.1 * type + 0.7 * min(|a_u - a_v|, 1) + 0.2 * |d_u - d_v| / max(d_u, d_v, 1)

    or with other weights. type is 0 for the same label, 0.5 for the same kind, 1 otherwise, and its
    expectation for merged nodes: 1 - 0.5 P(same kind) - 0.5 P(same label). a is the activation, d
    the out-degree.

    Returns:
        The cost [B, n1, n2], padded, and masks of the nodes [B, n1] and [B, n2].

    Differentiation: exact in the activations and the distributions; the degrees are constants.
    Cost: O(B n1 n2 V) for V labels that occur.
    """
    dtype = torch.promote_types(first.activation.dtype, second.activation.dtype)
    dtype = torch.promote_types(dtype, torch.float)
    (a1, t1, d1, mask1), (a2, t2, d2, mask2) = _dense(first, dtype), _dense(second, dtype)
    with torch.autocast(a1.device.type, enabled=False):
        different_type = 1.0 - torch.bmm(t1, t2.mT)
    difference = (a1[:, :, None] - a2[:, None, :]).abs().clamp(max=1.0)
    d1, d2 = d1[:, :, None], d2[:, None, :]
    imbalance = (d1 - d2).abs() / torch.maximum(d1, d2).clamp(min=1.0)
    cost = weights[0] * different_type + weights[1] * difference + weights[2] * imbalance
    return cost, mask1, mask2


def with_unmatched(
    cost: Tensor, mask1: Tensor, mask2: Tensor, price: float
) -> tuple[Tensor, Tensor, Tensor]:
    """Append a dummy node to each side, so that nodes can stay unmatched at a price.

    The dummy of one side has the mass of all nodes of the other; two dummies match at no cost.

    Args:
        cost: [B, n1, n2].
        mask1: [B, n1], True where there is a node.
        mask2: [B, n2], likewise.
        price: Price of an unmatched node.

    Returns:
        The cost [B, n1 + 1, n2 + 1], and the marginals of both sides, dummies last.
    """
    cost = F.pad(cost, (0, 1, 0, 1), value=price)
    corner = torch.zeros_like(cost, dtype=torch.bool)
    corner[:, -1, -1] = True
    a = torch.cat([mask1, mask2.sum(1, keepdim=True)], 1).to(cost.dtype)
    b = torch.cat([mask2, mask1.sum(1, keepdim=True)], 1).to(cost.dtype)
    return cost.masked_fill(corner, 0.0), a, b


def node_term(plan: Tensor, cost: Tensor, mask1: Tensor, mask2: Tensor) -> Tensor:
    """Compute the transport cost plus the difference of sizes, ``sum P * C + |n1 - n2|``, [B].

    If one side is empty, it is the size of the other.
    """
    sizes = (mask1.sum(1) - mask2.sum(1)).abs().to(cost.dtype)
    return (plan * cost).sum((1, 2)) + sizes


def edge_term(plan: Tensor, first: GraphFeatures, second: GraphFeatures) -> Tensor:
    """Count the edges of the first graph without a counterpart, plus half of the missing ones, [B].

        sum over (u, v) in E1 of 1 - sum over (i, j) in E2 of P_ui P_vj,   + 0.5 max(0, E2 - E1)

    Each directed edge counts once. If one side is empty, it is the number of edges of the other.

    Args:
        plan: [B, n1, n2], rows the nodes of ``first``.
        first: B graphs.
        second: B graphs.

    Differentiation: exact in the plan.
    Cost: O(E2 n1 + E1 n2): P A2 as a sum of columns, then one dot product per edge of ``first``.
    """
    num_graphs, n1, n2 = plan.shape
    (u, v, graph1), (i, j, graph2) = _dense_edges(first, n1), _dense_edges(second, n2)
    columns = plan.mT.reshape(num_graphs * n2, n1)
    product = torch.zeros_like(columns).index_add(0, j, columns[i])
    product = product.view(num_graphs, n2, n1).mT.reshape(num_graphs * n1, n2)
    overlap = (product[u] * plan.reshape(num_graphs * n1, n2)[v]).sum(1)
    unmatched = scatter(1.0 - overlap, graph1, dim_size=num_graphs)
    e1 = degree(graph1, num_graphs, dtype=plan.dtype)
    e2 = degree(graph2, num_graphs, dtype=plan.dtype)
    first_is_empty = degree(first.batch, num_graphs) == 0
    both: Tensor = unmatched + 0.5 * (e2 - e1).clamp(min=0.0)
    return torch.where(first_is_empty, e2, both)


def density_term(first: GraphFeatures, second: GraphFeatures, dtype: torch.dtype) -> Tensor:
    """Compute ``0.3 |difference of means| + 0.7 |difference of variances|`` of densities, [B].

    The density of a node is its out-degree / (n - 1), 0 where n <= 1; variances are those of the
    population.

    Differentiation: none; piecewise constant.
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
    """Return padded activations, type features, out-degrees, and the mask of the nodes.

    The dot product of the type features of two nodes is 1 - type.
    """
    sizes = batch_ptr(graphs.batch, graphs.num_graphs).diff()
    width = int(sizes.max()) if graphs.num_graphs else 0
    mask = torch.arange(width, device=sizes.device) < sizes[:, None]
    place = mask.view(-1).nonzero().view(-1)

    # Pad each tensor separately so that constants stay out of the autograd graph. Three calls of
    # PyG's to_dense_batch take twice as long.
    def padded(values: Tensor) -> Tensor:
        dense = values.new_zeros(mask.numel(), *values.shape[1:], dtype=dtype)
        return dense.index_copy(0, place, values.to(dtype)).view(*mask.shape, *values.shape[1:])

    types = torch.cat([graphs.label, graphs.kind], dim=1) * 0.5**0.5
    return padded(graphs.activation), padded(types), padded(_out_degree(graphs, dtype)), mask


def _dense_edges(graphs: GraphFeatures, width: int) -> tuple[Tensor, Tensor, Tensor]:
    """Return both ends of each edge, in a batch of ``width`` nodes per graph, and its graph."""
    tail, head = coalesce(graphs.edge_index, num_nodes=graphs.batch.numel())
    graph = graphs.batch[tail]
    shift = graph * width - batch_ptr(graphs.batch, graphs.num_graphs)[graph]
    return tail + shift, head + shift, graph


def _density_moments(graphs: GraphFeatures, dtype: torch.dtype) -> tuple[Tensor, Tensor]:
    size = degree(graphs.batch, graphs.num_graphs, dtype=dtype)
    others = (size - 1)[graphs.batch]
    # A single node has density 0, even with a self-loop.
    density = torch.where(others > 0, _out_degree(graphs, dtype) / others.clamp(min=1.0), 0.0)
    mean = scatter(density, graphs.batch, dim_size=graphs.num_graphs, reduce="mean")
    spread = (density - mean[graphs.batch]) ** 2
    return mean, scatter(spread, graphs.batch, dim_size=graphs.num_graphs, reduce="mean")
