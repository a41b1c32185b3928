"""What the pool refuses, and what it fills in."""

import pytest
import torch
from torch import Tensor

from pyg_grapheme.nn.pool import ThresholdMergePool
from pyg_grapheme.nn.pool.check import check_graphs

X = torch.ones(3, 2)
EDGES = torch.tensor([[0, 1], [1, 2]])
NONE = torch.empty(2, 0, dtype=torch.long)

REFUSED = {
    "x, 1-d": ({"x": torch.ones(3)}, r"'x' .*float tensor \[N, F\] \(got float32 of shape \(3,\)"),
    "x, integers": ({"x": torch.ones(3, 2, dtype=torch.long)}, r"'x' .*\(got int64 of shape"),
    "edge_index, 1-d": ({"edge_index": EDGES[0]}, r"'edge_index' .*\[2, E\] \(got int64 of shape"),
    "edge_index, [E, 2]": ({"edge_index": torch.zeros(3, 2).long()}, r"\(got int64 .*\(3, 2\)\)"),
    "edge_index, bytes": ({"edge_index": EDGES.to(torch.uint8)}, r"'edge_index' .*\(got uint8"),
    "batch_size, negative": ({"batch_size": -1}, r"'batch_size' to be at least 0 \(got -1\)"),
    "edge_index, floats": ({"edge_index": EDGES.float()}, r"'edge_index' .*\(got float32"),
    "edge_index, high": ({"edge_index": EDGES + 1}, r"nodes in \[0, 3\) \(got 1 to 3\)"),
    "edge_index, negative": ({"edge_index": EDGES - 1}, r"nodes in \[0, 3\) \(got -1 to 1\)"),
    "edge_attr, length": (
        {"edge_attr": torch.ones(3)},
        r"'edge_attr' to be \[2\] or \[2, D\] \(got float32 of shape \(3,\)\)",
    ),
    "edge_attr, 0-d": ({"edge_attr": torch.tensor(1.0)}, r"'edge_attr' .*\(got .*shape \(\)\)"),
    "edge_attr, 3-d": ({"edge_attr": torch.ones(2, 1, 1)}, r"'edge_attr' .*\(2, 1, 1\)\)"),
    "batch, length": (
        {"batch": torch.zeros(2).long()},
        r"'batch' to be an int64 or int32 tensor \[3\] \(got int64 of shape \(2,\)\)",
    ),
    "batch, floats": ({"batch": torch.zeros(3)}, r"'batch' .*\(got float32"),
    "batch, unsorted": ({"batch": torch.tensor([0, 1, 0])}, "'batch' to be sorted"),
    "batch, negative": (
        {"batch": torch.tensor([-1, -1, -1])},
        r"'batch' to be in \[0, 0\) \(got -1 to -1\)",
    ),
    "edge between graphs": (
        {"batch": torch.tensor([0, 0, 1])},
        "'edge_index' to join nodes of one graph",
    ),
    "batch_size": (
        {"batch": torch.tensor([1, 1, 1]), "batch_size": 1},
        r"'batch' to be in \[0, 1\) \(got 1 to 1\)",
    ),
    "batch_size alone": ({"batch_size": 0}, r"'batch' to be in \[0, 0\) \(got 0 to 0\)"),
}


@pytest.mark.parametrize(("changed", "message"), REFUSED.values(), ids=REFUSED.keys())
def test_input_that_does_not_fit_is_refused(changed: dict[str, Tensor | int], message: str) -> None:
    fitting = {"x": X, "edge_index": EDGES, "edge_attr": None, "batch": None, "batch_size": None}
    with pytest.raises(ValueError, match=message):
        check_graphs(**{**fitting, **changed})


@pytest.mark.parametrize("method", ["forward", "cuts"])
def test_the_pool_checks_its_input(method: str) -> None:
    with pytest.raises(ValueError, match=r"nodes in \[0, 3\)"):
        getattr(ThresholdMergePool(), method)(X, EDGES + 1)


@pytest.mark.parametrize("method", ["forward", "cuts"])
@pytest.mark.parametrize("value", [float("nan"), float("inf")])
@pytest.mark.parametrize("node", [1, 3])
def test_the_pool_refuses_what_is_not_finite(method: str, value: float, node: int) -> None:
    x = torch.ones(4, 2)
    x[node, 0] = value
    with pytest.raises(ValueError, match=r"'x' to be finite \(got NaN or infinity\)"):
        getattr(ThresholdMergePool(), method)(x, EDGES)


@pytest.mark.parametrize(
    ("num_nodes", "batch", "batch_size", "expected", "num_graphs"),
    [
        (3, None, None, [0, 0, 0], 1),
        (0, None, None, [], 1),
        (3, None, 4, [0, 0, 0], 4),
        (3, [0, 0, 2], None, [0, 0, 2], 3),
        (3, [1, 1, 1], 5, [1, 1, 1], 5),
        (0, [], None, [], 0),
        (0, [], 2, [], 2),
    ],
)
def test_what_was_left_out_is_filled_in(
    num_nodes: int,
    batch: list[int] | None,
    batch_size: int | None,
    expected: list[int],
    num_graphs: int,
) -> None:
    given = None if batch is None else torch.tensor(batch, dtype=torch.long)
    x = torch.ones(num_nodes, 2)
    _, edges, _, filled, found = check_graphs(x, NONE.int(), None, given, batch_size)
    assert edges.dtype == filled.dtype == torch.long
    assert (filled.tolist(), found) == (expected, num_graphs)
