"""The structural loss against POT, a literal transcription of its definition, and known values."""

import numpy as np
import ot
import pytest
import torch
from torch_geometric.data import Batch, Data

from pyg_grapheme.nn.loss import GraphFeatures, StructuralLoss
from pyg_grapheme.nn.loss.terms import clique_term, edge_term, node_cost
from pyg_grapheme.nn.transport import sinkhorn
from pyg_grapheme.text import CATEGORIES, describe, split_graphemes, text_graph

TEXTS = [("cat", "cart"), ("a", "b1"), ("Hello 12", "hello!"), ("abcabc", "abc"), ("aa", "aa")]


def batch_of(*texts: str) -> Batch:
    """Graphs of texts, in float64."""
    graphs = [text_graph(text) for text in texts]
    for graph in graphs:
        graph.activation = graph.activation.double()
    return Batch.from_data_list(graphs)


def literal_terms(first: str, second: str, temperature: float) -> tuple[float, float, float]:
    """The three terms by loops over graphemes, from the definition; transport by POT."""
    u, v = split_graphemes(first), split_graphemes(second)
    out1, out2 = [1] * (len(u) - 1) + [0], [1] * (len(v) - 1) + [0]
    cost = np.zeros((len(u), len(v)))
    for i, x in enumerate(u):
        for j, y in enumerate(v):
            same = CATEGORIES[describe(x).category] == CATEGORIES[describe(y).category]
            kind = 0.0 if x == y else 0.5 if same else 1.0
            activation = min(abs(describe(x).value - describe(y).value), 1.0)
            degree = abs(out1[i] - out2[j]) / max(out1[i], out2[j], 1)
            cost[i, j] = 0.1 * kind + 0.7 * activation + 0.2 * degree
    rows, columns = np.ones(len(u)), np.full(len(v), len(u) / len(v))
    plan = ot.bregman.sinkhorn_log(
        rows, columns, cost, temperature, numItermax=20000, stopThr=1e-14, warn=False
    )
    edges1 = [(i, i + 1) for i in range(len(u) - 1)]
    edges2 = [(i, i + 1) for i in range(len(v) - 1)]
    edge = 0.5 * max(0, len(edges2) - len(edges1))
    for a, b in edges1:
        edge += 1 - sum(plan[a, i] * plan[b, j] for i, j in edges2)
    density1, density2 = (
        np.array(d) / (len(d) - 1) if len(d) > 1 else np.zeros(1) for d in (out1, out2)
    )
    clique = 0.3 * abs(density1.mean() - density2.mean())
    clique += 0.7 * abs(density1.var() - density2.var())
    return float((plan * cost).sum() + abs(len(u) - len(v))), float(edge), float(clique)


@pytest.mark.parametrize("temperature", [0.5, 0.1])
def test_terms_equal_a_literal_transcription(temperature: float) -> None:
    loss = StructuralLoss(temperature=temperature, max_iterations=5000, tolerance=1e-12)
    output = loss(batch_of(*(a for a, _ in TEXTS)), batch_of(*(b for _, b in TEXTS)))
    expected = np.array([literal_terms(a, b, temperature) for a, b in TEXTS])
    for value, column in zip((output.node, output.edge, output.clique), expected.T, strict=True):
        np.testing.assert_allclose(value.numpy(), column, atol=1e-8)
    total = expected @ np.array([1.0, 0.5, 2.0])
    np.testing.assert_allclose(output.total.numpy(), total, atol=1e-8)


@pytest.mark.parametrize(("temperature", "expected"), [(0.1, 12.0), (0.001, 6.0)])
def test_a_question_against_itself_costs_its_entropy_and_repeats(
    temperature: float, expected: float
) -> None:
    question = batch_of("How many legs cat have?")
    total = StructuralLoss(temperature=temperature)(question, question).total
    assert total.item() == pytest.approx(expected, abs=0.06)


def test_debias_makes_identical_graphs_equal() -> None:
    question = batch_of("How many legs cat have?", "aa", "")
    total = StructuralLoss(debias=True)(question, question).total
    torch.testing.assert_close(total, torch.zeros(3).double(), atol=1e-12, rtol=0)


@pytest.mark.parametrize(
    ("first", "second", "node", "edge"),
    [("", "abcd", 4, 3), ("abcd", "", 4, 3), ("", "", 0, 0), ("", "a", 1, 0)],
)
def test_an_empty_side_costs_the_size_of_the_other(
    first: str, second: str, node: float, edge: float
) -> None:
    output = StructuralLoss()(batch_of(first, "xy"), batch_of(second, "xyz"))
    assert output.node[0].item() == node
    assert output.edge[0].item() == edge
    assert output.transport.converged[0]
    assert torch.isfinite(output.total).all()


def test_only_empty_graphs() -> None:
    output = StructuralLoss()(batch_of("", ""), batch_of("", ""))
    assert output.total.tolist() == [0.0, 0.0]


def test_a_pair_is_worth_the_same_alone_and_in_a_batch() -> None:
    loss = StructuralLoss(max_iterations=100)
    together = loss(batch_of(*(a for a, _ in TEXTS)), batch_of(*(b for _, b in TEXTS))).total
    alone = torch.cat([loss(batch_of(a), batch_of(b)).total for a, b in TEXTS])
    torch.testing.assert_close(together, alone, rtol=1e-12, atol=1e-12)


def test_twenty_iterations_say_that_they_are_not_enough() -> None:
    transport = StructuralLoss()(batch_of("Hello 12"), batch_of("hello!")).transport
    assert transport.iterations.item() == 20
    assert not transport.converged.item()
    column = transport.plan.sum(1) - 8 / 6
    assert transport.marginal_error.item() == pytest.approx(column.abs().sum().item())
    torch.testing.assert_close(transport.plan.sum(2), torch.ones(1, 8).double())


def test_sinkhorn_stops_where_it_has_converged() -> None:
    cost = torch.zeros(1, 2, 2)
    nodes = torch.ones(1, 2, dtype=torch.bool)
    output = sinkhorn(cost, nodes, nodes)
    assert output.iterations.item() == 1
    assert output.converged.item()
    torch.testing.assert_close(output.plan, torch.full((1, 2, 2), 0.5))


@pytest.mark.parametrize("temperature", [1.0, 1e-2, 1e-4])
def test_values_and_gradients_stay_finite(temperature: float) -> None:
    first, second = batch_of("How many legs", "", "a"), batch_of("legs", "b", "")
    first.activation = first.activation.float().requires_grad_()
    second.activation = second.activation.float()
    total = StructuralLoss(temperature=temperature)(first, second).total
    assert torch.isfinite(total).all()
    total.sum().backward()
    assert torch.isfinite(first.activation.grad).all()


def features(
    activation: torch.Tensor, label: torch.Tensor, category: torch.Tensor
) -> GraphFeatures:
    """Two graphs: a fork of 3 nodes, and an edge."""
    edge_index = torch.tensor([[0, 0, 3], [1, 2, 4]])
    return GraphFeatures(activation, label, category, edge_index, torch.tensor([0, 0, 0, 1, 1]), 2)


def test_gradcheck_in_activations_and_distributions() -> None:
    generator = torch.Generator().manual_seed(0)
    label = torch.rand(5, 4, dtype=torch.float64, generator=generator).softmax(1)
    category = torch.rand(5, 2, dtype=torch.float64, generator=generator).softmax(1)
    activation = torch.rand(5, dtype=torch.float64, generator=generator)
    second = features(activation.flip(0) * 0.7, label.flip(0), category.flip(0))
    loss = StructuralLoss()

    def total(*inputs: torch.Tensor) -> torch.Tensor:
        output = loss.compare(features(*inputs), second)
        return torch.stack([output.total, output.node, output.edge])

    inputs = [value.requires_grad_() for value in (activation, label, category)]
    assert torch.autograd.gradcheck(total, inputs, rtol=1e-6, atol=1e-8)


def test_a_merged_node_has_the_expected_type_of_its_members() -> None:
    # "ab" merged against "a": half the members are the same, the other half of the same category.
    target = GraphFeatures(
        torch.zeros(1),
        torch.tensor([[1.0, 0.0]]),
        torch.ones(1, 1),
        torch.empty(2, 0).long(),
        torch.zeros(1).long(),
        1,
    )
    merged = target._replace(label=torch.tensor([[0.5, 0.5]]))
    cost, _, _ = node_cost(merged, target)
    assert cost.item() == pytest.approx(0.1 * (0.5 * 0.0 + 0.5 * 0.5))


def test_the_edge_term_counts_each_directed_edge_once() -> None:
    nodes = torch.zeros(2)
    label = torch.eye(2)
    graph = GraphFeatures(
        nodes, label, label, torch.tensor([[0, 0, 1], [1, 1, 0]]), torch.zeros(2).long(), 1
    )
    one_way = graph._replace(edge_index=torch.tensor([[0], [1]]))
    plan = torch.eye(2)[None]
    assert edge_term(plan, graph, one_way).item() == 1.0
    assert edge_term(plan, one_way, graph).item() == 0.5
    assert edge_term(plan, graph, graph).item() == 0.0


def test_the_clique_term_by_hand() -> None:
    # Star of 4 nodes: densities 1, 0, 0, 0, mean 1/4, variance 3/16. A single node: 0.
    label = torch.ones(5, 1)
    star = GraphFeatures(
        torch.zeros(5),
        label,
        label,
        torch.tensor([[0, 0, 0], [1, 2, 3]]),
        torch.tensor([0, 0, 0, 0, 1]),
        2,
    )
    point = star._replace(edge_index=torch.empty(2, 0).long(), batch=torch.tensor([0, 1, 1, 1, 1]))
    expected = 0.3 / 4 + 0.7 * 3 / 16
    assert clique_term(star, point, torch.float)[0].item() == pytest.approx(expected)


def test_a_node_alone_has_no_density_whatever_loops_it_has() -> None:
    loop, point = batch_of("a"), batch_of("a")
    loop.edge_index = torch.zeros(2, 1, dtype=torch.long)
    assert StructuralLoss()(loop, point).clique.item() == 0


def test_float32_beside_float64() -> None:
    first, second = batch_of("abc", "d"), batch_of("abd", "")
    expected = StructuralLoss()(first, second).total
    second.activation = second.activation.float()
    for pair in ((first, second), (second, first)):
        total = StructuralLoss()(*pair).total
        assert total.dtype == torch.double
    assert StructuralLoss()(first, second).total.tolist() == pytest.approx(expected.tolist())


def test_autocast_does_not_reach_it() -> None:
    first, second = batch_of("Hello 12", "abc"), batch_of("hello!", "cba")
    first.activation, second.activation = first.activation.float(), second.activation.float()
    with torch.autocast("cpu", torch.bfloat16):
        found = StructuralLoss()(first, second).total
    assert torch.equal(found, StructuralLoss()(first, second).total)


def test_a_batch_vector_makes_a_batch() -> None:
    """Without ``num_graphs``, as PyG's own layers take it."""
    whole, second = batch_of("ab", "c"), batch_of("a", "c")
    plain = Data(**{key: whole[key] for key in (*COMPARED, "edge_index", "batch")})
    assert torch.equal(StructuralLoss()(plain, second).total, StructuralLoss()(whole, second).total)


COMPARED = ("activation", "grapheme", "category")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"activation": None}, "Expected 'first' to have the attribute 'activation'"),
        ({"edge_index": None}, "Expected 'first' to have the attribute 'edge_index'"),
        ({"activation": torch.ones(3, 1)}, r"'activation' of 'first' to be \[N\] floating-point"),
        ({"activation": torch.ones(3).long()}, r"'activation' of 'first' .*torch.int64"),
        ({"category": torch.ones(2).long()}, r"'category' of 'first' to have 3 rows, .*got 2"),
        ({"grapheme": torch.ones(3, 2)}, r"Expected 'grapheme' to be \[N\] on both sides"),
        ({"edge_index": torch.tensor([[0], [3]])}, r"In 'first': .*'edge_index'"),
        ({"batch": torch.tensor([0, 1, 0])}, r"In 'first': Expected 'batch' to be sorted"),
    ],
)
def test_missing_or_unequal_attributes_are_named(
    change: dict[str, torch.Tensor | None], message: str
) -> None:
    first, second = batch_of("abc"), batch_of("abd")
    for key, value in change.items():
        first[key] = value
    with pytest.raises(ValueError, match=message):
        StructuralLoss()(first, second)


def test_batches_of_unequal_size_are_refused() -> None:
    with pytest.raises(ValueError, match=r"as many graphs each \(got 2 and 1\)"):
        StructuralLoss()(batch_of("a", "b"), batch_of("a"))


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ({"temperature": 0.0}, "Expected 'temperature' to be positive"),
        ({"max_iterations": 0}, "Expected 'max_iterations' to be at least 1"),
    ],
)
def test_options_are_checked(option: dict[str, float], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        StructuralLoss(**option)  # type: ignore[arg-type]


def test_repr_names_the_constants() -> None:
    assert repr(StructuralLoss()).startswith("StructuralLoss(alpha=1.0, beta=0.5, gamma=2.0")
