"""What prediction takes to be likely is what training made likely, step by step."""

import random
from typing import Any

import pytest
import torch
from torch import Tensor
from torch_geometric.loader import DataLoader

from pyg_grapheme.text import Example, GraphPair, PairDataset, Vocabulary
from pyg_grapheme.text.model import (
    GraphTransformNet,
    TransformLoss,
    graph_transform_net,
    transform_loss,
)
from pyg_grapheme.text.model.edit_decoder import DELETE, INSERT, KEEP, SUBSTITUTE, EditDecoder
from pyg_grapheme.text.model.edit_lattice import EditScores
from pyg_grapheme.text.model.write_edits import EditTrace

VOCABULARY = Vocabulary(["a", "b", "c", "d"])
Logits = tuple[Tensor, Tensor]
Step = tuple[int, int, int]


class Spy:
    """Calls a function and keeps what goes in and what comes out."""

    def __init__(self, function: Any) -> None:
        self.function = function
        self.calls: list[tuple[tuple[Any, ...], Any]] = []

    def __call__(self, *arguments: Any) -> Any:
        result = self.function(*arguments)
        self.calls.append((arguments, result))
        return result


def make(seed: int, *, merges: bool) -> GraphTransformNet:
    """A net that is sure of what it does, and does a bit of everything."""
    torch.manual_seed(seed)
    net = GraphTransformNet(
        VOCABULARY.units, channels=8, layers=1, buckets=64, max_insert=3, merges=merges
    )
    with torch.no_grad():
        for parameter in net.decoder.parameters():
            parameter.mul_(3)
        net.decoder.operation.bias[KEEP] += 2
        net.pool.raw_threshold.fill_(random.Random(seed).uniform(-1, 3))
    return net.double().eval()


def draw_example(rng: random.Random, target: str = "") -> Example:
    source = "".join(rng.choice("abcdxé") for _ in range(rng.randint(1, 8)))
    return Example(source, target, rng.choice([("V",), ()]))


def as_batch(example: Example) -> GraphPair:
    (pair,) = DataLoader(PairDataset([example], VOCABULARY), batch_size=1)
    assert isinstance(pair, GraphPair)
    return pair


def walk(trace: EditTrace, size: list[int]) -> list[Step]:
    """Operation, row and units written before each step; a node is copied unit by unit."""
    steps, written = [], 0
    for row, (units, operation) in enumerate(zip(size, trace.operation.tolist(), strict=True)):
        for _ in range(int((trace.insert_row == row).sum())):
            steps.append((INSERT, row, written))
            written += 1
        steps.append((operation, row, written))
        if operation == KEEP:
            # While the rest is copied there is nothing to decide.
            steps += [(-1, row, written + k) for k in range(1, units)]
        written += {KEEP: units, SUBSTITUTE: 1, DELETE: 0}[operation]
    return steps


def log_probability(logits: Logits, operation: int, *, at_end: bool) -> float:
    """Of the operation, with the likeliest unit where it writes one."""
    operations = logits[0][0].clone()
    if at_end:
        operations[[KEEP, SUBSTITUTE]] = -torch.inf
    found = operations.log_softmax(0)[operation]
    if operation in (SUBSTITUTE, INSERT):
        found = found + logits[1][0].log_softmax(0).max()
    return float(found)


@pytest.mark.parametrize("merges", [True, False])
def test_each_step_is_as_likely_as_it_was_in_training(
    merges: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    decided, traced = Spy(EditDecoder.logits), Spy(graph_transform_net.write_edits)
    summed = Spy(transform_loss.shared_log_likelihood)
    monkeypatch.setattr(graph_transform_net, "write_edits", traced)
    monkeypatch.setattr(transform_loss, "shared_log_likelihood", summed)
    seen: set[int] = set()
    for seed in range(12):
        net, rng = make(seed, merges=merges), random.Random(seed)
        for _ in range(3):
            example = draw_example(rng)
            with monkeypatch.context() as patch:
                patch.setattr(EditDecoder, "logits", lambda *arguments: decided(*arguments))
                decided.calls.clear()
                (written,) = net([example.source], [example.tags])
            size = traced.calls[-1][0][1].size.tolist()
            steps = walk(traced.calls[-1][1], size)
            assert len(steps) == len(decided.calls)
            with torch.no_grad():
                TransformLoss("cross_entropy").at_threshold(
                    net, as_batch(example._replace(target=written))
                )
            (scored, number, *_), _ = summed.calls[-1]
            assert isinstance(scored, EditScores)
            entries = {
                DELETE: scored.delete,
                KEEP: scored.keep,
                SUBSTITUTE: scored.substitute,
                INSERT: scored.insert,
            }
            for (_, logits), (operation, row, j) in zip(decided.calls, steps, strict=True):
                if operation >= 0:
                    seen.add(operation)
                    expected = log_probability(logits, operation, at_end=row == len(size) - 1)
                    found = entries[operation][number[row], j].item()
                    assert found == pytest.approx(expected, abs=1e-9)
    assert seen == {DELETE, KEEP, SUBSTITUTE, INSERT}
