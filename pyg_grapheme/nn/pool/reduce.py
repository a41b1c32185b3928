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


def reduce_members(reduce: nn.Module, x: Tensor, cluster: Tensor, num_clusters: int) -> Tensor:
    """Aggregate the members of each cluster: [N, F] -> [C, F].

    float16 loses precision for large clusters, so parameter-free aggregations of half precision run
    in float32. Order-sensitive aggregations receive members sorted by cluster, then by node.
    """
    if not isinstance(reduce, _ORDER_FREE):
        cluster, order = cluster.sort(stable=True)
        x = x[order]
    widen = x.dtype.itemsize <= 2 and next(reduce.parameters(), None) is None
    reduced: Tensor = reduce(x.float() if widen else x, cluster, dim_size=num_clusters)
    return reduced.to(x.dtype) if widen else reduced


_ORDER_FREE = (
    aggr.MaxAggregation,
    aggr.MeanAggregation,
    aggr.MinAggregation,
    aggr.MulAggregation,
    aggr.StdAggregation,
    aggr.SumAggregation,
    aggr.VarAggregation,
)


def attach_zero_grad(output: Tensor, parameter: Tensor) -> Tensor:
    """Return the output, with a zero gradient for the parameter.

    The optimiser then never finds None, and under DDP every process reduces the same parameters.
    Adding ``0 * parameter`` would do the same, at the price of a pass over the output.
    """
    attached: Tensor = _AttachZeroGrad.apply(output, parameter)  # type: ignore[no-untyped-call]
    return attached


class _AttachZeroGrad(Function):
    @staticmethod
    def forward(ctx: Any, output: Tensor, parameter: Tensor) -> Tensor:
        ctx.save_for_backward(parameter)
        return output.view_as(output)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, Tensor]:
        (parameter,) = ctx.saved_tensors
        return gradient, parameter.new_zeros(parameter.shape)
