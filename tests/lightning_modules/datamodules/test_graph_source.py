"""What cannot be written, and what is no source of graphs."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch_geometric.data import Data

from lightning_modules.datamodules.graph_source import load_graphs, write_graphs


def graph(**changes: Any) -> Data:
    fields = {"x": torch.rand(3, 5), "edge_index": torch.tensor([[0, 1], [1, 2]])}
    return Data(**fields | {"y": torch.arange(3), "edge_attr": torch.rand(2, 4)} | changes)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"x": torch.rand(3, 2)}, r"'x' of graph 1 to be of shape \(3, 5\) \(got \(3, 2\)\)"),
        ({"edge_attr": torch.rand(2)}, r"'edge_attr' of graph 1 .* \(2, 4\) \(got \(2,\)\)"),
        ({"y": torch.ones(3, 1)}, r"'y' of graph 1 to be of shape \(3,\) \(got \(3, 1\)\)"),
        ({"y": torch.ones(1)}, r"'y' of graph 1 to be of shape \(3,\) \(got \(1,\)\)"),
        ({"y": torch.tensor(1)}, r"'y' of graph 1 to be of shape \(3,\) \(got \(\)\)"),
        ({"edge_index": torch.ones(3, 2).long()}, r"'edge_index' of .* \(2, 2\) \(got \(3, 2\)\)"),
        (
            {"x": torch.ones(3, 5).long()},
            r"'x' of graph 1 to be a float tensor \[N, F\] \(got torch.int64 of shape \(3, 5\)\)",
        ),
        ({"x": torch.ones(3)}, r"'x' of graph 1 .* \(got torch.float32 of shape \(3,\)\)"),
    ],
)
def test_a_field_that_does_not_fit_is_not_written(
    changes: dict[str, Any], message: str, tmp_path: Path
) -> None:
    path = tmp_path / "graphs.npz"
    with pytest.raises(ValueError, match="Expected " + message):
        write_graphs(path, [graph(), graph(**changes)])
    assert not path.exists()


def test_known_fields_are_written_and_others_left_out(tmp_path: Path) -> None:
    path = tmp_path / "graphs.npz"
    write_graphs(path, [graph(pos=torch.rand(3, 2), train_mask=torch.ones(3))])
    with np.load(path) as file:
        names = {"num_nodes", "num_edges", "x", "y", "pos", "edge_index", "edge_attr"}
        assert set(file.files) == names


def test_a_name_of_a_file_is_not_imported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("rec.csv").write_text("a,b\n")
    for source in ("rec.csv", "./rec.csv", str(tmp_path / "rec.csv"), "no/such.csv", "rec-1.csv"):
        with pytest.raises(ValueError, match=r"a file \*.npz or a class path \(got '[^':]*'\)$"):
            load_graphs(source)
    with pytest.raises(ValueError, match=r"\(got 'other.csv': No module named 'other'\)$"):
        load_graphs("other.csv")
