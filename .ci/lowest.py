"""Print the lowest version of each package that `pyproject.toml` allows, as constraints for pip."""

import re
import tomllib
from itertools import chain
from pathlib import Path

project = tomllib.loads(Path("pyproject.toml").read_text())["project"]
extras = chain.from_iterable(project["optional-dependencies"].values())
found = [
    re.match(r"([\w-]+)(?:\[.*\])?>=([\d.]+)", line) for line in (*project["dependencies"], *extras)
]
print(*sorted({f"{match[1]}=={match[2]}" for match in found if match}), sep="\n")
