"""check_rewire passes correct layers and fails layers that are broken on purpose."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch_geometric.utils import dropout_edge

from pyg_grapheme.nn import Cuts, RewireOutput, ThresholdRewire
from pyg_grapheme.testing import REWIRE_CHECKS, check_rewire
from pyg_grapheme.testing.run_checks import run_checks


def holds(name: str, layer: nn.Module) -> bool:
    (result,) = run_checks("layer", layer, {name: REWIRE_CHECKS[name]}, 3)
    return result.passed


def failing(layer: nn.Module) -> set[str]:
    return {result.name for result in check_rewire(layer, 3) if not result.passed}


class Score(nn.Module):
    """A learned score that tells directions apart."""

    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(6, 1)

    def forward(self, x_i: Tensor, x_j: Tensor, edge_attr: Tensor | None) -> Tensor:
        return self.linear(torch.cat([x_i, x_j], 1)).squeeze(1).sigmoid()


@pytest.mark.parametrize("candidates", ["edges", "knn", "all"])
def test_threshold_rewire_passes_all_checks(candidates: str) -> None:
    torch.manual_seed(0)
    k = 2 if candidates == "knn" else None
    for score in ("cosine", Score()):
        for keep_edges in (False, True)[: 1 + (candidates != "edges")]:
            layer = ThresholdRewire(
                0.5, candidates=candidates, k=k, score=score, keep_edges=keep_edges
            )
            results = check_rewire(layer, 3)
            assert [result.name for result in results] == list(REWIRE_CHECKS)
            assert [result for result in results if not result.passed] == []


def test_a_layer_of_directions_fails_one_check() -> None:
    torch.manual_seed(0)
    layer = ThresholdRewire(0.5, score=Score(), directed=True)
    assert failing(layer) == {"keeps an undirected graph undirected"}


class Dropped(nn.Module):
    """PyG's random deletion, without attributes and history."""

    def forward(self, x: Tensor, edge_index: Tensor, batch: Tensor) -> tuple[Tensor, Tensor]:
        return dropout_edge(edge_index, 0.5, training=self.training)


def test_a_layer_needs_no_attributes_history_or_cuts() -> None:
    assert failing(Dropped()) == {"keeps an undirected graph undirected"}


class Broken(nn.Module):
    """A correct layer whose output or cuts are then damaged."""

    def __init__(self, damage: Callable[[RewireOutput], Any], of_cuts: bool = False) -> None:
        super().__init__()
        self.layer = ThresholdRewire(0.5, candidates="knn", k=2)
        self.damage, self.of_cuts = damage, of_cuts

    def forward(
        self, x: Tensor, edge_index: Tensor, edge_attr: Tensor | None = None, *, batch: Tensor
    ) -> Any:
        output = self.layer(x, edge_index, edge_attr, batch)
        return output if self.of_cuts else self.damage(output)

    def cuts(self, x: Tensor, edge_index: Tensor, *, batch: Tensor) -> Cuts[RewireOutput]:
        cuts = self.layer.cuts(x, edge_index, batch=batch)
        return self.damage(cuts) if self.of_cuts else cuts


def keep(out: RewireOutput, kept: Tensor | slice) -> RewireOutput:
    """Keep some of the edges."""
    attr = None if out.edge_attr is None else out.edge_attr[kept]
    history = out.history._replace(edge=out.history.edge[kept])
    return RewireOutput(out.edge_index[:, kept], attr, history)


def with_attr(change: Callable[[Tensor], Any]) -> Callable[[RewireOutput], RewireOutput]:
    return lambda out: (
        out if out.edge_attr is None else out._replace(edge_attr=change(out.edge_attr))
    )


def with_edge(change: Callable[[Tensor], Any]) -> Callable[[RewireOutput], RewireOutput]:
    return lambda out: out._replace(history=out.history._replace(edge=change(out.history.edge)))


class _Lifts:
    edge = None

    def lift(self, z: Tensor) -> Tensor:
        return z.flip(0)


KEEPS = "keeps the attributes of edges, if it accepts them"
HISTORY = "says which edge each was, if it has a history of edges"
BROKEN: dict[str, list[Callable[[RewireOutput], Any]]] = {
    "returns edges of the same nodes": [
        lambda out: out._replace(edge_index=out.edge_index + 1),
        lambda out: out._replace(edge_index=out.edge_index.int()),
        lambda out: out.edge_index,
    ],
    "inserts no self-loops and repeats no edges": [
        lambda out: (torch.cat([out.edge_index, out.edge_index[:, -1:]], 1),),
        lambda out: (torch.cat([out.edge_index, torch.tensor([[3], [3]])], 1),),
    ],
    "keeps an undirected graph undirected": [
        lambda out: keep(out, out.edge_index[0] < out.edge_index[1]),
        lambda out: keep(out, slice(1, None)),
    ],
    "rewires each graph of a batch independently": [
        lambda out: keep(out, out.edge_index[0] < 4),
    ],
    "ignores the order of the edges": [
        lambda out: keep(out, out.history.edge % 2 == 0),
    ],
    "ignores the order of the nodes": [
        lambda out: keep(out, out.edge_index[0] < out.edge_index[1]),
    ],
    "is deterministic in eval mode": [
        lambda out: keep(out, torch.rand(out.edge_index.size(1)) > 0.5),
    ],
    KEEPS: [
        lambda out: out._replace(edge_attr=None),
        with_attr(lambda attr: attr[1:]),
        with_attr(lambda attr: attr.sum(1)),
        with_attr(lambda attr: attr.double()),
        with_attr(lambda attr: attr.flip(0)),
        with_attr(lambda attr: attr + 1e-3),
        with_attr(lambda attr: attr.detach()),
        with_attr(lambda attr: torch.where(attr == 0, torch.nan, attr)),
    ],
    HISTORY: [
        with_edge(lambda edge: edge[1:]),
        with_edge(lambda edge: edge.flip(0)),
        with_edge(lambda edge: edge * 0 - 1),
    ],
    "lifts features to the nodes they are of, if its history lifts": [
        lambda out: out._replace(history=_Lifts()),
    ],
}
BROKEN_CUTS: dict[str, list[Callable[[Cuts[RewireOutput]], Any]]] = {
    "has cuts that are nested and have a distribution, if it has cuts": [
        lambda cuts: cuts._replace(weight=cuts.weight * 1.01),
        lambda cuts: cuts._replace(output=keep(cuts.output, slice(1, None, 2))),
        lambda cuts: cuts._replace(output=keep(cuts.output, slice(0, 0))),
    ],
    "has correct gradients through its cuts, if it has cuts": [
        lambda cuts: cuts._replace(weight=cuts.weight.detach()),
        lambda cuts: cuts._replace(weight=2 * cuts.weight.detach() - cuts.weight),
    ],
}


@pytest.mark.parametrize("name", BROKEN | BROKEN_CUTS)
def test_a_broken_layer_fails(name: str) -> None:
    for number, damage in enumerate(BROKEN.get(name, [])):
        assert not holds(name, Broken(damage)), number
    for number, damage in enumerate(BROKEN_CUTS.get(name, [])):
        assert not holds(name, Broken(damage, of_cuts=True)), number


class Changes(nn.Module):
    """A layer that changes its input, forgets its parameter and refuses empty graphs."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = ThresholdRewire(0.5)

    def state_dict(self, *inputs: Any, **options: Any) -> dict[str, Tensor]:
        return {}

    def load_state_dict(self, *inputs: Any, **options: Any) -> Any:
        return None

    def forward(self, x: Tensor, edge_index: Tensor, *, batch: Tensor) -> RewireOutput:
        if batch.numel() and bool((torch.bincount(batch) == 0).any()):
            raise KeyError("an empty graph")
        if not x.any():
            raise ValueError("no feature")
        output = self.layer(x, edge_index, None, batch)
        x += 1e-3
        return output


def test_the_other_checks_can_fail() -> None:
    found = {
        "leaves its input unchanged",
        "restores from its state_dict",
        "accepts an empty graph between others",
        "accepts a graph: zero features",
        "accepts a graph: no nodes",
    }
    assert found <= failing(Changes())
    covered = found | BROKEN.keys() | BROKEN_CUTS.keys()
    rest = {name for name in REWIRE_CHECKS if name not in covered}
    assert all(name.startswith("accepts a graph: ") for name in rest)


def test_a_class_is_no_layer() -> None:
    with pytest.raises(ValueError, match=r"'layer' to be a torch.nn.Module \(got type\)"):
        check_rewire(ThresholdRewire)
    with pytest.raises(ValueError, match=r"'features' to be an int of at least 2, .* \(got 1\)"):
        check_rewire(ThresholdRewire(), 1)
