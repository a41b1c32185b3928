"""The converted data sets are what examples and benchmarks read."""

import importlib.util
import json
from pathlib import Path
from types import ModuleType

import networkx as nx
import numpy as np
import pytest
from scipy import sparse

from benchmarks.ged.data import read_graph_set
from benchmarks.rewiring.data import read_graph

SCRIPT = Path(__file__).resolve().parents[2] / "docs" / "prepare_data.py"


@pytest.fixture(scope="module")
def script() -> ModuleType:
    """Import the script."""
    spec = importlib.util.spec_from_file_location("prepare_data", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def adjacency(num_nodes: int, *edges: tuple[int, int]) -> sparse.csr_matrix:
    """Return a symmetric adjacency matrix."""
    dense = np.zeros((num_nodes, num_nodes), dtype=np.float32)
    for u, v in edges:
        dense[u, v] = dense[v, u] = 1
    return sparse.csr_matrix(dense)


def test_easy_small(script: ModuleType, tmp_path: Path) -> None:
    (tmp_path / "datasets").mkdir()
    arrays = {}
    for short in ("tr", "val", "te"):
        arrays[f"{short}_adj"] = np.empty(2, dtype=object)
        arrays[f"{short}_feat"] = np.empty(2, dtype=object)
        arrays[f"{short}_adj"][:] = [adjacency(2, (0, 1)), adjacency(3, (1, 2))]
        arrays[f"{short}_feat"][:] = [np.eye(5)[[4, 0]], np.eye(5)[[1, 2, 3]]]
        arrays[f"{short}_class"] = np.eye(3)[[2, 0]]
    np.savez(tmp_path / "datasets" / "easy_small.npz", **arrays)
    script.prepare_easy_small(tmp_path, tmp_path)
    with np.load(tmp_path / "graph_bench" / "easy_small.npz") as written:
        for split in ("train", "val", "test"):
            assert written[f"{split}_num_nodes"].tolist() == [2, 3]
            assert written[f"{split}_num_edges"].tolist() == [2, 2]
            assert written[f"{split}_edge_index"].tolist() == [[0, 1, 1, 2], [1, 0, 2, 1]]
            assert written[f"{split}_color"].tolist() == [4, 0, 1, 2, 3]
            assert written[f"{split}_y"].tolist() == [2, 0]


def test_aids700nef(script: ModuleType, tmp_path: Path) -> None:
    # Ids of nodes have gaps, and files are listed by their names: 10 before 9.
    for split, ids in {"train": (9, 10), "test": (3,)}.items():
        folder = tmp_path / "datasets/GED/data/AIDS700nef" / split
        folder.mkdir(parents=True)
        for id_ in ids:
            molecule = nx.Graph([(4, 0), (2, 4)])
            nx.set_node_attributes(molecule, {0: "C", 2: "N", 4: "O"}, "type")
            molecule.remove_nodes_from([2] * (id_ == 10))
            nx.write_gexf(molecule, folder / f"{id_}.gexf")
    result = tmp_path / "datasets/GED/result/aids700nef/ged"
    result.mkdir(parents=True)
    for name, run in script.MATRICES.items():
        matrix = np.zeros((2, 2)) if name == "ged_train_train" else np.array([[0.0, 2.0]])
        np.save(result / f"ged_ged_mat_aids700nef_{run}.npy", matrix)
    script.prepare_aids700nef(tmp_path, tmp_path)
    graphs = read_graph_set(tmp_path / "ged" / "aids700nef")
    assert [graph.num_nodes for graph in graphs.train] == [3, 2]
    assert graphs.test[0].edge_index.tolist() == [[0, 1, 2, 2], [2, 2, 0, 1]]
    assert graphs.test[0].label.tolist() == [0, 1, 2]
    assert graphs.distance.tolist() == [[0, 2]]


def test_cora(script: ModuleType, tmp_path: Path) -> None:
    for name in ("data", "meta", "splits"):
        (tmp_path / name).mkdir()
    # Node 0 is no part of the largest component; one edge has its other direction.
    clean, words = sparse.csr_matrix(np.eye(4, k=1) * [0, 0, 1, 1]), sparse.csr_matrix(np.eye(4))
    parts = {
        f"{name}_{part}": getattr(matrix, part)
        for name, matrix in (("adj", clean), ("attr", words))
        for part in ("data", "indices", "indptr", "shape")
    }
    np.savez(tmp_path / "data" / "cora.npz", **parts, labels=np.arange(4))
    for rate in script.RATES:
        path = tmp_path / "meta" / f"cora_meta_adj_{rate / 100:g}.npz"
        sparse.save_npz(path, adjacency(3, (0, 1), (1, 2), (0, 2)))
    splits = {"idx_train": [0], "idx_val": [1], "idx_test": [2]}
    (tmp_path / "splits" / "cora_prognn_splits.json").write_text(json.dumps(splits))
    script.prepare_cora(tmp_path, tmp_path, tmp_path)
    graph = read_graph(tmp_path / "attacked_graphs" / "cora.npz", 0)
    assert graph.y.tolist() == [1, 2, 3]
    assert graph.x.argmax(1).tolist() == [1, 2, 3]
    assert graph.edge_index.tolist() == [[0, 1, 1, 2], [1, 0, 2, 1]]
    assert graph.val_mask.tolist() == [False, True, False]
    assert read_graph(tmp_path / "attacked_graphs" / "cora.npz", 25).num_edges == 6
