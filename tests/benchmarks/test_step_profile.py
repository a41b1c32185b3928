"""The profile of a training step."""

import pytest
import torch
from torch.profiler import ProfilerActivity, profile, record_function

from benchmarks.transduction.cells import Cell
from benchmarks.transduction.step_profile import PYTHON, STEPS, Entry, gather_entries, lay_out


def test_operators_are_counted_and_the_rest_is_python() -> None:
    x = torch.ones(4, 4)
    with profile(activities=[ProfilerActivity.CPU]) as profiler:
        for _ in range(STEPS):
            with record_function("a step by name"):
                x.mm(x).mm(x)
    entries = {entry.name: entry for entry in gather_entries(profiler)}
    assert {"aten::mm", PYTHON} <= entries.keys()
    assert "a step by name" not in entries
    assert entries["aten::mm"].calls == 2
    assert sum(entry.share for entry in entries.values()) == pytest.approx(1)


def test_the_largest_come_first() -> None:
    entries = [Entry("aten::add", 0.1, 30, 1.0), Entry(PYTHON, 0.2, 1, 2.0)]
    entries.append(Entry("aten::mm", 0.7, 4, 7.0))
    text = lay_out(entries, Cell("speed", "english", "high", "ours"), 2)
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in text.splitlines()]
    found = [row[:4] for row in rows if len(row) == 5][2:]
    assert found == [
        ["aten::mm", "70.0%", "4", "7.00"],
        [PYTHON, "20.0%", "-", "2.00"],
        ["aten::add", "10.0%", "30", "1.00"],
    ]
