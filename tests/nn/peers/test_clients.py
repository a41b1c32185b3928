"""The layers where PyG's users put them: loaders, explainers, summaries, wrappers of models."""

import io
from collections.abc import Callable, Iterator

import pytest
import torch
import torch_geometric.typing
from packaging.version import Version
from torch import Tensor, nn
from torch_geometric.data import Data, HeteroData
from torch_geometric.explain import Explainer, GNNExplainer
from torch_geometric.loader import NeighborLoader, NodeLoader
from torch_geometric.nn import SAGEConv, Sequential, global_mean_pool, summary, to_hetero
from torch_geometric.sampler import (
    BaseSampler,
    EdgeSamplerInput,
    NegativeSampling,
    NodeSamplerInput,
    SamplerOutput,
)
from torch_geometric.utils import k_hop_subgraph

from pyg_grapheme.nn import ThresholdMergePool, ThresholdRewire, ThresholdSplit


class PairScore(nn.Module):
    """A score with parameters, of two nodes of three features."""

    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(6, 1)

    def forward(self, x_i: Tensor, x_j: Tensor, edge_attr: Tensor | None) -> Tensor:
        return torch.sigmoid(self.linear(torch.cat([x_i, x_j], 1))).squeeze(1)


LAYERS: dict[str, Callable[[float], nn.Module]] = {
    "merge": lambda threshold: ThresholdMergePool(threshold, score=PairScore()),
    "delete": lambda threshold: ThresholdRewire(threshold, score=PairScore()),
    "insert": lambda threshold: ThresholdRewire(
        threshold,
        score=PairScore(),
        candidates="knn",
        k=3,
        new_edge_attr=nn.Parameter(torch.ones(2)),
    ),
    "split": lambda threshold: ThresholdSplit(3, threshold),
}


@pytest.fixture
def inputs(draw_graphs: Callable) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Features, edges, attributes and batch of three graphs, in float32."""
    graphs = draw_graphs(0, [7, 1, 5])
    return graphs.x.float(), graphs.edge_index, graphs.edge_attr.float(), graphs.batch


def tensors(output: object) -> list[Tensor]:
    """All tensors of an output, those of its history included."""
    if isinstance(output, tuple):
        return [tensor for part in output for tensor in tensors(part)]
    return [output] if isinstance(output, Tensor) else []


@pytest.mark.parametrize("whole", [True, False], ids=["module", "state_dict"])
@pytest.mark.parametrize("name", LAYERS)
def test_a_saved_layer_gives_equal_outputs(name: str, whole: bool, inputs: tuple) -> None:
    torch.manual_seed(0)
    layer, file = LAYERS[name](0.5), io.BytesIO()
    torch.save(layer if whole else layer.state_dict(), file)
    file.seek(0)
    other = LAYERS[name](0.9)
    if whole:
        other = torch.load(file, weights_only=False)
    else:
        other.load_state_dict(torch.load(file, weights_only=True))
    expected, found = (tensors((layer(*inputs), layer.cuts(*inputs))) for layer in (layer, other))
    assert len(found) > 8
    for a, b in zip(found, expected, strict=True):
        torch.testing.assert_close(a, b, equal_nan=True)


def test_the_three_layers_in_a_sequential(inputs: tuple) -> None:
    torch.manual_seed(0)
    x, edge_index, attr, batch = inputs
    split, rewire, merge = ThresholdSplit(3, 0.5), ThresholdRewire(0.2), ThresholdMergePool(0.3)
    model = Sequential(
        "x, edge_index, edge_attr, batch",
        [
            (split, "x, edge_index, edge_attr, batch -> x, edge_index, edge_attr, batch, h1"),
            (rewire, "x, edge_index, edge_attr, batch -> edge_index, edge_attr, h2"),
            (merge, "x, edge_index, edge_attr, batch -> x, edge_index, edge_attr, batch, h3"),
            (lambda x, batch, *histories: (x, batch, histories), "x, batch, h1, h2, h3 -> out"),
        ],
    )
    found, its_batch, histories = model(*inputs)
    by_hand = split(x, edge_index, attr, batch)
    edge_index, attr, _ = rewire(*by_hand[:4])
    expected = merge(by_hand.x, edge_index, attr, by_hand.batch)
    assert found.equal(expected.x)
    assert its_batch.equal(expected.batch)
    for history in histories[::-1]:
        found = history.lift(found)
    assert found.shape == x.shape


class Regression(nn.Module):
    """A number per graph: convolve, pool, convolve if told to, read out the mean."""

    def __init__(self, how: str = "forward", again: bool = False) -> None:
        super().__init__()
        self.first = SAGEConv(3, 8)
        self.pool = ThresholdMergePool(0.5)
        self.second = SAGEConv(8, 8) if again else None
        self.last = nn.Linear(8, 1)
        self.how = how

    def forward(self, x: Tensor, edge_index: Tensor, batch: Tensor | None = None) -> Tensor:
        x = self.first(x, edge_index).relu()
        if self.how == "cuts":
            cuts = self.pool.cuts(x, edge_index, None, batch)
            return cuts.expectation(self.read_out(*cuts.output[:4], cuts.num_cuts))
        return self.read_out(*self.pool(x, edge_index, None, batch)[:4])

    def read_out(
        self,
        x: Tensor,
        edge_index: Tensor,
        edge_attr: Tensor | None,
        batch: Tensor,
        size: int | None = None,
    ) -> Tensor:
        if self.second is not None:
            x = self.second(x, edge_index).relu()
        out: Tensor = self.last(global_mean_pool(x, batch, size))
        return out


@pytest.mark.skipif(
    Version(torch.__version__) < Version("2.11"),
    reason="dynamo of torch < 2.11 fails at a number of graphs that depends on the data",
)
@pytest.mark.filterwarnings("ignore:The .grad attribute of a Tensor that is not a leaf")
@pytest.mark.parametrize("again", [False, True])
def test_training_through_compiled_cuts_gives_the_same_gradients(
    again: bool, inputs: tuple
) -> None:
    torch.manual_seed(0)
    x, edge_index, _, batch = inputs
    model = Regression("cuts", again)
    expected = model(x, edge_index, batch)
    expected.sum().backward()
    gradients = {name: p.grad.clone() for name, p in model.named_parameters()}
    assert gradients["pool.raw_threshold"] != 0
    model.zero_grad()
    torch._dynamo.reset()
    found = torch.compile(model, backend="aot_eager")(x, edge_index, batch)
    torch.testing.assert_close(found, expected)
    found.sum().backward()
    for name, parameter in model.named_parameters():
        torch.testing.assert_close(parameter.grad, gradients[name])


def explain(model: nn.Module, x: Tensor, edge_index: Tensor, **masks: str) -> Data:
    explainer = Explainer(
        model=model,
        algorithm=GNNExplainer(epochs=5),
        explanation_type="model",
        model_config={"mode": "regression", "task_level": "graph", "return_type": "raw"},
        **masks,
    )
    explanation: Data = explainer(x, edge_index, batch=torch.zeros(len(x), dtype=torch.long))
    return explanation


@pytest.mark.parametrize("how", ["forward", "cuts"])
def test_an_explanation_leaves_out_what_the_model_ignores(how: str, inputs: tuple) -> None:
    """The explainer gives 0 to whatever has no gradient.

    That is the feature whose weights are 0, and the edges from a node of zeros. Masks of edges are
    for the convolutions before the pool alone: PyG gives the same mask to all of them.
    """
    torch.manual_seed(0)
    x, edge_index = (
        inputs[0][:7],
        torch.tensor([[0, 1, 2, 3, 4, 5, 6, 0], [1, 2, 3, 4, 5, 6, 0, 3]]),
    )
    x[4] = 0
    model = Regression(how)
    for linear in (model.first.lin_l, model.first.lin_r):
        linear.weight.data[:, 1] = 0
    found = explain(model, x, edge_index, node_mask_type="attributes", edge_mask_type="object")
    assert found.validate()
    assert found.node_mask.shape == (7, 3)
    assert found.node_mask[:, 1].tolist() == [0] * 7
    assert found.node_mask[:, [0, 2]].sum() > 0
    assert (found.edge_mask > 0).tolist() == [source != 4 for source in edge_index[0].tolist()]


def test_features_are_explained_with_a_convolution_behind_the_pool(inputs: tuple) -> None:
    torch.manual_seed(0)
    model = Regression(again=True)
    found = explain(model, *inputs[:2], node_mask_type="attributes")
    assert found.node_mask.shape == inputs[0].shape
    assert found.node_mask.max() > 0


def test_a_summary_has_the_shapes_and_the_parameter() -> None:
    """Nodes 0 and 1 merge, so that the edge between them goes, and two of three edges stay."""
    pytest.importorskip("tabulate", reason="torch_geometric.nn.summary needs tabulate")
    x = torch.tensor([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0]])
    edge_index = torch.tensor([[0, 1, 2], [1, 2, 0]])
    table = summary(ThresholdMergePool(), x, edge_index)
    (row,) = (line for line in table.splitlines() if "ThresholdMergePool" in line)
    cells = [cell.strip() for cell in row.strip("|").split("|")]
    assert cells == ["ThresholdMergePool", "[3, 2], [2, 3]", "[2, 2], [2, 2], [2]", "1"]


class WholeComponents(BaseSampler):
    """A sampler in Python: the seeds, then all nodes that are connected with them."""

    def __init__(self, data: Data) -> None:
        self.data = data

    def sample_from_nodes(self, index: NodeSamplerInput, **kwargs: object) -> SamplerOutput:
        size = self.data.num_nodes
        reached = k_hop_subgraph(index.node, size, self.data.edge_index, num_nodes=size)[0]
        others = reached[~torch.isin(reached, index.node)]
        node = torch.cat([index.node, others])
        place = torch.full((size,), -1)
        place[node] = torch.arange(len(node))
        edge = (place[self.data.edge_index[0]] >= 0).nonzero().view(-1)
        row, col = place[self.data.edge_index[:, edge]]
        return SamplerOutput(node, row, col, edge, metadata=(index.input_id, index.time))

    def sample_from_edges(
        self, index: EdgeSamplerInput, neg_sampling: NegativeSampling | None = None
    ) -> SamplerOutput:
        raise NotImplementedError


def with_neighbor_loader(data: Data) -> Iterator[Data]:
    if not (torch_geometric.typing.WITH_PYG_LIB or torch_geometric.typing.WITH_TORCH_SPARSE):
        pytest.skip("NeighborLoader needs pyg-lib or torch-sparse")
    return iter(NeighborLoader(data, [-1] * data.num_nodes, batch_size=4))


def with_node_loader(data: Data) -> Iterator[Data]:
    return iter(NodeLoader(data, WholeComponents(data), batch_size=4))


# PyG prefers pyg-lib to torch-sparse, which compiles everywhere.
@pytest.mark.filterwarnings("ignore:Using 'NeighborSampler' without")
@pytest.mark.parametrize("load", [with_neighbor_loader, with_node_loader])
def test_seeds_of_a_loader_get_what_the_whole_graph_gives(
    load: Callable[[Data], Iterator[Data]], draw_graphs: Callable
) -> None:
    """Every sample is whole components, so that the merges are those of the whole graph.

    ``batch_size`` of a sample is its number of seeds, which come first, and is no number of graphs.
    """
    x, edge_index, attr, *_ = draw_graphs(0, [6, 1, 5, 9])
    data = Data(
        x=x,
        edge_index=torch.cat([edge_index, edge_index.flip(0)], 1),
        edge_attr=attr.repeat(2, 1),
    )
    pool, seen = ThresholdMergePool(0.3).double(), []
    expected = pool(data.x, data.edge_index)
    expected = expected.history.lift(expected.x)
    for sample in load(data):
        out = pool(sample.x, sample.edge_index, sample.edge_attr)
        seeds = slice(sample.batch_size)
        lifted = out.history.lift(out.x)[seeds]
        torch.testing.assert_close(lifted, expected[sample.n_id[seeds]])
        pooled = pool.pool_data(sample)
        assert not {"batch_size", "input_id"} & {*pooled.keys()}
        torch.testing.assert_close(pooled.history.lift(pooled.x)[seeds], lifted)
        torch.testing.assert_close(pooled.x, out.x)
        first = [int(out.history.members(k)[0]) for k in range(out.history.num_clusters)]
        assert pooled.n_id.equal(sample.n_id[first])
        seen += sample.n_id[seeds].tolist()
    assert sorted(seen) == list(range(21))


class OnOneType(nn.Module):
    """The pool in a model that ``to_hetero`` takes apart."""

    def __init__(self) -> None:
        super().__init__()
        self.pool = ThresholdMergePool(0.3)

    def forward(self, x: Tensor, edge_index: Tensor) -> Tensor:
        return self.pool(x, edge_index)[0]


def test_to_hetero_pools_an_edge_type_between_nodes_of_one_type(inputs: tuple) -> None:
    """Nodes of two types cannot merge, so that edges between them are refused in one line."""
    x, edge_index, *_ = inputs
    alone, there, back = ("a", "to", "a"), ("a", "to", "b"), ("b", "to", "a")
    hetero = to_hetero(OnOneType(), (["a"], [alone]))
    out = hetero({"a": x}, {alone: edge_index})
    torch.testing.assert_close(out[alone], ThresholdMergePool(0.3)(x, edge_index).x)

    hetero = to_hetero(OnOneType(), (["a", "b"], [there, back]))
    with pytest.raises(ValueError, match=r"^Expected 'x' to be a float tensor .* \(got tuple\)$"):
        hetero({"a": x, "b": x}, {there: edge_index, back: edge_index})


def test_hetero_data_is_pooled_as_homogeneous_data() -> None:
    """Nodes of two types have orthogonal features, so that nodes of one type alone merge."""
    data = HeteroData()
    data["a"].x = torch.tensor([[1.0, 0.0], [2.0, 0.0]])
    data["b"].x = torch.tensor([[0.0, 1.0], [0.0, 3.0], [0.0, -1.0]])
    data["a", "to", "a"].edge_index = torch.tensor([[0], [1]])
    data["a", "to", "b"].edge_index = torch.tensor([[0, 1, 1], [0, 0, 2]])
    data["b", "to", "b"].edge_index = torch.tensor([[0, 1], [1, 2]])
    pooled = ThresholdMergePool(0.5).pool_data(data.to_homogeneous())
    assert pooled.x.tolist() == [[1.5, 0], [0, 2], [0, -1]]
    assert pooled.node_type.tolist() == [0, 1, 1]
    assert pooled.edge_index.tolist() == [[0, 0, 1], [1, 2, 2]]
    assert pooled.edge_type.tolist() == [1, 1, 2]


class Distributed(nn.Module):
    """A layer with learned scores, and numbers that depend on all that it returns."""

    def __init__(self, name: str, method: str) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.layer, self.method = LAYERS[name](0.5), method

    def forward(self, x: Tensor, edge_index: Tensor, attr: Tensor) -> Tensor:
        if self.method == "forward":
            out = self.layer(x, edge_index, attr)
            return torch.cat(
                [part.view(-1) for part in out[:-1] if part.is_floating_point()]
            ).square()
        cuts = self.layer.cuts(x, edge_index, attr)
        is_split = isinstance(self.layer, ThresholdSplit)
        node = cuts.output.batch if is_split else cuts.batch
        value = x.new_zeros(cuts.num_cuts).index_add(
            0, node[cuts.output.edge_index[0]], cuts.output.edge_attr.sum(1)
        )
        if is_split:
            value = value.index_add(0, node, cuts.output.x.square().sum(1))
        return cuts.expectation(value)


CASES = [(name, method) for name in ("delete", "insert", "split") for method in ("forward", "cuts")]


def rank_inputs(rank: int) -> tuple[Tensor, Tensor, Tensor]:
    """A graph of 8 nodes; without an edge on the second process."""
    generator = torch.Generator().manual_seed(1)
    x = torch.randn(8, 3, generator=generator)
    edge_index = torch.randint(8, (2, 14), generator=generator)
    attr = torch.randn(14, 2, generator=generator)
    size = 0 if rank else 14
    return x, edge_index[:, :size], attr[:size]


def work(rank: int) -> list[list[Tensor | None]]:
    """Gradients by case, after going forward and backward twice."""
    found = []
    for case in CASES:
        model = nn.parallel.DistributedDataParallel(
            Distributed(*case), find_unused_parameters=False
        )
        for _ in range(2):  # the second pass fails if the first left a parameter without
            model.zero_grad()
            model(*rank_inputs(rank)).sum().backward()
        found.append([p.grad for p in model.parameters()])
    return found


@pytest.mark.parametrize("case", CASES, ids="-".join)
def test_every_process_has_the_mean_gradient(
    case: tuple[str, str], two_processes: list[list[list[Tensor]]]
) -> None:
    alone = []
    for rank in range(2):
        model = Distributed(*case)
        model(*rank_inputs(rank)).sum().backward()
        alone.append([p.grad for p in model.parameters()])
    for i, (first, second) in enumerate(zip(*alone, strict=True)):
        for found in two_processes:
            torch.testing.assert_close(found[CASES.index(case)][i], (first + second) / 2)
