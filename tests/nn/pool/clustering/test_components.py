"""Connected components against networkx."""

import networkx as nx
import pytest
import torch

from pyg_grapheme.nn.pool.clustering.components import component_roots, dense_labels, jump


def test_roots_are_the_smallest_nodes_of_networkx_components() -> None:
    for seed in range(20):
        generator = torch.Generator().manual_seed(seed)
        num_nodes = int(torch.randint(1, 60, (), generator=generator))
        pairs = torch.randint(num_nodes, (2, num_nodes * 2 // 3), generator=generator)
        graph = nx.Graph(pairs.T.tolist())
        graph.add_nodes_from(range(num_nodes))
        root = {node: min(part) for part in nx.connected_components(graph) for node in part}
        expected = [root[i] for i in range(num_nodes)]
        assert component_roots(pairs, num_nodes).tolist() == expected, seed


def test_long_chains_have_one_root() -> None:
    nodes = torch.arange(3000)
    shuffled = torch.randperm(3000, generator=torch.Generator().manual_seed(0))
    for chain in (nodes, nodes.flip(0), shuffled):
        roots = component_roots(torch.stack([chain[:-1], chain[1:]]), 3000)
        assert roots.unique().tolist() == [0]


def test_without_pairs_every_node_is_alone() -> None:
    for num_nodes in (0, 1, 4):
        roots = component_roots(torch.empty(2, 0, dtype=torch.long), num_nodes)
        assert roots.tolist() == list(range(num_nodes))


@pytest.mark.parametrize(
    ("parent", "root"),
    [([], []), ([0], [0]), ([0, 0, 1, 2, 3], [0] * 5), ([0, 3, 2, 3, 1, 2], [0, 3, 2, 3, 3, 2])],
)
def test_jump_follows_pointers_to_the_end(parent: list[int], root: list[int]) -> None:
    assert jump(torch.tensor(parent, dtype=torch.long)).tolist() == root


@pytest.mark.parametrize(
    ("root", "labels", "count"),
    [([], [], 0), ([0, 1, 0, 3, 1], [0, 1, 0, 2, 1], 3), ([0, 0, 0], [0, 0, 0], 1)],
)
def test_labels_are_dense_and_ordered_by_smallest_member(
    root: list[int], labels: list[int], count: int
) -> None:
    dense, found = dense_labels(torch.tensor(root, dtype=torch.long))
    assert (dense.tolist(), found) == (labels, count)
