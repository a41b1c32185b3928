"""The structural loss beside POT and SciPy: matchings, unmatched nodes, Gromov-Wasserstein."""

import numpy as np
import ot
import pytest
import torch
from scipy.optimize import linear_sum_assignment
from torch import Tensor
from torch_geometric.data import Batch, Data
from torch_geometric.loader import DataLoader

from pyg_grapheme.nn.loss import StructuralLoss, graph_features
from pyg_grapheme.nn.loss.terms import node_cost

SIZES = [(5, 5), (4, 7), (6, 3), (1, 1), (8, 8)]


def draw_graph(size: int, generator: torch.Generator, directed: bool = False) -> Data:
    """A random graph with random activations, labels and categories, in float64."""
    there = torch.rand(size, size, generator=generator) < 0.4
    if not directed:
        there = there.triu(1)
        there = there | there.T
    there.fill_diagonal_(False)
    label = torch.randint(6, (size,), generator=generator)
    return Data(
        edge_index=there.nonzero().T,
        activation=torch.rand(size, generator=generator, dtype=torch.double),
        label=label,
        kind=label // 3,
        num_nodes=size,
    )


def draw_pairs(
    seed: int, sizes: list[tuple[int, int]] = SIZES, directed: bool = False
) -> tuple[Batch, Batch]:
    generator = torch.Generator().manual_seed(seed)
    pairs = [[draw_graph(n, generator, directed) for n in pair] for pair in sizes]
    first, second = (Batch.from_data_list(list(side)) for side in zip(*pairs, strict=True))
    return first, second


def costs(first: Batch, second: Batch) -> list[np.ndarray]:
    """Cost of the nodes of each pair, without padding."""
    cost, rows, columns = node_cost(*graph_features(first, second))
    return [c[r][:, k].numpy() for c, r, k in zip(cost, rows, columns, strict=True)]


def annealed(**options: float) -> StructuralLoss:
    return StructuralLoss(
        temperature=1e-4, max_iterations=300, tolerance=1e-4, annealing=True, **options
    )


def test_the_node_term_tends_to_the_linear_program() -> None:
    first, second = draw_pairs(0, 3 * SIZES)
    found = annealed()(first, second)
    for value, cost in zip(found.node, costs(first, second), strict=True):
        n1, n2 = cost.shape
        exact = ot.emd2(np.ones(n1), np.full(n2, n1 / n2), cost) + abs(n1 - n2)
        assert value.item() == pytest.approx(exact, rel=0.01, abs=1e-3)


def test_the_node_term_of_equal_sizes_tends_to_the_best_assignment() -> None:
    first, second = draw_pairs(1, [(n, n) for n in 3 * (2, 5, 9)])
    found = annealed()(first, second)
    for value, cost in zip(found.node, costs(first, second), strict=True):
        assert value.item() == pytest.approx(cost[linear_sum_assignment(cost)].sum(), rel=0.01)


@pytest.mark.parametrize("unmatched", [0.0, 0.3, 2.0])
def test_with_unmatched_nodes_it_is_the_best_partial_assignment(unmatched: float) -> None:
    first, second = draw_pairs(2, 2 * SIZES)
    found = annealed(unmatched=unmatched)(first, second)
    for value, cost in zip(found.node, costs(first, second), strict=True):
        n1, n2 = cost.shape
        full = np.full((n1 + n2, n1 + n2), unmatched)
        full[:n1, :n2], full[n1:, n2:] = cost, 0
        exact = full[linear_sum_assignment(full)].sum()
        assert value.item() == pytest.approx(exact, rel=0.01, abs=2e-3)


def test_unmatched_nodes_are_pot_s_transport_with_dummies() -> None:
    temperature = 0.1
    first, second = draw_pairs(3)
    loss = StructuralLoss(
        temperature=temperature, max_iterations=20_000, tolerance=1e-12, unmatched=0.25
    )
    found = loss(first, second)
    for b, cost in enumerate(costs(first, second)):
        n1, n2 = cost.shape
        padded = np.full((n1 + 1, n2 + 1), 0.25)
        padded[:n1, :n2], padded[n1, n2] = cost, 0
        rows, columns = np.append(np.ones(n1), n2), np.append(np.ones(n2), n1)
        plan = ot.bregman.sinkhorn_log(
            rows, columns, padded, temperature, numItermax=50_000, stopThr=1e-14
        )
        assert found.node[b].item() == pytest.approx((plan * padded).sum(), abs=1e-8)
        graphs = [batch.get_example(b).edge_index.T.tolist() for batch in (first, second)]
        overlap = sum(plan[u, i] * plan[v, j] for u, v in graphs[0] for i, j in graphs[1])
        edge = len(graphs[0]) - overlap + 0.5 * max(0, len(graphs[1]) - len(graphs[0]))
        assert found.edge[b].item() == pytest.approx(edge, abs=1e-8)


def test_an_empty_side_leaves_all_nodes_unmatched() -> None:
    first, second = draw_pairs(4, [(2, 2), (0, 3), (4, 0), (0, 0)])
    found = StructuralLoss(unmatched=0.25)(first, second)
    assert found.node[1:].tolist() == pytest.approx([0.75, 1.0, 0])
    num_edges = [second.get_example(1).num_edges, first.get_example(2).num_edges, 0]
    assert found.edge[1:].tolist() == num_edges


@pytest.mark.parametrize("directed", [False, True])
def test_the_edge_term_is_the_gromov_wasserstein_objective_at_the_plan(directed: bool) -> None:
    """With 0/1 adjacencies: sum (A - B)^2 P P = sum A^2 a a + sum B^2 b b - 2 overlap."""
    first, second = draw_pairs(0, directed=directed)
    loss = StructuralLoss(temperature=0.2, max_iterations=5000, tolerance=1e-12)
    found = loss(first, second)
    for b, (n1, n2) in enumerate(SIZES):
        adjacency = []
        for batch, n in ((first, n1), (second, n2)):
            matrix = np.zeros((n, n))
            matrix[tuple(batch.get_example(b).edge_index.numpy())] = 1
            adjacency.append(matrix)
        plan = found.transport.plan[b, :n1, :n2].numpy()
        rows, columns = plan.sum(1), plan.sum(0)
        constant, left, right = ot.gromov.init_matrix(*adjacency, rows, columns, "square_loss")
        objective = ot.gromov.gwloss(constant, left, right, plan)
        e1, e2 = (matrix.sum() for matrix in adjacency)
        overlap = (e1 + e2 * (n1 / n2) ** 2 - objective) / 2
        expected = e1 - overlap + 0.5 * max(0, e2 - e1)
        assert found.edge[b].item() == pytest.approx(expected, abs=1e-8)


@pytest.mark.parametrize("gradient", ["unrolled", "implicit"])
@pytest.mark.parametrize("unmatched", [None, 0.3])
def test_gradcheck_of_every_term(unmatched: float | None, gradient: str) -> None:
    first, second = draw_pairs(6)
    converged = {"max_iterations": 20_000, "tolerance": 1e-13}
    options = converged if gradient == "implicit" else {"max_iterations": 20}
    loss = StructuralLoss(temperature=0.2, unmatched=unmatched, gradient=gradient, **options)

    def terms(activation: Tensor) -> Tensor:
        first.activation = activation
        output = loss(first, second)
        return torch.stack([output.total, output.node, output.edge])

    assert torch.autograd.gradcheck(
        terms, first.activation.clone().requires_grad_(), rtol=1e-5, atol=1e-8
    )


class PairData(Data):
    """Two graphs in one, as PyG's documentation has them."""

    def __inc__(self, key: str, value: object, *args: object, **kwargs: object) -> object:
        if key in ("edge_index_s", "edge_index_t"):
            return self[f"activation_{key[-1]}"].size(0)
        return super().__inc__(key, value, *args, **kwargs)


def paired(first: Batch, second: Batch) -> list[PairData]:
    return [
        PairData(
            **{
                f"{key}_{side}": graph[key]
                for side, graph in (("s", s), ("t", t))
                for key in ("activation", "label", "kind", "edge_index")
            }
        )
        for s, t in zip(first.to_data_list(), second.to_data_list(), strict=True)
    ]


def test_one_batch_of_pairs_is_as_good_as_two_batches() -> None:
    first, second = draw_pairs(7, [*SIZES, (2, 0), (0, 0)])
    loader = DataLoader(
        paired(first, second), batch_size=7, follow_batch=["activation_s", "activation_t"]
    )
    (pairs,) = loader
    assert torch.equal(StructuralLoss()(pairs).total, StructuralLoss()(first, second).total)


def test_what_a_batch_of_pairs_lacks_is_named() -> None:
    (pairs,) = DataLoader(paired(*draw_pairs(8)), batch_size=9, follow_batch=["activation_s"])
    with pytest.raises(ValueError, match=r"'activation_t_batch', with follow_batch=\['activ"):
        StructuralLoss()(pairs)
    pairs.activation_t_batch = torch.zeros_like(pairs.activation_t, dtype=torch.long)
    edge_index_t, pairs.edge_index_t = pairs.edge_index_t, torch.tensor([[0], [99]])
    with pytest.raises(ValueError, match=r"In 'first' \(fields '\*_t'\): Expected 'edge_index'"):
        StructuralLoss()(pairs)
    pairs.edge_index_t = edge_index_t
    del pairs.label_s
    with pytest.raises(ValueError, match=r"Expected 'label_s' of 'first' to be a tensor \(got"):
        StructuralLoss()(pairs)
