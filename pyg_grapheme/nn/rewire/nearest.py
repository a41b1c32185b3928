"""The nearest neighbours of the nodes of a batch of graphs."""

from collections.abc import Iterator

import torch
from torch import Tensor

from pyg_grapheme.graphs import batch_ptr
from pyg_grapheme.nn.pool.scores.cosine import scaled_rows

BLOCK_SIZE = 2**18
"""About the largest number of cosines in memory at a time."""


def nearest_neighbours(x: Tensor, batch: Tensor, num_graphs: int, k: int) -> Tensor:
    """Return an edge to each node from each of its k nearest nodes of its graph, by cosine.

    Cosines are rounded to a multiple of 2^-20 (2^-40 in float64), so that rounding errors
    rarely decide; of nodes that are then equally near, those of smaller ids are taken. A node
    without k others in its graph is joined to all of them. A zero vector has the cosine 0 with all
    others; NaN is the farthest.

    Args:
        x: [N, F].
        batch: [N], sorted.
        num_graphs: B.
        k: At least 1.

    Returns:
        [2, K], neighbour and node, in any order.

    Differentiation: none.
    Cost: O(n^2 F) time per graph of n nodes, in blocks: O(N F + K + ``BLOCK_SIZE``) memory.
    """
    x = x.detach().to(torch.promote_types(x.dtype, torch.float))
    digits = 2.0 ** (40 if x.dtype == torch.double else 20)
    scaled, inverse = scaled_rows(x)
    unit = scaled * inverse[:, None]
    ptr = batch_ptr(batch, num_graphs)
    size, order = ptr.diff().sort(stable=True)
    found = [batch.new_empty(2, 0)]
    with torch.autocast(x.device.type, enabled=False):
        for first, last in _groups_of_similar_size(size.tolist()):
            width = int(size[last - 1])
            place = torch.arange(width, device=x.device)
            start = ptr[order[first:last], None]
            is_node = place < size[first:last, None]
            nodes = torch.where(is_node, start + place, 0)
            dense = unit[nodes]
            step = max(1, BLOCK_SIZE // nodes.numel())
            for row in range(0, width, step):
                rows = place[row : row + step]
                cosine = (dense[:, rows] @ dense.mT).nan_to_num_(-1.0)
                level = cosine.add_(1).mul_(digits).round_().long()
                rank = level.mul_(width).add_(width - 1 - place)
                is_other = is_node[:, None] & (place != rows[:, None])
                best, index = rank.masked_fill_(~is_other, -1).topk(min(k, width - 1))
                valid = (best >= 0) & is_node[:, rows, None]
                centre = nodes[:, rows, None].expand_as(index)
                found.append(torch.stack([(start[:, None] + index)[valid], centre[valid]]))
    return torch.cat(found, dim=1)


def _groups_of_similar_size(sizes: list[int]) -> Iterator[tuple[int, int]]:
    """Yield ranges of ascending sizes, from 2, whose padded squares fit into a block together."""
    first = sum(size < 2 for size in sizes)
    for last in range(first + 1, len(sizes) + 1):
        if last == len(sizes) or (last + 1 - first) * sizes[last] ** 2 > BLOCK_SIZE:
            yield first, last
            first = last
