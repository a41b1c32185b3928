"""check_split passes the layer and fails layers that are broken on purpose."""

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from pyg_grapheme.nn import SplitOutput, ThresholdSplit
from pyg_grapheme.testing import SPLIT_CHECKS, check_split
from pyg_grapheme.testing.run_checks import run_checks


def holds(name: str, layer: nn.Module) -> bool:
    (result,) = run_checks("layer", layer, {name: SPLIT_CHECKS[name]}, 3)
    return result.passed


def failing(split: nn.Module) -> set[str]:
    return {result.name for result in check_split(split, 3) if not result.passed}


def make(**options: Any) -> ThresholdSplit:
    torch.manual_seed(0)
    return ThresholdSplit(3, 0.5, **options)


@pytest.mark.parametrize("connect", ["inherit", "chain"])
def test_threshold_split_passes_all_checks(connect: str) -> None:
    for options in ({}, {"logits": True}, {"estimator": "reinforce"}):
        results = check_split(make(connect=connect, **options))
        assert [result.name for result in results] == list(SPLIT_CHECKS)
        assert [result for result in results if not result.passed] == [], options


class Halves(nn.Module):
    """Children whose mean is another vector."""

    def forward(self, x: Tensor) -> Tensor:
        return torch.stack([x / 2, x], 1)


def test_children_with_another_mean_are_found() -> None:
    assert failing(make(children=Halves())) == {"has children whose mean is their parent"}


class Broken(nn.Module):
    """A correct layer whose output, or whose cuts, are then damaged."""

    def __init__(self, damage: Callable[[Any], Any], method: str = "forward") -> None:
        super().__init__()
        self.split, self.damage, self.method = make(), damage, method

    def forward(self, x: Tensor, edge_index: Tensor, batch: Tensor) -> Any:
        out = self.split(x, edge_index, batch=batch)
        return self.damage(out) if self.method == "forward" else out

    def cuts(self, x: Tensor, edge_index: Tensor, batch: Tensor) -> Any:
        cuts = self.split.cuts(x, edge_index, batch=batch)
        return self.damage(cuts) if self.method == "cuts" else cuts


def with_parent(out: SplitOutput, change: Callable[[Tensor], Tensor]) -> SplitOutput:
    return out._replace(history=out.history._replace(parent=change(out.history.parent)))


def siblings(out: SplitOutput) -> Tensor:
    """Pairs of the first and the second child of a node."""
    first = (out.history.parent.diff() == 0).nonzero().view(-1)
    return torch.stack([first, first + 1])


def without_second_children(out: SplitOutput) -> SplitOutput:
    second = torch.zeros(len(out.x), dtype=torch.bool)
    second[siblings(out)[1]] = True
    return out._replace(edge_index=out.edge_index[:, ~second[out.edge_index].any(0)])


class Lifted:
    """A history that adds the children up."""

    def __init__(self, history: Any) -> None:
        self.parent, self.num_nodes = history.parent, history.num_nodes

    def lift(self, fine: Tensor) -> Tensor:
        lifted = fine.new_zeros(self.num_nodes, *fine.shape[1:])
        return lifted.index_add(0, self.parent, fine)


PROBABILITIES = "has cuts whose weights are probabilities, if it has cuts"
BROKEN: dict[str, list[Broken]] = {
    "returns a graph": [
        Broken(lambda out: out._replace(edge_index=out.edge_index + 1)),
    ],
    "splits each graph of a batch independently": [
        Broken(lambda out: out._replace(x=out.x - out.x.mean(0))),
    ],
    "ignores the order of the nodes": [
        Broken(lambda out: out._replace(x=out.x + torch.arange(len(out.x))[:, None])),
    ],
    "keeps a connected graph connected": [
        Broken(without_second_children),
    ],
    "passes a gradient to every node": [
        Broken(lambda out: out._replace(x=out.x.detach())),
    ],
    "gives every node one or two children, in the order of the nodes": [
        Broken(lambda out: with_parent(out, lambda parent: parent.flip(0))),
        Broken(lambda out: with_parent(out, lambda parent: parent // 2)),
        Broken(lambda out: SimpleNamespace(**out._asdict() | {"history": None})),
    ],
    "keeps children in the graph of their parent": [
        Broken(lambda out: out._replace(batch=out.batch.clamp(max=0))),
    ],
    "leaves nodes that do not split unchanged": [
        Broken(lambda out: out._replace(x=out.x * 1.01)),
    ],
    "has children whose mean is their parent": [
        Broken(lambda out: out._replace(x=out.x * 1.01)),
    ],
    "lifts by averaging the children": [
        Broken(lambda out: out._replace(history=Lifted(out.history))),
    ],
    "gives the edges back where children are merged": [
        Broken(lambda out: out._replace(edge_index=out.edge_index[:, 4:])),
        Broken(lambda out: out._replace(edge_index=out.edge_index.flip(0))),
    ],
    "keeps a directed acyclic graph acyclic": [
        Broken(
            lambda out: out._replace(
                edge_index=torch.cat([out.edge_index, siblings(out), siblings(out).flip(0)], 1)
            )
        ),
    ],
    PROBABILITIES: [
        Broken(lambda cuts: cuts._replace(weight=cuts.weight / 2), "cuts"),
        Broken(lambda cuts: cuts._replace(weight=1 - cuts.weight), "cuts"),
    ],
    "has nested cuts, if it has cuts": [
        Broken(
            lambda cuts: cuts._replace(
                output=with_parent(cuts.output, lambda parent: parent.max() - parent.flip(0)),
                batch=cuts.batch.max() - cuts.batch.flip(0),
                graph=torch.zeros_like(cuts.graph),
            ),
            "cuts",
        ),
    ],
    "has exact gradients through its cuts, if it has cuts": [
        Broken(lambda cuts: cuts._replace(weight=cuts.weight.detach()), "cuts"),
        Broken(
            lambda cuts: cuts._replace(output=cuts.output._replace(x=cuts.output.x.detach())),
            "cuts",
        ),
    ],
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_layer_fails(name: str) -> None:
    for number, split in enumerate(BROKEN[name]):
        assert not holds(name, split), number


def test_a_class_is_no_layer() -> None:
    with pytest.raises(ValueError, match=r"'layer' to be a torch.nn.Module \(got type\)"):
        check_split(ThresholdSplit)
