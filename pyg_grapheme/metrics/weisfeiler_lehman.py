"""The Weisfeiler-Lehman similarity: the rooted subtrees that two graphs have in common."""

from typing import Any

import torch
from torch import Tensor
from torch_geometric.data import Data
from torch_geometric.nn import WLConv
from torch_geometric.utils import scatter

from pyg_grapheme.metrics.labelled_batch import labelled_pair
from pyg_grapheme.metrics.pair_mean import PairMean
from pyg_grapheme.options import expect_count, expect_flag


def weisfeiler_lehman_similarity(
    first: Data,
    second: Data,
    *,
    iterations: int = 3,
    label: str | None = "label",
    directed: bool = False,
) -> Tensor:
    r"""Compare graph b of ``first`` with graph b of ``second`` by the colours of their nodes.

    The subtree kernel of Shervashidze, Schweitzer, van Leeuwen, Mehlhorn and Borgwardt 2011
    ("Weisfeiler-Lehman graph kernels"), normalised. The first colours are the labels; after each
    iteration, two nodes have the same colour if they and their neighbours had the same colours
    before. With :math:`\phi(G)` the number of nodes of each colour, concatenated over iterations,

    .. math:: \frac{\langle\phi(G), \phi(H)\rangle}{\|\phi(G)\|\,\|\phi(H)\|}.

    It is 1 for isomorphic graphs, and for some others, such as two triangles and a hexagon; 0 if
    no label occurs in both. Two empty graphs have similarity 1.

    Args:
        first: A PyG graph or ``Batch`` of B graphs.
        second: Likewise, with as many graphs.
        iterations: Number of refinements of the colours: the depth of the subtrees.
        label: Name of the attribute with the labels of the nodes, [N] integers, comparable between
            both; None if all nodes are alike.
        directed: Whether edges have a direction: incoming and outgoing edges then count
            separately.

    Returns:
        [B], in [0, 1].

    Raises:
        ValueError: if the label is missing or not [N] integers, or the numbers of graphs differ.

    Differentiation: none.
    Cost: O((N + E) log(N + E)) per iteration, on the CPU.

    Example:
        >>> hexagon = Data(num_nodes=6, edge_index=torch.tensor([range(6), [1, 2, 3, 4, 5, 0]]))
        >>> triangles = Data(num_nodes=6, edge_index=torch.tensor([range(6), [1, 2, 0, 4, 5, 3]]))
        >>> weisfeiler_lehman_similarity(hexagon, triangles, label=None)
        tensor([1.])
    """
    expect_count("iterations", iterations)
    one, other = labelled_pair(first, second, label=label, directed=directed)
    size = one.label.numel()
    edge_index = torch.cat([one.edge_index, other.edge_index + size], dim=1)
    colour = torch.unique(torch.cat([one.label, other.label]), return_inverse=True)[1]
    colours = [colour]
    for _ in range(iterations):
        colours.append(_refine(colours[-1], edge_index, directed=directed))
    similarity = _normalised_kernel(torch.stack(colours), one.batch, other.batch, one.num_graphs)
    return similarity.to(first.edge_index.device)


class WeisfeilerLehmanSimilarity(PairMean):
    """The mean normalised Weisfeiler-Lehman kernel of pairs of graphs.

    Args:
        iterations: Number of refinements of the colours.
        label: Name of the attribute with the labels of the nodes, [N] integers; None if all nodes
            are alike.
        directed: Whether edges have a direction.
        kwargs: Options of ``torchmetrics.Metric``.

    See :func:`weisfeiler_lehman_similarity`.
    """

    higher_is_better = True

    def __init__(
        self,
        iterations: int = 3,
        *,
        label: str | None = "label",
        directed: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(iterations, label, directed, **kwargs)
        expect_flag("directed", directed)
        self.iterations = expect_count("iterations", iterations)
        self.label, self.directed = label, directed

    def compare(self, first: Data, second: Data) -> Tensor:
        """Compare each pair, [B]."""
        return weisfeiler_lehman_similarity(
            first, second, iterations=self.iterations, label=self.label, directed=self.directed
        )


def _refine(colour: Tensor, edge_index: Tensor, *, directed: bool) -> Tensor:
    """Return the next colours [N], from 0, given those of the nodes and their neighbours."""
    if not colour.numel():
        return colour
    # WLConv reads the tails of incoming edges.
    refined: Tensor = WLConv()(colour, edge_index)
    if not directed:
        return refined
    both = torch.stack([refined, WLConv()(colour, edge_index.flip(0))])
    index: Tensor = torch.unique(both, dim=1, return_inverse=True)[1]
    return index


def _normalised_kernel(colours: Tensor, first: Tensor, second: Tensor, num_graphs: int) -> Tensor:
    """Return the normalised kernel of each of B pairs of graphs, [B].

    Args:
        colours: [iterations + 1, N1 + N2], from 0.
        first: [N1], the pair of each node of the first graphs.
        second: [N2], likewise.
        num_graphs: B pairs.
    """
    num_rounds, num_colours = len(colours), max(colours.numel(), 1)
    pair = torch.cat([first, second])
    # One key per pair, round and colour.
    key = (pair * num_rounds + torch.arange(num_rounds)[:, None]) * num_colours + colours
    found, index = torch.unique(key, return_inverse=True)
    side = (torch.arange(pair.numel()) >= first.numel()).long()
    a, b = (
        torch.bincount((index * 2 + side).view(-1), minlength=2 * found.numel())
        .view(-1, 2)
        .double()
        .unbind(1)
    )
    pair = found // (num_rounds * num_colours)
    ab, aa, bb = (scatter(product, pair, dim_size=num_graphs) for product in (a * b, a * a, b * b))
    norm = (aa * bb).sqrt()
    both_empty = (aa + bb == 0).double()
    similarity: Tensor = torch.where(norm > 0, ab / norm.clamp(min=1), both_empty)
    return similarity.to(torch.get_default_dtype())
