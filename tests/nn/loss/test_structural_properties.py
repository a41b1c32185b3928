"""Properties of the structural loss on any graphs."""

import random

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch_geometric.data import Batch, Data

from pyg_grapheme.nn.loss import StructuralLoss
from pyg_grapheme.text import text_graph

LETTERS = "abcdXY 12.,"
UNMATCHED = [None, 0.3]


@st.composite
def graphs(draw: st.DrawFn, max_nodes: int = 7) -> Data:
    """A graph with any edges, loops and repeats too."""
    size = draw(st.integers(0, max_nodes))
    node = st.integers(0, max(size - 1, 0))
    edges = draw(st.lists(st.tuples(node, node), max_size=12)) if size else []
    label = draw(st.lists(st.integers(0, 4), min_size=size, max_size=size))
    activation = draw(st.lists(st.floats(-1, 2), min_size=size, max_size=size))
    return Data(
        edge_index=torch.tensor(edges, dtype=torch.long).view(-1, 2).T,
        activation=torch.tensor(activation, dtype=torch.double),
        label=torch.tensor(label, dtype=torch.long),
        kind=torch.tensor(label, dtype=torch.long) // 2,
        num_nodes=size,
    )


def moved(graph: Data, seed: int) -> Data:
    """The same graph, its nodes in another order, its edges too."""
    generator = torch.Generator().manual_seed(seed)
    place = torch.randperm(graph.num_nodes, generator=generator)
    edges = torch.randperm(graph.num_edges, generator=generator)
    order = place.argsort()
    return Data(
        edge_index=place[graph.edge_index[:, edges]] if graph.num_edges else graph.edge_index,
        activation=graph.activation[order],
        label=graph.label[order],
        kind=graph.kind[order],
        num_nodes=graph.num_nodes,
    )


def total(loss: StructuralLoss, first: list[Data], second: list[Data]) -> torch.Tensor:
    return loss(Batch.from_data_list(first), Batch.from_data_list(second)).total


@pytest.mark.parametrize("unmatched", UNMATCHED)
@given(graph=graphs())
@settings(deadline=None, max_examples=40)
def test_debiased_identical_graphs_do_not_differ(unmatched: float | None, graph: Data) -> None:
    loss = StructuralLoss(debias=True, unmatched=unmatched)
    assert total(loss, [graph], [graph]).abs().item() < 1e-10


@pytest.mark.parametrize("unmatched", UNMATCHED)
@given(first=graphs(), second=graphs(), seed=st.integers(0, 1000))
@settings(deadline=None, max_examples=40)
def test_the_order_of_nodes_and_edges_decides_nothing(
    unmatched: float | None, first: Data, second: Data, seed: int
) -> None:
    loss = StructuralLoss(unmatched=unmatched, max_iterations=200)
    plain = total(loss, [first], [second])
    torch.testing.assert_close(
        total(loss, [moved(first, seed)], [moved(second, seed + 1)]), plain, rtol=1e-8, atol=1e-8
    )


@pytest.mark.parametrize("unmatched", UNMATCHED)
@given(pairs=st.lists(st.tuples(graphs(), graphs()), min_size=1, max_size=4))
@settings(deadline=None, max_examples=30)
def test_a_pair_is_worth_the_same_alone_and_in_a_batch(
    unmatched: float | None, pairs: list[tuple[Data, Data]]
) -> None:
    loss = StructuralLoss(unmatched=unmatched, debias=True)
    together = total(loss, *(list(side) for side in zip(*pairs, strict=True)))
    alone = torch.cat([total(loss, [a], [b]) for a, b in pairs])
    torch.testing.assert_close(together, alone, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("unmatched", UNMATCHED)
@given(first=graphs(), second=graphs())
@settings(deadline=None, max_examples=40)
def test_no_term_is_below_zero(unmatched: float | None, first: Data, second: Data) -> None:
    output = StructuralLoss(unmatched=unmatched)(first, second)
    assert output.node.item() >= -1e-12
    assert output.density.item() >= 0
    assert output.total.isfinite()


def edited(text: str, edits: int, draw: random.Random) -> str:
    """A text after so many random insertions, deletions and substitutions."""
    letters = list(text)
    for _ in range(edits):
        kind, place = draw.randrange(3), draw.randrange(len(letters))
        if kind == 0:
            letters.insert(place, draw.choice(LETTERS))
        elif kind == 1 and len(letters) > 1:
            del letters[place]
        else:
            letters[place] = draw.choice(LETTERS.replace(letters[place], ""))
    return "".join(letters)


@pytest.mark.parametrize("unmatched", UNMATCHED)
def test_texts_differ_more_the_more_they_are_edited(unmatched: float | None) -> None:
    draw = random.Random(0)
    texts = ["".join(draw.choices(LETTERS, k=12)) for _ in range(300)]
    loss = StructuralLoss(debias=True, unmatched=unmatched)
    first = [text_graph(text) for text in texts]
    means = [
        total(loss, first, [text_graph(edited(text, edits, draw)) for text in texts]).mean().item()
        for edits in (0, 1, 2, 4, 8)
    ]
    assert means[0] == pytest.approx(0, abs=1e-4)
    assert means == sorted(means)
    assert means[1] > 0.05
