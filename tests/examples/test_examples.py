"""Every example runs from the command line, on small input."""

import gzip
import importlib.util
import re
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess
from types import ModuleType

import numpy as np
import pytest
import torch
from torch_geometric.utils import remove_self_loops

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
SHARED = EXAMPLES.parents[1] / "shared" / "data"
needs_shared = pytest.mark.skipif(not SHARED.is_dir(), reason=f"no real data in {SHARED}")
Run = Callable[..., str]


@pytest.fixture
def run(python: Callable[..., CompletedProcess[str]]) -> Run:
    """Return what an example prints after its first line."""

    def ran(name: str, *arguments: str | Path, extras: bool = True) -> str:
        done = python(EXAMPLES / name, *arguments, extras=extras)
        assert done.returncode == 0, done.stderr
        expected, _, output = done.stdout.partition("\n")
        assert re.fullmatch(r"Expect: .+\. Time: .+ on one core\.", expected)
        return output

    return ran


@pytest.fixture(scope="module")
def graph_sets() -> ModuleType:
    spec = importlib.util.spec_from_file_location("graph_sets", EXAMPLES / "graph_sets.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def rings_and_paths(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write a TU set of 40 graphs: rings of class 1, paths of class -1."""
    folder = tmp_path_factory.mktemp("tu") / "RINGS"
    folder.mkdir()
    edges, indicator, labels, node_labels, first = [], [], [], [], 1
    for graph in range(40):
        size, ring = 4 + graph % 7, graph % 2
        nodes = range(first, first + size)
        joined = [(i, i + 1) for i in nodes[:-1]] + ([(nodes[-1], nodes[0])] if ring else [])
        edges += [f"{i}, {j}" for i, j in joined] + [f"{j}, {i}" for i, j in joined]
        indicator += [str(graph + 1)] * size
        node_labels += [str(7 - 2 * (i % 2)) for i in nodes]
        labels.append("1" if ring else "-1")
        first += size
    (folder / "RINGS_A.txt.gz").write_bytes(gzip.compress("\n".join(edges).encode()))
    (folder / "RINGS_graph_indicator.txt").write_text("\n".join(indicator))
    (folder / "RINGS_graph_labels.txt").write_text("\n".join(labels))
    (folder / "RINGS_node_labels.txt").write_text("\n".join(node_labels))
    return folder


def test_a_tu_set_is_read(graph_sets: ModuleType, rings_and_paths: Path) -> None:
    read = graph_sets.read_graph_set(rings_and_paths, folds=5)
    assert len(read.graphs) == 40
    assert (read.num_features, read.num_classes) == (2, 2)
    for number, graph in enumerate(read.graphs):
        size, ring = 4 + number % 7, number % 2
        graph.validate()
        assert graph.num_nodes == size
        assert graph.num_edges == 2 * (size - 1 + ring)
        assert int(graph.y) == ring
        assert graph.is_undirected()
        assert graph.x.sum(1).tolist() == [1] * size
    tested = Counter(i for fold in read.folds for i in fold.test)
    assert tested == Counter(range(40))
    for fold in read.folds:
        assert sorted(fold.train + fold.validation + fold.test) == list(range(40))
        assert sum(int(read.graphs[i].y) for i in fold.test) == 4


def test_a_benchmark_is_read(graph_sets: ModuleType, tmp_path: Path) -> None:
    arrays = {}
    for split, sizes in (("train", [3, 2]), ("val", [1]), ("test", [4])):
        edges = [[(i, i + 1) for i in range(size - 1)] for size in sizes]
        arrays[f"{split}_num_nodes"] = sizes
        arrays[f"{split}_num_edges"] = [len(e) for e in edges]
        arrays[f"{split}_edge_index"] = np.array(sum(edges, [])).reshape(-1, 2).T  # noqa: RUF017
        arrays[f"{split}_color"] = [i % 5 for size in sizes for i in range(size)]
        arrays[f"{split}_y"] = [size % 3 for size in sizes]
    np.savez(tmp_path / "tiny.npz", **arrays)
    read = graph_sets.read_graph_set(tmp_path / "tiny.npz", folds=3)
    assert [graph.num_nodes for graph in read.graphs] == [3, 2, 1, 4]
    assert [graph.edge_index.T.tolist() for graph in read.graphs] == [
        [[0, 1], [1, 2]],
        [[0, 1]],
        [],
        [[0, 1], [1, 2], [2, 3]],
    ]
    assert read.graphs[3].x.argmax(1).tolist() == [0, 1, 2, 3]
    assert read.folds == [([0, 1], [2], [3])] * 3


@needs_shared
@pytest.mark.parametrize(
    ("name", "graphs", "classes", "nodes", "edges", "features"),
    [
        ("PROTEINS", 1113, 2, 39.06, 72.82, 3),
        ("NCI1", 4110, 2, 29.87, 32.30, 37),
        ("IMDB-BINARY", 1000, 2, 19.77, 96.53, None),
    ],
)
def test_real_sets_have_their_published_sizes(
    name: str,
    graphs: int,
    classes: int,
    nodes: float,
    edges: float,
    features: int | None,
    graph_sets: ModuleType,
) -> None:
    read = graph_sets.read_graph_set(SHARED / "tu" / name)
    assert (len(read.graphs), read.num_classes) == (graphs, classes)
    assert features in (None, read.num_features)
    mean_nodes = sum(graph.num_nodes for graph in read.graphs) / graphs
    mean_edges = sum(graph.num_edges for graph in read.graphs) / 2 / graphs
    assert mean_nodes == pytest.approx(nodes, abs=0.005)
    assert mean_edges == pytest.approx(edges, abs=0.005)
    assert len(read.folds) == 10
    assert sorted(i for fold in read.folds for i in fold.test) == list(range(graphs))


def test_docstrings_say_how_to_run() -> None:
    scripts = [path for path in EXAMPLES.glob("*.py") if path.stem != "graph_sets"]  # readers
    assert len(scripts) >= 9
    for path in scripts:
        assert f"python examples/{path.name}" in path.read_text().split('"""')[1]


def test_graph_classification(run: Run, rings_and_paths: Path) -> None:
    output = run("graph_classification.py", rings_and_paths, "--epochs", "2", "--folds", "2")
    assert output.startswith("RINGS: 40 graphs, 2 folds")
    rows = re.findall(r"^\| (\w+) +\| +([\d.]+) ± +[\d.]+ \| ([\d.]+) \|", output, re.MULTILINE)
    names = ["none", "topk", "sag", "asap", "edge", "ours", "ours_matching", "ours_cuts", "cluster"]
    assert [name for name, _, _ in rows] == names
    ratio = {name: float(share) for name, _, share in rows}
    assert ratio["none"] == 1
    assert 0.5 <= ratio["topk"] < 0.65
    assert 0.5 <= ratio["ours_matching"] <= 1
    assert all(0 <= float(accuracy) <= 100 for _, accuracy, _ in rows)


def test_graph_classification_without_extras(run: Run, rings_and_paths: Path) -> None:
    arguments = ["--epochs", "3", "--folds", "1", "--pools", "ours", "ours_cuts", "--lr", "0.1"]
    output = run("graph_classification.py", rings_and_paths, *arguments, extras=False)
    ours, ours_cuts = map(float, re.findall(r"([\d.]+) \| +[\d.]+ \|$", output, re.MULTILINE))
    assert ours == 0.69
    assert abs(ours_cuts - 0.69) > 0.01  # it is trained


def test_draw_clusters(run: Run, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib", reason="matplotlib is not installed")
    run("draw_clusters.py", "--folder", tmp_path / "pictures")
    assert sorted(p.name for p in (tmp_path / "pictures").iterdir()) == [
        "clusters.png",
        "dendrogram.png",
    ]


def test_draw_expectation(run: Run, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib", reason="matplotlib is not installed")
    output = run("draw_expectation.py", "--folder", tmp_path)
    assert (tmp_path / "expectation.png").exists()
    assert float(output.split()[-1]) < 1e-6


def test_the_unet_lifts_what_it_pooled() -> None:
    """If nothing merges, pooling and lifting change nothing; if all nodes merge, they do."""
    sys.path.insert(0, str(EXAMPLES))
    try:
        import graph_unet
    finally:
        sys.path.remove(str(EXAMPLES))
    torch.manual_seed(0)
    data = graph_unet.draw_map(side=5)
    data.edge_index, _ = remove_self_loops(data.edge_index)  # the pool removes them
    net = graph_unet.GraphUNet(4, 8, 2, depth=2)
    plain = graph_unet.GraphUNet(4, 8, 2, depth=2, pooling=False)
    plain.load_state_dict(net.state_dict())
    batch = torch.zeros(25, dtype=torch.long)
    outputs = []
    for raw in (16.0, -16.0):
        for pool in net.pools:
            torch.nn.init.constant_(pool.raw_threshold, raw)
        outputs.append(net(data.x, data.edge_index, batch))
    (apart, sizes), (together, few) = outputs
    expected, _ = plain(data.x, data.edge_index, batch)
    torch.testing.assert_close(apart, expected)
    assert sizes == [25, 25, 25]
    assert few[1] < 25
    assert not torch.allclose(together, expected)


def test_check_pools(run: Run) -> None:
    output = run("check_pools.py")
    assert re.search(r"^ThresholdMergePool: (\d+) of \1 hold$", output, re.MULTILINE)
    assert len(re.findall(r"^\S.*: \d+ of \d+ hold$", output, re.MULTILINE)) == 8


def test_graph_unet(run: Run) -> None:
    output = run("graph_unet.py", "--maps", "10", "--epochs", "2", extras=False)
    lines = re.findall(r"depth (\d), (with|without) the pool: accuracy [\d.]+%, nodes (.*)", output)
    assert [(depth, how) for depth, how, _ in lines] == [
        (depth, how) for depth in "12" for how in ("without", "with")
    ]
    for _, how, nodes in lines:
        sizes = list(map(int, nodes.split(" -> ")))
        assert sizes[0] == 4000
        assert (len(set(sizes)) == 1) == (how == "without")
    assert torch.tensor(sizes).diff().lt(0).all()


def test_hidden_threshold(run: Run) -> None:
    output = run("hidden_threshold.py", extras=False)
    learned = re.findall(r"^hidden 0.6, start 0.\d, learned (.+)$", output, re.MULTILINE)
    assert list(map(float, learned)) == pytest.approx([0.6, 0.6], abs=0.02)


@pytest.mark.slow
def test_edge_clustering(run: Run) -> None:
    output = run("edge_clustering.py", extras=False)
    scores = [float(line.rsplit(" ", 1)[1]) for line in output.splitlines()]
    components, average, ours = scores
    assert 0.8 < components < average - 0.02
    assert average - 0.01 < ours < 0.95


def test_partition(run: Run) -> None:
    output = run("partition.py", "--graphs", "20", "--steps", "20", extras=False)
    scores = [float(line.rsplit(": ", 1)[1]) for line in output.splitlines()]
    assert len(scores) == 3
    # Records of their own are 20 clusters of 6 persons: precision 1 and recall about 6/20.
    assert all(0.5 < score <= 1 for score in scores)


def test_morph(run: Run, rings_and_paths: Path, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib", reason="matplotlib is not installed")
    folder = tmp_path / "pictures"
    output = run("morph.py", rings_and_paths, "--epochs", "10", "--folder", folder)
    assert output.startswith("40 graphs (RINGS), 8 of them to test.")
    rows = [line.strip("| ").split(" | ") for line in output.splitlines() if line.startswith("| ")]
    assert [int(row[0]) for row in rows[2:]] == list(range(1, 11))
    for start, reached in zip((0.5, 0.5, 0.8), rows[-1][6:9], strict=True):
        assert 0.0005 < abs(float(reached) - start) < 0.1  # it is trained
    assert (folder / "morph.png").exists()


def test_morph_without_data_and_extras(run: Run, tmp_path: Path) -> None:
    output = run("morph.py", "--quick", "--folder", tmp_path, extras=False)
    assert output.startswith("100 graphs (made here, as no data set is given), 20 of them to test.")
    assert "No picture without the extra 'viz'" in output
    assert list(tmp_path.iterdir()) == []
