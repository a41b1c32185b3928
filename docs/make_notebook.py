"""Make a notebook of the start page, and store what its code prints.

python docs/make_notebook.py
"""

import json
import re
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent
NOTEBOOK = FOLDER / "start.ipynb"
BLOCK = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)
PRINTED = re.compile(r"\n+[^\n]*prints:\n+```text\n.*?^```$", re.MULTILINE | re.DOTALL)


def make_notebook(page: str) -> dict[str, Any]:
    """Return a notebook of a page up to its table of pages; run the code in one namespace."""
    text = PRINTED.sub("", page.split("\n## Which page to read\n")[0])
    names: dict[str, Any] = {"__name__": "__main__"}
    cells: list[dict[str, Any]] = []
    for number, part in enumerate(BLOCK.split(text)):  # prose and code take turns
        source = part.strip().splitlines(keepends=True)
        cell = {"id": f"cell-{number}", "metadata": {}, "source": source}
        if number % 2 == 0:
            cells.append({"cell_type": "markdown", **cell})
            continue
        with redirect_stdout(StringIO()) as printed:
            exec(part, names)
        output = {
            "name": "stdout",
            "output_type": "stream",
            "text": printed.getvalue().splitlines(keepends=True),
        }
        count = number // 2 + 1
        cells.append({"cell_type": "code", "execution_count": count, **cell, "outputs": [output]})
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    metadata = {"kernelspec": kernel, "language_info": {"name": "python"}}
    kept = [cell for cell in cells if cell["source"]]
    return {"cells": kept, "metadata": metadata, "nbformat": 4, "nbformat_minor": 5}


def main() -> None:
    """Write the notebook."""
    notebook = make_notebook((FOLDER / "index.md").read_text(encoding="utf-8"))
    text = json.dumps(notebook, indent=1, ensure_ascii=False) + "\n"
    NOTEBOOK.write_text(text, encoding="utf-8")
    print(f"{NOTEBOOK}: {len(notebook['cells'])} cells")


if __name__ == "__main__":
    main()
