"""Print the lowest version of each package that `pyproject.toml` allows, as constraints for pip."""

import re
import tomllib
from pathlib import Path

project = tomllib.loads(Path("pyproject.toml").read_text())["project"]
listed = project["dependencies"] + sum(project["optional-dependencies"].values(), [])
found = [re.match(r"([\w-]+)(?:\[.*\])?>=([\d.]+)", line) for line in listed]
print(*sorted({f"{match[1]}=={match[2]}" for match in found if match}), sep="\n")
