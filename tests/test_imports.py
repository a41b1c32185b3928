"""Imports: their direction, and the packages that each part needs."""

import os
import subprocess
import sys
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement

ROOT = Path(__file__).parent.parent

ALONE = """
import runpy, sys

# As if these packages were not installed: to import them fails, to look for them finds nothing.
sys.modules.update(dict.fromkeys({refused!r}))
sys.path.insert(0, {root!r})

import torch, pyg_grapheme.nn, pyg_grapheme.testing
from pyg_grapheme.metrics import clustering_score, track_rates, trackml_score
from pyg_grapheme.nn import StructuralLoss, ThresholdMergePool
from pyg_grapheme.testing import assert_gradients_match, check_pool, tie_free_graph

graph = tie_free_graph(6)
pool = ThresholdMergePool(reduce="max").double()
cuts = pool.cuts(graph.x, graph.edge_index)
cuts.expectation(cuts.output.x.new_ones(cuts.num_cuts)).backward()
pool(graph.x.requires_grad_(), graph.edge_index).x.sum().backward()
assert_gradients_match(lambda x: x.sin(), [graph.x.detach()])
assert all(result.passed for result in check_pool(ThresholdMergePool(), 3))

y = torch.tensor([0, 0, 1])
assert clustering_score(y, y, "bcubed") == track_rates(y, y).efficiency == 1
assert trackml_score(y, y, y.float()) == 1

for name, *options in (["graph_unet", "--maps=4", "--epochs=1", "--depth=1"], ["check_pools"]):
    sys.argv = [name, *options]
    runpy.run_path(f"examples/{{name}}.py", run_name="__main__")
print("fine")
import regex
"""


def closure(names: Sequence[str]) -> set[str]:
    """Distributions that the named ones need, their extras left out."""
    found: set[str] = set()
    waiting = list(names)
    while waiting:
        name = waiting.pop().lower().replace("_", "-")
        if name in found:
            continue
        try:
            required = metadata.requires(name) or []
        except metadata.PackageNotFoundError:
            continue
        found.add(name)
        waiting += [
            r.name for r in map(Requirement, required) if not r.marker or r.marker.evaluate()
        ]
    return found


def test_imports_go_one_way() -> None:
    run = subprocess.run(
        [Path(sys.executable).with_name("lint-imports"), "--no-cache"],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stdout


def test_layers_scores_and_their_examples_need_torch_and_torch_geometric_alone() -> None:
    kept = closure(["torch", "torch-geometric"]) | {"pyg-grapheme"}
    refused = {
        module
        for module, distributions in metadata.packages_distributions().items()
        if not {d.lower().replace("_", "-") for d in distributions} & kept
    }
    refused.discard("_virtualenv")
    code = ALONE.format(refused=refused, root=str(ROOT))
    run = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code], cwd=ROOT, capture_output=True, text=True
    )
    assert run.stdout.endswith("\nfine\n"), run.stderr
    assert "import of regex halted" in run.stderr
