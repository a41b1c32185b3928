"""Readers of graphs."""

import io
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from torch_geometric.data import Batch, Data

from benchmarks.faults.fuzzing.naive import graphs as naive
from benchmarks.faults.fuzzing.reader import Expected, Reader, predict_file, save
from lightning_modules import (
    PartitionDataModule,
    PartitionModule,
    TrackEvents,
    read_graphs,
    write_graphs,
)
from lightning_modules.datamodules.track_events import EventOptions


def graph_readers(folder: Path) -> Iterator[Reader]:
    """Make readers of graphs, compressed or not."""
    events, output = folder / "events.npz", folder / "nodes.txt"
    write_graphs(events, TrackEvents(3, 0, EventOptions(num_tracks=3, num_layers=4)))
    module = PartitionModule(3, 4, channels=4, layers=1)
    checkpoint = save(module, folder / "graphs.ckpt")
    packed, stream = events.read_bytes(), io.BytesIO()
    with np.load(io.BytesIO(packed)) as file:
        arrays = {name: file[name] for name in file.files}
    np.savez(stream, **arrays)

    def plain(graph: Data | naive.Graph) -> dict[str, object]:
        items = graph.to_dict() if isinstance(graph, Data) else graph
        arrays = {name: np.asarray(value) for name, value in items.items()}
        return {name: (a.dtype.str, a.shape, a.tobytes()) for name, a in arrays.items()}

    def expect(data: bytes) -> Expected:
        found = naive.graphs(data)
        is_clean = naive.are_clean(found, True)
        is_read = found is not None and all(map(naive.join_nodes, found))
        return Expected([[plain(g) for g in found or []]] if is_read else [], not is_clean)

    def expect_labelled(data: bytes) -> Expected:
        # Positions are for figures alone.
        used = [_without(graph, "pos") for graph in naive.graphs(data) or []]
        return expect(data) if naive.are_clean(used, True) else Expected([], True)

    def read(path: Path) -> object:
        return [plain(graph) for graph in read_graphs(path)]

    def read_labelled(path: Path) -> object:
        return [plain(graph) for graph in PartitionDataModule(str(path)).splits["train"]]

    def expect_clusters(data: bytes) -> Expected:
        found = naive.graphs(data) or []
        used = [_without(graph, "y", "pos") for graph in found]
        if not naive.are_clean(used, False) or used[0]["x"].shape[1] != 3:
            return Expected([], True)
        if "edge_attr" not in used[0] or used[0]["edge_attr"].shape[1:] != (4,):
            return Expected([], True)
        return Expected([_clusters(module, used)], not naive.are_clean(found, False))

    def read_clusters(path: Path) -> object:
        written = predict_file(output, [f"--ckpt_path={checkpoint}", str(path)])
        return [int(line) for line in written.split("\n")[:-1]]

    for content in (packed, stream.getvalue()):
        for name, reader, expected, is_command in (
            ("graphs", read, expect, False),
            ("data of graphs", read_labelled, expect_labelled, False),
            ("predict graphs", read_clusters, expect_clusters, True),
        ):
            weight = 3 if is_command else 10
            yield Reader(
                name, ".npz", content, reader, expected, False, is_command, weight, longest=0
            )


@torch.no_grad()
def _clusters(module: PartitionModule, graphs: list[naive.Graph]) -> list[int]:
    """Return the cluster of each node, of one graph after the other."""
    clusters: list[int] = []
    for graph in graphs:
        arrays = {
            name: torch.from_numpy(np.ascontiguousarray(array)) for name, array in graph.items()
        }
        own = module(Batch.from_data_list([Data(**arrays)])).tolist()
        first = max(clusters, default=-1) + 1
        clusters += [first + number for number in own]
    return clusters


def _without(graph: naive.Graph, *names: str) -> naive.Graph:
    return {name: array for name, array in graph.items() if name not in names}
