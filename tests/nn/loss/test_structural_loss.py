"""The structural loss against POT, a literal transcription of its definition, and known values."""

import numpy as np
import ot
import pytest
import torch
from torch_geometric.data import Batch, Data

from pyg_grapheme.nn.loss import GraphFeatures, StructuralLoss, graph_features
from pyg_grapheme.nn.loss.terms import density_term, edge_term, node_cost
from pyg_grapheme.text import text_graph, unit_info

TEXTS = [("cat", "cart"), ("a", "b1"), ("Hello 12", "hello!"), ("abcabc", "abc"), ("aa", "aa")]


def batch_of(*texts: str) -> Batch:
    """Graphs of texts, in float64."""
    graphs = [text_graph(text) for text in texts]
    for graph in graphs:
        graph.activation = graph.activation.double()
    return Batch.from_data_list(graphs)


def literal_terms(first: str, second: str, temperature: float) -> tuple[float, float, float]:
    """The three terms by loops over code points, from the definition; transport by POT."""
    u, v = list(first), list(second)
    out1, out2 = [1] * (len(u) - 1) + [0], [1] * (len(v) - 1) + [0]
    cost = np.zeros((len(u), len(v)))
    for i, x in enumerate(u):
        for j, y in enumerate(v):
            same = unit_info(x).category == unit_info(y).category
            different_type = 0.0 if x == y else 0.5 if same else 1.0
            activation = min(abs(unit_info(x).value - unit_info(y).value), 1.0)
            degree = abs(out1[i] - out2[j]) / max(out1[i], out2[j], 1)
            cost[i, j] = 0.1 * different_type + 0.7 * activation + 0.2 * degree
    a, b = np.ones(len(u)), np.full(len(v), len(u) / len(v))
    plan = ot.bregman.sinkhorn_log(
        a, b, cost, temperature, numItermax=20000, stopThr=1e-14, warn=False
    )
    edges1 = [(i, i + 1) for i in range(len(u) - 1)]
    edges2 = [(i, i + 1) for i in range(len(v) - 1)]
    edge = 0.5 * max(0, len(edges2) - len(edges1))
    for tail, head in edges1:
        edge += 1 - sum(plan[tail, i] * plan[head, j] for i, j in edges2)
    density1, density2 = (
        np.array(d) / (len(d) - 1) if len(d) > 1 else np.zeros(1) for d in (out1, out2)
    )
    density = 0.3 * abs(density1.mean() - density2.mean())
    density += 0.7 * abs(density1.var() - density2.var())
    return float((plan * cost).sum() + abs(len(u) - len(v))), float(edge), float(density)


def test_terms_equal_a_literal_transcription() -> None:
    for temperature in (0.5, 0.1):
        loss = StructuralLoss(temperature=temperature, max_iterations=5000, tolerance=1e-12)
        output = loss(batch_of(*(a for a, _ in TEXTS)), batch_of(*(b for _, b in TEXTS)))
        expected = np.array([literal_terms(a, b, temperature) for a, b in TEXTS])
        found = torch.stack([output.node, output.edge, output.density], dim=1)
        np.testing.assert_allclose(found.numpy(), expected, atol=1e-8)
        total = expected @ np.array([1.0, 0.5, 2.0])
        np.testing.assert_allclose(output.total.numpy(), total, atol=1e-8)


def test_the_bias_of_a_question_is_its_entropy_and_repeats() -> None:
    question = batch_of("How many legs cat have?")
    for temperature, expected in ((0.1, 12.0), (0.001, 6.0)):
        total = StructuralLoss(temperature=temperature)(question, question).total
        assert total.item() == pytest.approx(expected, abs=0.06)


def test_an_empty_side_costs_the_size_of_the_other() -> None:
    first, second = ("xy", "", "abcd", "", ""), ("xyz", "abcd", "", "", "a")
    output = StructuralLoss()(batch_of(*first), batch_of(*second))
    assert output.node[1:].tolist() == [4, 4, 0, 1]
    assert output.edge[1:].tolist() == [3, 3, 0, 0]
    assert output.transport.converged[1:].all()
    assert torch.isfinite(output.total).all()
    assert StructuralLoss()(batch_of("", ""), batch_of("", "")).total.tolist() == [0.0, 0.0]


def test_the_output_says_that_twenty_iterations_are_not_enough() -> None:
    transport = StructuralLoss()(batch_of("Hello 12"), batch_of("hello!")).transport
    assert transport.iterations.item() == 20
    assert not transport.converged.item()
    column = transport.plan.sum(1) - 8 / 6
    assert transport.marginal_error.item() == pytest.approx(column.abs().sum().item())
    torch.testing.assert_close(transport.plan.sum(2), torch.ones(1, 8).double())


def test_values_and_gradients_stay_finite() -> None:
    first, second = batch_of("How many legs", "", "a"), batch_of("legs", "b", "")
    second.activation = second.activation.float()
    for temperature in (1.0, 1e-2, 1e-4):
        first.activation = first.activation.detach().float().requires_grad_()
        total = StructuralLoss(temperature=temperature)(first, second).total
        assert torch.isfinite(total).all()
        total.sum().backward()
        assert torch.isfinite(first.activation.grad).all()


def test_gradcheck_in_activations_and_distributions() -> None:
    # A fork of 3 nodes, and an edge.
    edge_index, batch = torch.tensor([[0, 0, 3], [1, 2, 4]]), torch.tensor([0, 0, 0, 1, 1])
    generator = torch.Generator().manual_seed(0)
    label = torch.rand(5, 4, dtype=torch.float64, generator=generator).softmax(1)
    kind = torch.rand(5, 2, dtype=torch.float64, generator=generator).softmax(1)
    activation = torch.rand(5, dtype=torch.float64, generator=generator)
    second = GraphFeatures(
        activation.flip(0) * 0.7, label.flip(0), kind.flip(0), edge_index, batch, 2
    )

    def total(*inputs: torch.Tensor) -> torch.Tensor:
        output = StructuralLoss().compare(GraphFeatures(*inputs, edge_index, batch, 2), second)
        return torch.stack([output.total, output.node, output.edge])

    inputs = [value.requires_grad_() for value in (activation, label, kind)]
    assert torch.autograd.gradcheck(total, inputs, rtol=1e-6, atol=1e-8)


def test_constants_stay_out_of_autograd() -> None:
    first, second = batch_of("Hello 12", "a"), batch_of("hello!", "b")
    first.activation.requires_grad_()
    cost, _, _ = node_cost(*graph_features(first, second))
    names, functions = [], [cost.grad_fn]
    while functions:
        function = functions.pop()
        names.append(function.name())
        functions += [after for after, _ in function.next_functions if after is not None]
    assert names.count("AccumulateGrad") + names.count("torch::autograd::AccumulateGrad") == 1
    assert not any("Bmm" in name or "Maximum" in name for name in names)


def test_a_merged_node_has_the_expected_type_of_its_members() -> None:
    # "ab" merged against "a": half the members are the same, the other half of the same kind.
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
    nodes, label = torch.zeros(2), torch.eye(2)
    graph = GraphFeatures(
        nodes, label, label, torch.tensor([[0, 0, 1], [1, 1, 0]]), torch.zeros(2).long(), 1
    )
    one_way = graph._replace(edge_index=torch.tensor([[0], [1]]))
    plan = torch.eye(2)[None]
    assert edge_term(plan, graph, one_way).item() == 1.0
    assert edge_term(plan, one_way, graph).item() == 0.5
    assert edge_term(plan, graph, graph).item() == 0.0


def test_the_density_term_by_hand() -> None:
    # Star of 4 nodes: densities 1, 0, 0, 0, mean 1/4, variance 3/16. A single node with a loop: 0.
    label = torch.ones(5, 1)
    star = GraphFeatures(
        torch.zeros(5),
        label,
        label,
        torch.tensor([[0, 0, 0], [1, 2, 3]]),
        torch.tensor([0, 0, 0, 0, 1]),
        2,
    )
    loop = torch.zeros(2, 1, dtype=torch.long)
    point = star._replace(edge_index=loop, batch=torch.tensor([0, 1, 1, 1, 1]))
    expected = 0.3 / 4 + 0.7 * 3 / 16
    assert density_term(star, point, torch.float)[0].item() == pytest.approx(expected)


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
    fields = ("activation", "label", "kind", "edge_index", "batch")
    plain = Data(**{key: whole[key] for key in fields})
    assert torch.equal(StructuralLoss()(plain, second).total, StructuralLoss()(whole, second).total)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"activation": None}, "Expected 'activation' of 'first' to be a tensor"),
        ({"edge_index": None}, "Expected 'edge_index' of 'first' to be a tensor"),
        ({"activation": torch.ones(3).long()}, r"'activation' of 'first' .*\[N\] .*torch.int64"),
        ({"kind": torch.ones(2).long()}, r"'kind' of 'first' to have 3 rows, .*shape \(2,\)"),
        ({"label": torch.ones(3, 2)}, r"'label' of 'first' and 'label' of 'second' to be \[N\]"),
        ({"edge_index": torch.tensor([[0], [3]])}, r"In 'first': .*'edge_index'"),
        ({"batch": torch.tensor([0, 1, 0])}, r"In 'first': Expected 'batch' to be sorted"),
    ],
)
def test_fields_that_do_not_fit_are_named(
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
        ({"beta": float("nan")}, "Expected 'beta' to be at least 0"),
        ({"unmatched": -0.1}, "Expected 'unmatched' to be at least 0"),
        ({"node_weights": (1.0, 2.0)}, "Expected 'node_weights' to be 3 numbers"),
        ({"node_weights": (1.0, 2.0, -1.0)}, "Expected 'node_weights' to be at least 0"),
        ({"debias": 1}, "Expected 'debias' to be True or False"),
    ],
)
def test_options_are_checked(option: dict[str, float], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        StructuralLoss(**option)  # type: ignore[arg-type]


def test_repr_names_the_constants() -> None:
    assert repr(StructuralLoss()).startswith("StructuralLoss(alpha=1.0, beta=0.5, gamma=2.0")
