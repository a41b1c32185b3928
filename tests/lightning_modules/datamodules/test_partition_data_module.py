"""Graphs with a partition of their nodes, from files and classes."""

import math
import zipfile
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
import torch
from torch_geometric.data import Batch, Data

from lightning_modules import PartitionDataModule, TrackEvents, read_graphs, write_graphs

GRAPHS = [
    Data(x=torch.rand(3, 2), edge_index=torch.tensor([[0, 1], [1, 2]]), y=torch.tensor([4, 4, -1])),
    Data(x=torch.rand(1, 2), edge_index=torch.empty(2, 0).long(), y=torch.tensor([7])),
    Data(x=torch.rand(2, 2), edge_index=torch.tensor([[1], [0]]), y=torch.tensor([0, 0])),
]


def test_graphs_are_read_as_written(tmp_path: Path) -> None:
    for graphs in (GRAPHS, TrackEvents(3, 5)):
        path = tmp_path / "graphs.npz"
        write_graphs(path, graphs)
        read = read_graphs(path)
        for graph, expected in zip(read, graphs, strict=True):
            assert {"x", "edge_index", "y"} <= set(graph.keys()) <= set(expected.keys())
            for name in graph.keys():  # noqa: SIM118
                assert torch.equal(graph[name], expected[name])


def test_data_come_from_a_file_or_a_class(tmp_path: Path) -> None:
    write_graphs(tmp_path / "graphs.npz", GRAPHS)
    events = '{"class_path": "lightning_modules.TrackEvents", "init_args": {"num_events": 2}}'
    data = PartitionDataModule(str(tmp_path / "graphs.npz"), batch_size=2)
    assert (data.in_channels, data.edge_dim, data.has_validation) == (2, 0, False)
    assert [graphs.num_graphs for graphs in data.train_dataloader()] == [2, 1]
    (read,), expected = PartitionDataModule(events).loader("train"), TrackEvents(2)
    assert torch.equal(read.x, torch.cat([event.x for event in expected]))


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("nowhere.npz", "nowhere.npz: no such file"),
        ("nowhere.Graphs", r"a class path \(got 'nowhere.Graphs': No module named"),
        (
            {"class_path": "lightning_modules.TrackEvents", "init_args": {"events": 3}},
            "does not accept option 'events'",
        ),
        ('{"class_path": "collections.UserList"}', "at least one graph"),
        ("torch.nn.ReLU", "a class path"),
        ("{", "a class path"),
        ('{"class_path": "lightning_modules.TrackEvents", "options": {}}', "it has no 'options'"),
    ],
)
def test_what_is_no_source_is_named(source: object, message: str) -> None:
    with pytest.raises((ValueError, FileNotFoundError), match=message):
        _ = PartitionDataModule(source).splits


def test_what_is_wrong_with_a_file_is_named(tmp_path: Path) -> None:
    path, good = tmp_path / "graphs.npz", tmp_path / "good.npz"
    write_graphs(good, GRAPHS)
    with np.load(good) as file:
        arrays = dict(file)
    x, y, edge_index = (arrays[name] for name in ("x", "y", "edge_index"))
    unlabelled = {name: value for name, value in arrays.items() if name != "y"}
    none_of_a_graph = np.array([4, 4, 4, -1, 0, 0])
    for content, message in (
        ({"x": x}, r"does not fit: it has no 'x' or no 'num_nodes'"),
        (arrays | {"num_nodes": np.array([3, 1, 1])}, "does not fit: 'x' has 6 entries for 5"),
        (arrays | {"num_edges": np.array(6)}, "does not fit: 'num_edges' has 0 dimensions"),
        (arrays | {"edge_weight": y}, "does not fit: it has an unknown array 'edge_weight'"),
        (arrays | {"y": y[:-1]}, "does not fit: 'y' has 5 entries for 6"),
        (arrays | {"edge_index": edge_index + 5}, "does not fit: 'edge_index'"),
        (arrays | {"edge_index": edge_index[0]}, "does not fit: 'edge_index' has 1 dimensions"),
        (
            arrays | {"edge_index": edge_index * 1.0},
            "does not fit: 'edge_index' holds torch.float64",
        ),
        (arrays | {"x": np.array([{}], dtype=object)}, "fit: Object arrays cannot be loaded"),
        (unlabelled, r"graph 0: expected 'y' to be integers \[3\], .* \(got NoneType\)"),
        (arrays | {"y": y[:, None]}, r"graph 0: expected 'y' .* \(got int64 of shape \(3, 1\)\)"),
        (arrays | {"y": x[:, 0]}, r"graph 0: expected 'y' .* \(got float32 of shape \(3,\)\)"),
        (arrays | {"y": y > 0}, r"graph 0: expected 'y' .* \(got bool of shape \(3,\)\)"),
        (arrays | {"y": y - 4}, r"graph 0: expected 'y' to be at least -1 \(got -5\)"),
        (arrays | {"y": none_of_a_graph}, r"graph 1: expected 'y' to label a node, .* only -1"),
        (arrays | {"x": y[:, None]}, r"graph 0: expected 'x' to be a float tensor \[N, F\]"),
        (arrays | {"x": x[:, 0]}, r"graph 0: expected 'x' to be a float tensor \[N, F\]"),
        (
            arrays | {"x": np.where(y[:, None] == 7, np.inf, x)},
            "graph 1: expected 'x' to be finite",
        ),
        (arrays | {"x": x[:, :1]}, r"expected 2 features per node and 0 per edge \(got 1 and 0\)"),
    ):
        np.savez(path, **content)
        with pytest.raises(ValueError, match=message) as caught:
            _ = PartitionDataModule(str(good), str(path)).splits
        assert str(path) in str(caught.value)
    # Any change of a byte of the file is found, or changes nothing.
    content = good.read_bytes()
    for place in range(0, len(content), 37):
        path.write_bytes(content[:place] + bytes([content[place] ^ 16]) + content[place + 1 :])
        with suppress(ValueError):
            read_graphs(path)
    for graphs, message in (
        ([], "'graphs' to hold at least one graph"),
        ([*GRAPHS, Data(x=GRAPHS[0].x, edge_index=GRAPHS[0].edge_index)], "to have 'y'"),
    ):
        with pytest.raises(ValueError, match=message):
            write_graphs(path, graphs)
    with pytest.raises(ValueError, match=r"to be a list: batch.to_data_list\(\)"):
        write_graphs(path, Batch.from_data_list(GRAPHS))
    with pytest.raises(ValueError, match=r"'path' to end in .npz"):
        write_graphs(path.with_suffix(""), GRAPHS)
    # Members may be compressed in other ways; a damaged one of these raises its own error.
    with zipfile.ZipFile(good) as old, zipfile.ZipFile(path, "w", zipfile.ZIP_LZMA) as new:
        for name in old.namelist():
            new.writestr(name, old.read(name))
    content = path.read_bytes()
    for place in range(0, len(content), 37):
        path.write_bytes(content[:place] + bytes([content[place] ^ 16]) + content[place + 1 :])
        with suppress(ValueError):
            read_graphs(path)
    path.write_text("x")
    with pytest.raises(ValueError, match=r"expected graphs .* it is no .npz archive"):
        read_graphs(path)


def test_a_graph_may_be_noise_alone_where_noise_is_not_ignored() -> None:
    noise = {"class_path": "lightning_modules.TrackEvents", "init_args": {"num_events": 1}}
    noise["init_args"]["options"] = {"missing": 0.99, "num_tracks": 1, "noise": 9.0}
    with pytest.raises(ValueError, match="graph 0: expected 'y' to label a node"):
        _ = PartitionDataModule(noise).splits
    assert PartitionDataModule(noise, unlabelled="other").splits["train"][0].y.unique() == -1
    with pytest.raises(ValueError, match="Expected 'unlabelled' to be one of"):
        PartitionDataModule(noise, unlabelled="noise")


def test_names_of_splits_are_their_own() -> None:
    with pytest.raises(ValueError, match="Expected 'test' to have names of its own"):
        PartitionDataModule("a.npz", test={"val": "b.npz"})


def test_graphs_can_be_given_and_are_checked() -> None:
    graphs = [graph.clone() for graph in GRAPHS]
    assert PartitionDataModule(graphs).splits["train"] is graphs
    edge_attr = torch.ones(graphs[0].num_edges, 1)
    for changes, message in (
        ({"edge_index": graphs[0].edge_index + 9}, "graph 0: expected 'edge_index' to"),
        ({"edge_index": None}, "graph 0: expected 'edge_index' to be"),
        ({"edge_index": graphs[0].edge_index * 1.0}, "graph 0: expected 'edge_index' to be"),
        ({"edge_attr": edge_attr[:-1]}, "graph 0: expected 'edge_attr' to"),
        ({"edge_attr": edge_attr.long()}, "graph 0: expected 'edge_attr' to be floats"),
        (
            {"edge_attr": edge_attr / 0},
            r"graph 0: expected 'edge_attr' to be in \[-1e\+15, 1e\+15\] \(got inf\)",
        ),
        (
            {"edge_attr": edge_attr * math.nan},
            r"graph 0: expected 'edge_attr' to be in \[-1e\+15, 1e\+15\] \(got nan\)",
        ),
        ({"x": GRAPHS[0].x - 1e38}, r"graph 0: expected 'x' to be in .* \(got 1e\+38\)"),
    ):
        bad = graphs[0].clone()
        bad.update(changes)
        with pytest.raises(ValueError, match=message):
            _ = PartitionDataModule([bad]).splits
    with pytest.raises(ValueError, match=r"Expected graphs to be Data \(got int at position 1\)"):
        _ = PartitionDataModule([graphs[0], 5]).splits
