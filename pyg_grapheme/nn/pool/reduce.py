"""Reduce: how the members of a cluster become one node."""

from typing import Any

from torch import Tensor, nn
from torch.autograd import Function
from torch_geometric.nn import aggr
from torch_geometric.nn.resolver import aggregation_resolver


def resolve_reduce(reduce: str | nn.Module) -> nn.Module:
    """Turn the name of a PyG aggregation into it; a module is handed back as it is."""
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
    """Make one node of the members of each cluster: [N, F] -> [C, F].

    In half precision, sums and counts of some hundred members are not to be had, so they are taken
    in float32, unless the aggregation has weights of its own. Those that may look at the members in
    a row get them sorted by cluster, and inside it by number.
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


def with_gradient(output: Tensor, parameter: Tensor) -> Tensor:
    """Hand the output on; whatever it depends on, the parameter gets a gradient, if only a zero.

    An optimiser then never finds None, and under DDP every process has the same parameters to
    reduce. Adding ``0 * parameter`` would say the same, at the price of a pass over the output.
    """
    attached: Tensor = _WithGradient.apply(output, parameter)  # type: ignore[no-untyped-call]
    return attached


class _WithGradient(Function):
    @staticmethod
    def forward(ctx: Any, output: Tensor, parameter: Tensor) -> Tensor:
        ctx.save_for_backward(parameter)
        return output.view_as(output)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, Tensor]:
        (parameter,) = ctx.saved_tensors
        return gradient, parameter.new_zeros(parameter.shape)
