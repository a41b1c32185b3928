"""Expand: the features of the output nodes."""

from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd import Function

from pyg_grapheme.nn.split.select import SplitSelection


def make_children(children: nn.Module, x: Tensor) -> Tensor:
    """Return the two children of each of S nodes, in the dtype of x.

    Args:
        children: [S, F] -> [S, 2, F].
        x: [S, F].

    Returns:
        [S, 2, F].

    Raises:
        ValueError: if the module returns anything else.
    """
    made = children(x)
    shape = (x.size(0), 2, x.size(1))
    if not isinstance(made, Tensor) or made.shape != shape or not made.is_floating_point():
        is_tensor = isinstance(made, Tensor)
        got = f"{made.dtype} {tuple(made.shape)}" if is_tensor else type(made).__name__
        raise ValueError(
            f"Expected 'children' to return two rows of {shape[2]} floats for each of {shape[0]} "
            f"nodes, {shape} (got {got})"
        )
    return made.to(x.dtype)


def expand_nodes(
    x: Tensor, children: Tensor, selection: SplitSelection, parameters: tuple[Tensor, ...] = ()
) -> Tensor:
    """Replace the nodes that split by their children: [N, F], [S, 2, F] -> [C, F].

    Args:
        x: [N, F].
        children: [S, 2, F], of the nodes that split, in their order.
        selection: S nodes of N.
        parameters: Tensors that receive a zero gradient: an optimiser never finds None, and under
            DDP every process reduces the same parameters.

    Differentiation: exact, any number of times.
    Cost: O(C F).
    """
    expanded: Tensor = _Expand.apply(x, children, *selection, *parameters)  # type: ignore[no-untyped-call]
    return expanded


class _Expand(Function):
    """The backward pass gathers rows; that of indexing would add up rows of zeros."""

    @staticmethod
    def forward(
        ctx: Any,
        x: Tensor,
        children: Tensor,
        is_split: Tensor,
        parent: Tensor,
        first: Tensor,
        *parameters: Tensor,
    ) -> Tensor:
        split = is_split.nonzero().view(-1)
        place = first.index_select(0, split)
        place = torch.stack([place, place + 1], dim=1).view(-1)
        ctx.save_for_backward(first, split, place, *parameters)
        return x.index_select(0, parent).index_copy_(0, place, children.flatten(0, 1))

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        first, split, place, *parameters = ctx.saved_tensors
        of_x = of_children = None
        if ctx.needs_input_grad[0]:
            of_x = gradient.index_select(0, first).index_fill(0, split, 0)
        if ctx.needs_input_grad[1]:
            of_children = gradient.index_select(0, place).view(-1, 2, gradient.size(1))
        return of_x, of_children, None, None, None, *map(torch.zeros_like, parameters)
