"""What runs on a GPU gives there what it gives on the CPU: ``pytest -m cuda``."""

import copy
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, get_args

import pytest
import torch
from lightning.fabric.utilities import move_data_to_device
from torch import Tensor, nn
from torch_geometric.data import Batch
from torch_geometric.loader import DataLoader

from lightning_modules import (
    TaskModule,
    TrackEvents,
    fit,
    load_module,
    predict,
    write_graphs,
)
from lightning_modules.datamodules.track_events import EventOptions
from pyg_grapheme.metrics import METRICS
from pyg_grapheme.nn import (
    PairScorer,
    PartitionLoss,
    StructuralDistance,
    StructuralLoss,
    ThresholdMergePool,
    ThresholdRewire,
    ThresholdSplit,
    best_threshold,
    pair_bce,
)
from pyg_grapheme.nn.transport.sinkhorn import GradientName
from pyg_grapheme.testing import check_pool, check_rewire, check_split, tie_free_batch
from pyg_grapheme.text import Example, PairDataset, Vocabulary, text_graph
from pyg_grapheme.text.model import GraphTransformNet, TransformLoss
from pyg_grapheme.text.typing import LossName
from pyg_grapheme.typing import EstimatorName, MergeName

DEVICE = "cuda"

pytestmark = [
    pytest.mark.cuda,
    # The packages of the environment decide on the speed of a maximum, not on its value.
    pytest.mark.filterwarnings("ignore:The usage of `scatter:UserWarning"),
]

POOLS: dict[str, Callable[[], nn.Module]] = {
    "components": lambda: ThresholdMergePool(0.5),
    "average": lambda: ThresholdMergePool(0.5, merge="average"),
    "complete": lambda: ThresholdMergePool(0.5, merge="complete"),
    "matching": lambda: ThresholdMergePool(0.5, merge="matching"),
    "all pairs": lambda: ThresholdMergePool(0.5, candidates="all", block_size=4096),
    "acyclic": lambda: ThresholdMergePool(0.5, acyclic=True),
    "gate": lambda: ThresholdMergePool(0.5, estimator="gate", reduce="max", edge_reduce="mean"),
    "learned score": lambda: ThresholdMergePool(0.5, score=PairScorer(3, 2), logits=True),
}
OTHERS: dict[str, Callable[[], nn.Module]] = {
    "rewire edges": lambda: ThresholdRewire(0.5),
    "rewire nearest": lambda: ThresholdRewire(0.5, candidates="knn", k=2, keep_edges=True),
    "rewire all": lambda: ThresholdRewire(0.5, candidates="all", new_edge_attr=1.0),
    "split": lambda: ThresholdSplit(3, 0.5),
    "split into chains": lambda: ThresholdSplit(3, 0.5, connect="chain"),
}
LAYERS = POOLS | OTHERS


def tensors(value: Any) -> Iterator[Tensor]:
    """All tensors in nested tuples and objects."""
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, tuple | list):
        for part in value:
            yield from tensors(part)
    elif hasattr(value, "__dict__"):
        yield from tensors(list(vars(value).values()))


def with_gradients(output: Any, *inputs: Tensor, of: nn.Module) -> list[Tensor]:
    """The tensors of an output, and the gradients of their squares."""
    found = list(tensors(output))
    squares = [t.square().nan_to_num().sum() for t in found if t.requires_grad]
    needed = [t for t in (*inputs, *of.parameters()) if t.requires_grad]
    gradients = torch.autograd.grad(sum(squares), needed, allow_unused=True)
    return found + [g for g in gradients if g is not None]


def assert_same(run: Callable[[str], list[Tensor]]) -> None:
    expected, found = run("cpu"), run(DEVICE)
    assert len(expected) == len(found) > 1
    for one, other in zip(expected, found, strict=True):
        assert other.device.type == DEVICE
        torch.testing.assert_close(other.cpu(), one, rtol=1e-9, atol=1e-9, equal_nan=True)


def large_batch(name: str) -> Batch:
    """Graphs that need more than one block of threads."""
    return tie_free_batch((300, 0, 1, 700), margin=0.0, acyclic=name == "acyclic")


@pytest.mark.parametrize("name", LAYERS)
def test_outputs_cuts_and_gradients(name: str) -> None:
    torch.manual_seed(0)
    layer = LAYERS[name]().double()

    def run(device: str) -> list[Tensor]:
        own = copy.deepcopy(layer).to(device)
        found = []
        for data in (tie_free_batch(acyclic=name == "acyclic"), large_batch(name)):
            data = data.to(device)
            x = data.x.requires_grad_()
            graph = (x, data.edge_index, data.edge_attr, data.batch, data.num_graphs)
            found += with_gradients(own(*graph), x, of=own)
            if data.num_nodes < 100:
                cuts = own.cuts(*graph)
                found += with_gradients((cuts, cuts.weight), x, of=own)
        return found

    assert_same(run)


@pytest.mark.parametrize("name", sorted(POOLS.keys() - {"acyclic"}))
def test_trees_and_their_losses(name: str) -> None:
    torch.manual_seed(0)
    pool = POOLS[name]().double()
    data = large_batch(name)
    y = torch.arange(data.num_nodes) % 9
    y[::7] = -1
    objectives = ("pairs", *METRICS)

    def run(device: str) -> list[Tensor]:
        own, moved, labels = copy.deepcopy(pool).to(device), data.to(device), y.to(device)
        x = moved.x.detach().requires_grad_()
        graph = (x, moved.edge_index, moved.edge_attr, moved.batch, moved.num_graphs)
        tree = own.dendrogram(*graph)
        losses = [PartitionLoss(objective)(tree, labels) for objective in objectives]
        if own.logits:
            losses.append(pair_bce(own, *graph, y=labels))
        best = best_threshold(tree, labels, "adjusted_rand")
        return [*with_gradients((tree.height, losses), x, of=own), *tensors(best)]

    assert_same(run)


@pytest.mark.parametrize("gradient", get_args(GradientName))
@pytest.mark.parametrize("make", [StructuralLoss, StructuralDistance])
def test_structural_losses(make: Callable[..., nn.Module], gradient: GradientName) -> None:
    torch.manual_seed(0)
    sides = [
        Batch.from_data_list([text_graph(text) for text in texts])
        for texts in (("cat", "a", "Hello 12"), ("cart", "b1", "hello!"))
    ]
    for side in sides:
        side.activation = side.activation.double()
        side.label = torch.randn(side.num_nodes, 4, dtype=torch.double).softmax(1)
        side.kind = side.label
    loss = make(gradient=gradient)

    def run(device: str) -> list[Tensor]:
        first, second = (side.clone().to(device) for side in sides)
        first.label.requires_grad_()
        return with_gradients(loss(first, second), first.label, of=loss)

    assert_same(run)


@pytest.mark.parametrize("loss", get_args(LossName))
def test_the_text_model(loss: LossName) -> None:
    torch.manual_seed(0)
    examples = [Example("sing", "sang", ("V", "PST")), Example("abc", "ab"), Example("Öl", "öle")]
    vocabulary = Vocabulary.from_texts(list(e.target) for e in examples)
    net = GraphTransformNet(vocabulary.units, channels=8, layers=1, dropout=0.0, buckets=64)
    (pair,) = DataLoader(PairDataset(examples, net.vocabulary, net.source, net.target), 3)
    sources, tags = [e.source for e in examples], [e.tags for e in examples]
    written = {}

    def run(device: str) -> list[Tensor]:
        own = copy.deepcopy(net).double().to(device)
        written[device] = own(sources, tags)
        return with_gradients(TransformLoss(loss)(own, move_data_to_device(pair, device)), of=own)

    assert_same(run)
    assert written["cpu"] == written[DEVICE]


@pytest.mark.parametrize("merge", get_args(MergeName))
def test_pools_pass_all_checks(merge: MergeName) -> None:
    for estimator in get_args(EstimatorName)[:2]:
        pool = ThresholdMergePool(0.5, estimator=estimator, merge=merge).to(DEVICE)
        assert [result for result in check_pool(pool, 3) if not result.passed] == []


def test_other_layers_pass_all_checks() -> None:
    torch.manual_seed(0)
    rewire, split = ThresholdRewire(0.5, candidates="knn", k=2), ThresholdSplit(3, 0.5)
    assert [result for result in check_rewire(rewire.to(DEVICE), 3) if not result.passed] == []
    assert [result for result in check_split(split.to(DEVICE), 3) if not result.passed] == []


def fit_on_the_gpu(folder: Path, *options: str) -> tuple[Path, TaskModule]:
    """Train for an epoch on the GPU; return the checkpoint, and its module on the CPU."""
    common = ["--trainer.max_epochs=1", "--trainer.enable_progress_bar=false"]
    fit.main([*options, *common, f"--trainer.accelerator={DEVICE}", f"--output={folder}"])
    (checkpoint,) = folder.glob("*/*/checkpoints/model.ckpt")
    module = load_module(checkpoint)
    assert {p.device.type for p in module.parameters()} == {"cpu"}
    return checkpoint, module


@pytest.mark.filterwarnings("ignore")
def test_a_run_on_texts(tmp_path: Path) -> None:
    options = ("--config=conf/kindergarten.yaml", "--model.channels=8")
    _, module = fit_on_the_gpu(tmp_path, *options)
    texts = ["How many legs cat have?", "sing"]
    on_the_cpu = module(texts)
    assert module.to(DEVICE)(texts) == on_the_cpu


@pytest.mark.filterwarnings("ignore")
def test_a_run_on_graphs(tmp_path: Path) -> None:
    events, path = TrackEvents(6, 3, EventOptions(num_tracks=4)), tmp_path / "events.npz"
    write_graphs(path, events)
    _, module = fit_on_the_gpu(
        tmp_path,
        "--config=conf/tracks.yaml",
        *(f"--data.{name}={path}" for name in ("train", "val")),
        f'--data.test={{"test": "{path}"}}',
        "--data.batch_size=2",
        "--model.channels=8",
        "--trainer.precision=64-true",
    )
    module.double()
    batch = Batch.from_data_list(events[:])
    on_the_cpu = module.predict_step(batch).tolist()
    assert module.to(DEVICE).predict_step(batch.to(DEVICE)).tolist() == on_the_cpu


@pytest.mark.filterwarnings("ignore")
def test_a_run_on_records(tmp_path: Path) -> None:
    table = tmp_path / "people.csv"
    names = [f"{first} {last}" for first in ("Ann", "Bo", "Cleo", "Dan") for last in ("Lee", "Li")]
    rows = [f"{name}{mark},{name}" for name in names * 4 for mark in ("", "e", "y")]
    table.write_text("\n".join(["name,person", *rows]))
    options = ("--config=conf/records.yaml", f"--data.records={table}", "--data.cluster=person")
    checkpoint, _ = fit_on_the_gpu(tmp_path, *options)
    output = tmp_path / "clusters.csv"
    predict.main([f"--ckpt_path={checkpoint}", str(table), f"--output={output}"])
    assert len(output.read_text().splitlines()) == len(rows) + 1
