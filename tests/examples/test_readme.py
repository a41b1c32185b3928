"""Snippets of the README that are complete run."""

import re
from pathlib import Path

import torch

README = Path(__file__).resolve().parents[2] / "README.md"


def test_splitting_and_rewiring_as_in_the_readme() -> None:
    section = README.read_text().split("## Delete and insert edges, split nodes\n")[1]
    snippet = re.search(r"```python\n(.*?)```", section, re.DOTALL)[1]
    torch.manual_seed(0)
    names: dict[str, object] = {}
    exec(snippet, names)
    for layer in (names["split"], names["rewire"]):
        assert layer.raw_threshold.grad.abs() > 0
    assert all(p.grad is not None for p in names["split"].parameters())
    lifted = names["split_history"].lift(names["x2"])
    torch.testing.assert_close(lifted, names["x"])
    assert names["rewire_history"].edge.numel() == names["edge_index3"].size(1)
