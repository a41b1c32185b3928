"""The notebook has the code of the start page, and stores what it prints."""

import importlib.util
import json
import re
from pathlib import Path
from typing import Any

import pytest

DOCS = Path(__file__).resolve().parents[2] / "docs"
NUMBER = re.compile(r"\d+(?:\.\d+)?")


def take_outputs(notebook: dict[str, Any]) -> str:
    """Take the outputs out of a notebook, and return what was printed."""
    outputs = [output for cell in notebook["cells"] for output in cell.pop("outputs", [])]
    return "".join(line for output in outputs for line in output["text"])


def test_the_notebook_is_the_start_page_as_it_runs() -> None:
    spec = importlib.util.spec_from_file_location("make_notebook", DOCS / "make_notebook.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    run = module.make_notebook((DOCS / "index.md").read_text(encoding="utf-8"))
    stored = json.loads((DOCS / "start.ipynb").read_text(encoding="utf-8"))
    new, old = take_outputs(run), take_outputs(stored)
    assert stored == run, "run `python docs/make_notebook.py`"
    assert NUMBER.sub("", old) == NUMBER.sub("", new)
    numbers = [[float(number) for number in NUMBER.findall(text)] for text in (old, new)]
    assert numbers[0] == pytest.approx(numbers[1], abs=0.02)
    assert "64 of 64" in old
