"""The pool inside a model: compiled, cast, copied, in a Sequential."""

import copy
import pickle
from itertools import product
from typing import get_args

import pytest
import torch
from torch import Tensor, nn
from torch_geometric.nn import GCNConv, GraphConv, SAGEConv, Sequential

from pyg_grapheme.nn import ThresholdMergePool
from pyg_grapheme.typing import EstimatorName, MergeName

ESTIMATORS: list[EstimatorName] = ["none", "gate", "straight_through"]


class Model(nn.Module):
    """Convolve, pool, convolve with the summed edge weights, read out."""

    def __init__(self, estimator: EstimatorName, merge: MergeName) -> None:
        super().__init__()
        self.first = GCNConv(3, 8)
        self.pool = ThresholdMergePool(0.3, estimator=estimator, merge=merge)
        self.second = GraphConv(8, 4)

    def forward(self, x: Tensor, edge_index: Tensor, edge_weight: Tensor, batch: Tensor) -> Tensor:
        x = self.first(x, edge_index, edge_weight).relu()
        x, edge_index, edge_weight, batch, _ = self.pool(x, edge_index, edge_weight, batch)
        return self.second(x, edge_index, edge_weight).sum(0)


@pytest.fixture
def inputs(draw_graphs) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Features, edges, positive weights and batch of three graphs, in float32."""
    graphs = draw_graphs(0, [7, 1, 5])
    return graphs.x.float(), graphs.edge_index, graphs.edge_attr[:, 0].float().abs(), graphs.batch


# Dynamo looks at the gradients of what it passes through a break.
dynamo = pytest.mark.filterwarnings("ignore:The .grad attribute of a Tensor that is not a leaf")


@dynamo
@pytest.mark.parametrize(
    ("estimator", "merge", "backend"),
    [
        ("none", "average", "aot_eager"),
        ("gate", "components", "aot_eager"),
        ("straight_through", "matching", "aot_eager"),
        pytest.param("none", "components", "inductor", marks=pytest.mark.slow),
    ],
)
def test_compiled_it_gives_the_same_numbers(
    estimator: EstimatorName, merge: MergeName, backend: str, inputs
) -> None:
    """In the backend that compiles nothing, and in the default one, which calls a C++ compiler."""
    torch.manual_seed(0)
    model = Model(estimator, merge)
    expected = model(*inputs)
    expected.sum().backward()
    gradients = {name: p.grad.clone() for name, p in model.named_parameters()}
    model.zero_grad()
    torch._dynamo.reset()
    found = torch.compile(model, backend=backend)(*inputs)
    torch.testing.assert_close(found, expected)
    found.sum().backward()
    for name, parameter in model.named_parameters():
        torch.testing.assert_close(parameter.grad, gradients[name])


class PlainModel(nn.Module):
    """A model whose other layers compile without a break (GCNConv alone has six)."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = SAGEConv(3, 8), SAGEConv(8, 4)
        self.pool = ThresholdMergePool(0.3)

    def forward(self, x: Tensor, edge_index: Tensor, batch: Tensor) -> Tensor:
        x = self.first(x, edge_index).relu()
        x, edge_index, _, batch, _ = self.pool(x, edge_index, None, batch)
        return self.second(x, edge_index).sum(0)


@dynamo
def test_the_pool_is_one_graph_break(inputs) -> None:
    x, edge_index, _, batch = inputs
    torch._dynamo.reset()
    assert torch._dynamo.explain(PlainModel())(x, edge_index, batch).graph_break_count == 1


def test_in_a_sequential(inputs) -> None:
    torch.manual_seed(0)
    x, edge_index, weight, batch = inputs
    pool = ThresholdMergePool(0.3)
    model = Sequential(
        "x, edge_index, edge_weight, batch",
        [
            (
                pool,
                "x, edge_index, edge_weight, batch -> x, edge_index, edge_weight, batch, h",
            ),
            (GCNConv(3, 4), "x, edge_index, edge_weight -> x"),
        ],
    )
    out = pool(x, edge_index, weight, batch)
    expected = model[1](out.x, out.edge_index, out.edge_attr)
    torch.testing.assert_close(model(*inputs), expected)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_other_precisions(dtype: torch.dtype, inputs) -> None:
    """Features of few bits, for which float32 gives the same clusters and nearly the same means."""
    x, edge_index, weight, batch = inputs
    x = (x * 8).round() / 8
    for setting in product(get_args(MergeName), ESTIMATORS, (False, True)):
        merge, estimator, whole = setting
        pool = ThresholdMergePool(0.3, merge=merge, estimator=estimator)
        expected = pool(x, edge_index, weight, batch)
        other = copy.deepcopy(pool).to(dtype) if whole else pool
        leaf = x.to(dtype).requires_grad_()
        found = other(leaf, edge_index, weight.to(dtype), batch)
        assert found.x.dtype == found.edge_attr.dtype == dtype, setting
        assert torch.equal(found.history.cluster, expected.history.cluster), setting
        torch.testing.assert_close(found.x.float(), expected.x, rtol=2e-2, atol=2e-2)
        found.x.sum().backward()
        assert torch.isfinite(leaf.grad).all(), setting
        assert torch.isfinite(other.raw_threshold.grad), setting


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_counts_large_clusters(dtype: torch.dtype) -> None:
    """Both formats lose count of ones: bfloat16 at 256, float16 at 2,048."""
    size = 4000
    x = torch.tensor([[20.0, 4.0]]).repeat(size + 1, 1)
    x[-1] = torch.tensor([-1.0, 1.0])
    nodes = torch.arange(size)
    star = torch.stack([torch.zeros_like(nodes), nodes])
    bridges = torch.stack([nodes, torch.full_like(nodes, size)])
    edge_index = torch.cat([star, bridges], dim=1)
    settings = [("average", "none"), *(("components", estimator) for estimator in ESTIMATORS)]
    for merge, estimator in settings:
        pool = ThresholdMergePool(0.5, merge=merge, estimator=estimator, temperature=0.01)
        out = pool(x.to(dtype), edge_index, torch.ones(2 * size, dtype=dtype))
        assert out.history.num_clusters == 2, estimator
        torch.testing.assert_close(out.x, torch.tensor([[20.0, 4.0], [-1.0, 1.0]], dtype=dtype))
        assert out.edge_attr.tolist() == [size], estimator
        assert out.history.weight[:size].sum().item() == pytest.approx(1), estimator


def test_autocast_decides_as_float32_does(inputs) -> None:
    for merge, estimator in product(get_args(MergeName), ESTIMATORS):
        pool = ThresholdMergePool(0.3, merge=merge, estimator=estimator)
        expected = pool(*inputs)
        with torch.autocast("cpu", dtype=torch.bfloat16):
            found = pool(*inputs)
        assert torch.equal(found.history.cluster, expected.history.cluster), (merge, estimator)
        torch.testing.assert_close(found.x, expected.x)


def test_the_probabilities_of_half_precision_add_up(inputs) -> None:
    x, edge_index, _, batch = inputs
    for merge in get_args(MergeName):
        pool = ThresholdMergePool(0.3, merge=merge).bfloat16()
        cuts = pool.cuts(x.bfloat16(), edge_index, None, batch)
        total = cuts.expectation(torch.ones(cuts.num_cuts))
        torch.testing.assert_close(total, torch.ones(3), rtol=0, atol=1e-6)


def test_inference_mode_and_tensors_from_it(inputs) -> None:
    x, *rest = inputs
    pool = ThresholdMergePool(0.3)
    expected = pool(*inputs).x
    with torch.inference_mode():
        from_inside = pool(*inputs).x
        inferred = x.clone()
    torch.testing.assert_close(from_inside, expected.detach())
    torch.testing.assert_close(pool(inferred, *rest).x, expected)


def test_copies_pool_alike(inputs) -> None:
    pool = ThresholdMergePool(0.4, merge="matching", reduce="max", estimator="straight_through")
    for twin in (copy.deepcopy(pool), pickle.loads(pickle.dumps(pool))):
        assert repr(twin) == repr(pool)
        torch.testing.assert_close(twin(*inputs).x, pool(*inputs).x)


def test_the_state_dict_is_the_raw_threshold(inputs) -> None:
    pool, other = ThresholdMergePool(0.4), ThresholdMergePool(0.9)
    assert list(pool.state_dict()) == ["raw_threshold"]
    other.load_state_dict(pool.state_dict())
    torch.testing.assert_close(other(*inputs).x, pool(*inputs).x)


def test_deterministic_algorithms(inputs) -> None:
    x, *rest = inputs
    leaf = x.clone().requires_grad_()
    torch.use_deterministic_algorithms(True)
    try:
        for merge in get_args(MergeName):
            ThresholdMergePool(0.3, merge=merge, estimator="gate")(leaf, *rest).x.sum().backward()
    finally:
        torch.use_deterministic_algorithms(False)
    assert leaf.grad is not None


def test_frozen_parameters_and_features(inputs) -> None:
    pool = ThresholdMergePool(0.3).requires_grad_(False)
    assert not pool(*inputs).x.requires_grad
