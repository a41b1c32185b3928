"""Reduce: the features of clusters."""

from typing import Any

from torch import Tensor, nn
from torch.autograd import Function
from torch_geometric.nn import aggr
from torch_geometric.nn.resolver import aggregation_resolver


def resolve_reduce(reduce: str | nn.Module) -> nn.Module:
    """Return the PyG aggregation of a name; a module is returned unchanged."""
    if isinstance(reduce, nn.Module):
        return reduce
    try:
        aggregation = aggregation_resolver(reduce)
    except (ValueError, TypeError):
        aggregation = None
    if not reduce or not isinstance(aggregation, nn.Module):
        raise ValueError(
            "Expected 'reduce' to be a PyG aggregation, or to name one that needs no options, "
            f"such as 'mean' (got {reduce!r})"
        )
    return aggregation


def reduce_members(
    reduce: nn.Module, x: Tensor, cluster: Tensor, num_clusters: int, parameter: Tensor
) -> Tensor:
    """Aggregate the members of each cluster, [N, F] -> [C, F]; ``parameter`` gets a zero gradient.

    The optimiser then never finds None, and under DDP every process reduces the same parameters.
    float16 loses precision for large clusters, so parameter-free aggregations of half precision run
    in float32. Order-sensitive aggregations receive members sorted by cluster, then by node.
    """
    if not isinstance(reduce, _ORDER_FREE):
        cluster, order = cluster.sort(stable=True)
        x = x[order]
    widen = x.dtype.itemsize <= 2 and next(reduce.parameters(), None) is None
    wide = x.float() if widen else x
    reduced: Tensor
    if type(reduce) is aggr.MeanAggregation:
        reduced = _Mean.apply(wide, cluster, num_clusters, parameter)  # type: ignore[no-untyped-call]
    else:
        reduced = attach_zero_grad(reduce(wide, cluster, dim_size=num_clusters), parameter)
    return reduced.to(x.dtype) if widen else reduced


def attach_zero_grad(output: Tensor, parameter: Tensor) -> Tensor:
    """Return the output unchanged; in the backward pass, ``parameter`` gets a zero gradient."""
    attached: Tensor = _AttachZeroGrad.apply(output, parameter)  # type: ignore[no-untyped-call]
    return attached


_ORDER_FREE = (
    aggr.MaxAggregation,
    aggr.MeanAggregation,
    aggr.MinAggregation,
    aggr.MulAggregation,
    aggr.StdAggregation,
    aggr.SumAggregation,
    aggr.VarAggregation,
)


class _Mean(Function):
    """Mean of the members of each cluster, in half the time of the aggregation."""

    @staticmethod
    def forward(
        ctx: Any, x: Tensor, cluster: Tensor, num_clusters: int, parameter: Tensor
    ) -> Tensor:
        size = x.new_zeros(num_clusters).index_add_(0, cluster, x.new_ones(x.size(0)))[:, None]
        ctx.save_for_backward(cluster, size, parameter)
        return x.new_zeros(num_clusters, x.size(1)).index_add_(0, cluster, x).div_(size)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, None, None, Tensor]:
        cluster, size, parameter = ctx.saved_tensors
        of_x = None
        if ctx.needs_input_grad[0]:
            of_x = (gradient / size).index_select(0, cluster)
        return of_x, None, None, parameter.new_zeros(parameter.shape)


class _AttachZeroGrad(Function):
    """The output unchanged; adding ``0 * parameter`` would take a pass over it."""

    @staticmethod
    def forward(ctx: Any, output: Tensor, parameter: Tensor) -> Tensor:
        ctx.save_for_backward(parameter)
        return output.view_as(output)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, Tensor]:
        (parameter,) = ctx.saved_tensors
        return gradient, parameter.new_zeros(parameter.shape)
