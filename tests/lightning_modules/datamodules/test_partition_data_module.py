"""Graphs with a partition of their nodes, from files and classes."""

from pathlib import Path

import numpy as np
import pytest
import torch
from torch_geometric.data import Data

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
    data = PartitionDataModule(str(tmp_path / "graphs.npz"), test={"events": events}, batch_size=2)
    assert (data.in_channels, data.edge_dim, data.has_validation) == (2, 0, False)
    assert [graphs.num_graphs for graphs in data.train_dataloader()] == [2, 1]
    (read,), expected = data.loader("events"), TrackEvents(2)
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
        ("{", "a class path"),
    ],
)
def test_what_is_no_source_is_named(source: object, message: str) -> None:
    with pytest.raises((ValueError, FileNotFoundError), match=message):
        _ = PartitionDataModule(source).splits


def test_damaged_files_and_missing_labels_are_named(tmp_path: Path) -> None:
    path = tmp_path / "graphs.npz"
    write_graphs(path, GRAPHS)
    with np.load(path) as file:
        arrays = dict(file)
    unlabelled = {name: value for name, value in arrays.items() if name != "y"}
    pickled = arrays | {"x": np.array([{}], dtype=object)}
    for content, message in (
        (arrays | {"num_nodes": np.array([3, 1, 1])}, "does not fit: split_with_sizes"),
        (arrays | {"edge_index": arrays["edge_index"] + 5}, "does not fit: 'edge_index'"),
        (pickled, "does not fit: Object arrays cannot be loaded"),
        ({"x": arrays["x"]}, "does not fit: "),
        (
            unlabelled,
            r"graph 0: expected 'y' to be 3 integers, the label of .* \(got none\)",
        ),
        (unlabelled | {"y": arrays["x"][:, 0]}, "torch.float32"),
    ):
        np.savez(path, **content)
        with pytest.raises(ValueError, match=message):
            _ = PartitionDataModule(str(path)).splits
    path.write_text("x")
    with pytest.raises(ValueError, match="expected graphs"):
        read_graphs(path)


def test_names_of_splits_are_their_own() -> None:
    with pytest.raises(ValueError, match="Expected 'test' to have names of its own"):
        PartitionDataModule("a.npz", test={"val": "b.npz"})
