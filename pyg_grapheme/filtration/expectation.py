"""Expectations over the members of filtrations."""

from torch import Tensor
from torch_geometric.utils import scatter


def expected_value(
    value: Tensor, weight: Tensor, graph: Tensor, num_graphs: int, member: str = "cuts"
) -> Tensor:
    """Return the weighted sums [B, ...] of a value [R, ...] per member of each graph's filtration.

    A value that is not finite makes the sum so, however small its weight.

    Args:
        value: [R, ...].
        weight: [R].
        graph: [R].
        num_graphs: B.
        member: Name of the R things, for the error.

    Raises:
        ValueError: if ``value`` has not R rows.

    Differentiation: exact in values and weights.
    """
    size = graph.numel()
    if not isinstance(value, Tensor) or value.dim() == 0 or value.size(0) != size:
        got = f"shape {tuple(value.shape)}" if isinstance(value, Tensor) else type(value).__name__
        raise ValueError(
            f"Expected 'value' to have one row for each of the {size} {member} (got {got})"
        )
    weighted = (value.movedim(0, -1) * weight).movedim(-1, 0)
    summed: Tensor = scatter(weighted, graph, dim_size=num_graphs)
    return summed
