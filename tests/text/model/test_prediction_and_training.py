"""What prediction takes to be likely is what training made likely, step by step."""

import math
import random
from collections.abc import Callable
from itertools import product
from typing import Any

import pytest
import torch
from torch import Tensor
from torch_geometric.loader import DataLoader

from pyg_grapheme.nn.pool import PoolOutput
from pyg_grapheme.text import Example, GraphPair, PairDataset, Vocabulary
from pyg_grapheme.text.model import (
    GraphTransformNet,
    TransformLoss,
    edit_likelihood,
    graph_transform_net,
    log_probability,
)
from pyg_grapheme.text.model.edit_decoder import (
    DELETE,
    INSERT,
    KEEP,
    LOWER,
    SUBSTITUTE,
    UPPER,
    EditDecoder,
)
from pyg_grapheme.text.model.edit_lattice import EditScores
from pyg_grapheme.text.model.hypotheses import EditPath

MergeTexts = Callable[..., PoolOutput]

VOCABULARY = Vocabulary(["a", "b", "c", "d"])
COPIES = {KEEP, UPPER, LOWER}
WRITES = {SUBSTITUTE, INSERT} | COPIES
Logits = tuple[Tensor, Tensor]


class Spy:
    """Calls a function and keeps what goes in and what comes out."""

    def __init__(self, function: Any) -> None:
        self.function = function
        self.calls: list[tuple[tuple[Any, ...], Any]] = []

    def __call__(self, *arguments: Any) -> Any:
        result = self.function(*arguments)
        self.calls.append((arguments, result))
        return result


def make(seed: int, *, use_pool: bool) -> GraphTransformNet:
    """A net that is sure of what it does, and does a bit of everything."""
    torch.manual_seed(seed)
    net = GraphTransformNet(
        VOCABULARY.units, channels=8, layers=1, buckets=64, max_insert=3, use_pool=use_pool
    )
    with torch.no_grad():
        for parameter in net.decoder.parameters():
            parameter.mul_(3)
        net.decoder.operation.bias[[KEEP, SUBSTITUTE, UPPER, LOWER]] += 3
        net.pool.raw_threshold.fill_(random.Random(seed).uniform(-1, 3))
    return net.double().eval()


def draw_example(rng: random.Random, target: str = "") -> Example:
    source = "".join(rng.choice("abcdxéBÖßǅ") for _ in range(rng.randint(1, 8)))
    return Example(source, target, rng.choice([("V",), ()]))


def as_batch(example: Example) -> GraphPair:
    (pair,) = DataLoader(PairDataset([example], VOCABULARY), batch_size=1)
    assert isinstance(pair, GraphPair)
    return pair


def operation_log_probability(logits: Logits, operation: int, node: str) -> float:
    """Of the operation at a node of some letters, with the likeliest unit where it writes one.

    Args:
        logits: Of one step.
        operation: The operation.
        node: The letters; none at the end of the text.
    """
    operations = logits[0][0].clone()
    if not node:
        operations[[KEEP, SUBSTITUTE]] = -torch.inf
    for mapping, mapped in ((UPPER, node[:1].upper()), (LOWER, node[:1].lower())):
        if len(mapped) != 1 or mapped == node[:1]:
            operations[mapping] = -torch.inf
    found = operations.log_softmax(0)[operation]
    if operation in (SUBSTITUTE, INSERT):
        found = found + logits[1][0].log_softmax(0).max()
    return float(found)


@pytest.mark.parametrize("use_pool", [True, False])
def test_each_step_is_as_likely_as_it_was_in_training(
    use_pool: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    decided, searched = Spy(EditDecoder.logits), Spy(graph_transform_net.search_edits)
    summed = Spy(edit_likelihood.shared_log_likelihood)
    monkeypatch.setattr(graph_transform_net, "search_edits", searched)
    monkeypatch.setattr(edit_likelihood, "shared_log_likelihood", summed)
    seen: set[int] = set()
    for seed in range(12):
        net, rng = make(seed, use_pool=use_pool), random.Random(seed)
        for _ in range(3):
            example = draw_example(rng)
            with monkeypatch.context() as patch:
                patch.setattr(EditDecoder, "logits", lambda *arguments: decided(*arguments))
                decided.calls.clear()
                (written,) = net([example.source], [example.tags])
            (_, rows, *_), (((steps, total),),) = searched.calls[-1]
            assert len(steps) == len(decided.calls)
            with torch.no_grad():
                TransformLoss("cross_entropy").at_threshold(
                    net, as_batch(example._replace(target=written))
                )
            (scored, number, *_), _ = summed.calls[-1]
            assert isinstance(scored, EditScores)
            entries = dict.fromkeys(COPIES, scored.copy) | {
                DELETE: scored.delete,
                SUBSTITUTE: scored.substitute,
                INSERT: scored.insert,
            }
            expected_total = j = copied = 0
            for (_, logits), (row, operation, _) in zip(decided.calls, steps, strict=True):
                start, size = int(rows.start[row]), int(rows.size[row])
                # While the rest of a node is copied there is nothing to decide.
                if not copied:
                    node = example.source[start : start + size]
                    expected = operation_log_probability(logits, operation, node)
                    found = entries[operation][number[row], j].item()
                    assert found == pytest.approx(expected, abs=1e-9)
                    expected_total += expected
                    seen.add(operation)
                copied = (copied + 1) % size if operation in COPIES else 0
                j += operation in WRITES
            assert j == len(written)
            assert total == pytest.approx(expected_total, abs=1e-9)
    assert seen == {DELETE, KEEP, SUBSTITUTE, INSERT, UPPER, LOWER}


def all_texts(alphabet: str, longest: int) -> list[str]:
    return ["".join(t) for length in range(longest + 1) for t in product(alphabet, repeat=length)]


@torch.no_grad()
def score_all(net: GraphTransformNet, source: str, texts: list[str]) -> dict[str, float]:
    scores = log_probability(net, [source] * len(texts), texts, [("V",)] * len(texts))
    return dict(zip(texts, scores.tolist(), strict=True))


@pytest.mark.parametrize(
    "nodes", [["axX"], ["a", "B", "é"], ["x"], ["aa", "b"], ["a", "ab", "bx"], ["ab", "a", "ba"]]
)
def test_a_search_that_drops_nothing_has_the_exact_probability_of_every_text(
    nodes: list[str], merge_texts: MergeTexts, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without insertions, there are few texts, and a beam has room for all."""
    searched = Spy(graph_transform_net.search_edits)
    monkeypatch.setattr(graph_transform_net, "search_edits", searched)
    net, source = make(len(nodes), use_pool=True), "".join(nodes)
    monkeypatch.setattr(net, "merge", lambda state: merge_texts([list(map(len, nodes))], 8))
    with torch.no_grad():
        net.decoder.operation.bias[INSERT] = -1e4
        (alternatives,) = net.predict(net.read([source], [("V",)]), beam=1000).alternatives
    paths: list[EditPath] = searched.calls[-1][1][0]
    found = {
        net.write(edits): path.log_probability
        for edits, path in zip(alternatives, paths, strict=True)
        if path.log_probability > -1e3
    }
    # What is found adds up to 1, so nothing is missing.
    assert math.fsum(map(math.exp, found.values())) == pytest.approx(1, abs=1e-9)
    assert len(found) > 5
    for text, score in found.items():
        # One at a time, as the merge is that of one text. What is less probable than this may also
        # be written letter by letter, though the vocabulary lacks the letters.
        if score > -15:
            assert score_all(net, source, [text])[text] == pytest.approx(score, abs=1e-7), text
    assert paths == sorted(paths, key=lambda path: -path.log_probability)


@pytest.mark.parametrize("use_pool", [True, False])
def test_insertions_are_searched_as_they_are_summed(
    use_pool: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A wide beam loses little of any text, also where a text goes on behind its whole source."""
    searched = Spy(graph_transform_net.search_edits)
    monkeypatch.setattr(graph_transform_net, "search_edits", searched)
    sources = ["ab", "aBa", "x"]
    for seed in range(3):
        net = make(seed, use_pool=use_pool)
        with torch.no_grad():
            for linear in (net.decoder.operation, net.decoder.unit):
                linear.weight.mul_(0.3)
            net.decoder.operation.bias[INSERT] = -3.0
            net.decoder.operation.bias[KEEP] = 3.0
            graphs = net.read(sources, [("V",)] * len(sources))
            alternatives = net.predict(graphs, beam=600).alternatives
        for source, found, paths in zip(sources, alternatives, searched.calls[-1][1], strict=True):
            scores = {net.write(e): p.log_probability for e, p in zip(found, paths, strict=True)}
            exact = score_all(net, source, list(scores))
            assert {source + letter for letter in VOCABULARY.units} <= set(scores)
            for text, score in scores.items():
                assert score <= exact[text] + 1e-9, (source, text)
                if score > -8:
                    assert score > exact[text] - 0.05, (source, text)


@pytest.mark.parametrize("use_pool", [True, False])
def test_a_wide_beam_finds_the_most_probable_of_all_texts(use_pool: bool) -> None:
    """A beam of one does not always."""
    greedy_finds = 0
    sources = ["ab", "xB", "cad", "Ax", "b", "dc"]
    for seed, source in enumerate(sources):
        net = make(seed, use_pool=use_pool)
        with torch.no_grad():
            # Any operation may be the best one; texts are not much longer than their sources.
            net.decoder.operation.weight.mul_(0.3)
            net.decoder.operation.bias.zero_()
            net.decoder.operation.bias[INSERT] = -5.0
            edits = net.predict(net.read([source], [("V",)]), beam=200).edits[0]
        alphabet = "".join(sorted(set("abcd" + source + source.upper() + source.lower())))
        exact = score_all(net, source, all_texts(alphabet, 4))
        best = max(exact, key=lambda text: exact[text])
        # No longer text can be as probable.
        assert 1 - math.fsum(map(math.exp, exact.values())) < math.exp(exact[best])
        assert net.write(edits) == best
        greedy_finds += net([source], [("V",)]) == [best]
    assert 0 < greedy_finds < len(sources)
