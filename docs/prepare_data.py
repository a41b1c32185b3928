"""Convert public data sets to the files that examples and benchmarks read.

python docs/prepare_data.py easy_small Benchmark_dataset_for_graph_classification FOLDER
python docs/prepare_data.py aids700nef ERIC FOLDER
python docs/prepare_data.py cora gnn-meta-attack Pro-GNN FOLDER

The last argument is the folder of data; the ones before it are checkouts of the sources.
docs/data.md names them. SciPy and networkx are needed. Two of the sources are pickles: their
repositories are trusted.
"""

import json
import sys
from pathlib import Path

import networkx as nx
import numpy as np
from scipy import sparse
from scipy.sparse.csgraph import connected_components

RATES = (5, 10, 15, 20, 25)
MATRICES = {
    "ged_test_train": "astar_2018-06-27T19_38_42_qilin_10cpus",
    "ged_train_train": "astar_2018-07-02T10_59_10_qilin_all_10cpus",
    "approx_beam2_test_train": "beam2_2018-08-13T13_39_40_qilin_20cpus",
    "approx_beam80_test_train": "beam80_2018-06-29T11_54_09_feilong_10cpus",
    "approx_hungarian_test_train": "hungarian_2018-06-28T16_18_08_qilin_20cpus",
    "approx_vj_test_train": "vj_2018-06-28T20_35_40_qilin_20cpus",
}


def prepare_easy_small(source: Path, folder: Path) -> None:
    """Write the graphs of easy_small as plain arrays."""
    arrays = {}
    with np.load(source / "datasets" / "easy_small.npz", allow_pickle=True) as file:
        for split, short in (("train", "tr"), ("val", "val"), ("test", "te")):
            adjacency, colour, label = (file[f"{short}_{n}"] for n in ("adj", "feat", "class"))
            edges = [np.stack(a.nonzero()) for a in adjacency]
            arrays[f"{split}_num_nodes"] = np.array([a.shape[0] for a in adjacency])
            arrays[f"{split}_color"] = np.concatenate([c.argmax(1) for c in colour])
            arrays[f"{split}_num_edges"] = np.array([e.shape[1] for e in edges])
            arrays[f"{split}_edge_index"] = np.concatenate(edges, axis=1)
            arrays[f"{split}_y"] = label.argmax(1)
    target = make_folder(folder, "graph_bench")
    np.savez_compressed(target / "easy_small.npz", **arrays)


def prepare_aids700nef(source: Path, folder: Path) -> None:
    """Write the graphs of AIDS700nef as JSON, and the matrices of distances as text."""
    target = make_folder(folder, "ged/aids700nef")
    data, distances = (source / "datasets/GED" / name for name in ("data", "result"))
    graphs = {
        split: [
            read_gexf(path)
            for path in sorted(
                (data / "AIDS700nef" / split).glob("*.gexf"), key=lambda path: int(path.stem)
            )
        ]
        for split in ("train", "test")
    }
    (target / "graphs.json").write_text(json.dumps(graphs))
    for name, run in MATRICES.items():
        matrix = np.load(distances / f"aids700nef/ged/ged_ged_mat_aids700nef_{run}.npy")
        np.savetxt(target / f"{name}.csv", matrix, fmt="%g", delimiter=",")


def read_gexf(path: Path) -> dict[str, object]:
    """Read a molecule: its atoms, in the order of their ids, and its bonds."""
    graph = nx.convert_node_labels_to_integers(nx.read_gexf(path, node_type=int), ordering="sorted")
    return {
        "id": int(path.stem),
        "num_nodes": len(graph),
        "edges": sorted(sorted(edge) for edge in graph.edges),
        "labels": [graph.nodes[node]["type"] for node in sorted(graph)],
    }


def prepare_cora(source: Path, attacks: Path, folder: Path) -> None:
    """Write the largest component of Cora, its edges under each attack, and the splits."""
    with np.load(source / "data" / "cora.npz", allow_pickle=True) as file:
        clean, feature = (
            sparse.csr_matrix(
                tuple(file[f"{name}_{part}"] for part in ("data", "indices", "indptr")),
                shape=file[f"{name}_shape"],
            )
            for name in ("adj", "attr")
        )
        label = file["labels"]
    clean = clean.maximum(clean.T)
    component = connected_components(clean)[1]
    kept = np.flatnonzero(component == np.bincount(component).argmax())
    feature = feature[kept]
    feature.sort_indices()
    arrays = {
        "label": label[kept].astype(np.int64),
        "feature_row_ptr": feature.indptr,
        "feature": feature.indices,
        "num_features": np.array(feature.shape[1]),
        "edges_0": upper_edges(clean[kept][:, kept]),
    }
    for rate in RATES:
        attacked = sparse.load_npz(attacks / "meta" / f"cora_meta_adj_{rate / 100:g}.npz")
        arrays[f"edges_{rate}"] = upper_edges(attacked.maximum(attacked.T))
    arrays |= json.loads((attacks / "splits" / "cora_prognn_splits.json").read_text())
    np.savez_compressed(make_folder(folder, "attacked_graphs") / "cora.npz", **arrays)


def upper_edges(adjacency: sparse.csr_matrix) -> np.ndarray:
    """Return each undirected edge once, [2, E]."""
    upper = sparse.triu(adjacency, 1, format="csr")
    return np.stack(upper.nonzero())


def make_folder(folder: Path, name: str) -> Path:
    """Return a folder below the folder of data."""
    (folder / name).mkdir(parents=True, exist_ok=True)
    return folder / name


SETS = {"easy_small": prepare_easy_small, "aids700nef": prepare_aids700nef, "cora": prepare_cora}


def main() -> None:
    """Prepare the set that the arguments name."""
    name, *paths = sys.argv[1:] or [""]
    if name not in SETS or len(paths) != 2 + (name == "cora"):
        sys.exit(__doc__)
    SETS[name](*map(Path, paths))


if __name__ == "__main__":
    main()
