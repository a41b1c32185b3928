"""Graphs of a million nodes, and texts of twenty thousand characters."""

import contextlib
import io
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from torch import Tensor
from torch.nn import functional as F

from benchmarks.faults.outcome import Outcome, add_up
from benchmarks.faults.runs import text_options, train
from benchmarks.pools.memory import peak_bytes
from lightning_modules import predict
from pyg_grapheme.metrics import clustering_score
from pyg_grapheme.nn import ThresholdMergePool, partition_scores

NODES, DEGREE, MAX_CUTS = 1_000_000, 4, 3

CHARACTERS = 20_000

GIBIBYTES = 16.0
"""Memory that all has to fit in."""


def large_graphs(folder: Path, nodes: int = NODES) -> Outcome:
    """Take a random graph through the pool, its tree, scores of all cuts, and some cuts.

    Each survives if it agrees with SciPy's connected components, or with a score that is computed
    in another way.
    """
    generator = torch.Generator().manual_seed(0)
    x = F.normalize(torch.randn(nodes, 2, generator=generator), dim=1)
    edge_index = torch.randint(nodes, (2, DEGREE * nodes // 2), generator=generator)
    y = torch.randint(nodes // 3, (nodes,), generator=generator)
    pool = ThresholdMergePool(0.9)
    with torch.no_grad():
        tree = pool.dendrogram(x, edge_index)
        cosine = (x[edge_index[0]] * x[edge_index[1]]).sum(1)

        def components(threshold: float) -> np.ndarray:
            first, second = edge_index[:, cosine > threshold].numpy()
            graph = coo_array((np.ones(first.size), (first, second)), shape=(nodes, nodes))
            return connected_components(graph, directed=False)[1]

        def forward() -> bool:
            output = pool(x, edge_index)
            same = np.array_equal(_dense(output.history.cluster), _dense(components(0.9)))
            return same and output.x.size(0) == int(output.history.cluster.max()) + 1

        def cut() -> bool:
            return all(
                np.array_equal(_dense(tree.cut(t)), _dense(components(t))) for t in (0.99, 0.5)
            )

        def clusters() -> bool:
            # Those that are there at a height are the clusters of the cut.
            found = tree.clusters()
            equal = []
            for height in (0.99, 0.5):
                step = int((tree.step_height > height).sum())
                there = (found.birth <= step) & (step < found.death)
                size = torch.from_numpy(np.bincount(components(height)))
                equal.append(torch.equal(found.size[there].sort()[0], size.sort()[0]))
            return all(equal)

        def scores() -> bool:
            found = partition_scores(tree, y, "pair_f1")
            steps = torch.tensor([nodes // 100, nodes // 3])
            heights = tree.step_height[steps]
            expected = [clustering_score(tree.cut(h), y, "pair_f1") for h in heights]
            # The cut strictly above the height of a step has the merges before it.
            place = [int((tree.step_height > h).sum()) for h in heights]
            return torch.allclose(found[place], torch.stack(expected).double().view(-1), 1e-9)

        def cuts() -> bool:
            found = pool.cuts(x, edge_index, max_cuts=MAX_CUTS)
            sizes = found.output.batch.bincount(minlength=found.num_cuts)
            is_whole = abs(found.weight.sum().item() - 1) < 1e-5
            return is_whole and found.num_cuts <= MAX_CUTS and int(sizes.max()) < nodes

        checks = (forward, cut, clusters, scores, cuts)
        return add_up([_check(f"{nodes} nodes, {c.__name__}", c) for c in checks])


def long_texts(folder: Path, characters: int = CHARACTERS) -> Outcome:
    """Give ``predict`` a text of many characters, in all its ways.

    Each survives if it writes one answer, and is refused if one line names the limit; the memory
    must not pass that of a common machine.
    """
    options = [*text_options(folder), "--trainer.max_epochs=1"]
    checkpoint = train(options, folder / "run") / "checkpoints" / "model.ckpt"
    text = ("abcdefghij " * characters)[:characters]
    path = folder / "long.txt"
    path.write_text(f"{text}\ncat\n")
    outcomes = []
    for arguments in ([], ["--beam=2"], ["--scores"], ["--beam=2", "--scores"]):
        out, err = io.TextIOWrapper(io.BytesIO(), encoding="utf-8"), io.StringIO()
        status: object = 0
        try:
            with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
                predict.main([f"--ckpt_path={checkpoint}", f"--input={path}", *arguments])
        except SystemExit as end:
            status = end.code
        except Exception as error:
            status = f"{type(error).__name__}: {error}"
        out.seek(0)
        lines, errors = out.read().splitlines(), err.getvalue().splitlines()
        peak = peak_bytes() / 2**30
        survived = status == 0 and len(lines) == 2
        refused = len(errors) == 1 and re.search(r"\d{3,}", errors[0]) is not None
        failed = not (survived or refused) or peak > GIBIBYTES
        name = f"{characters} characters, {' '.join(arguments) or 'one model'}"
        failures = [f"{name}: {status}, {errors}, {peak:.1f} GiB"] if failed else []
        outcomes.append(Outcome(1, survived and not failed, refused and not failed, failures))
    return add_up(outcomes)


def _dense(cluster: Tensor | np.ndarray) -> np.ndarray:
    """Number clusters in the order of their first nodes."""
    _, first, inverse = np.unique(np.asarray(cluster), return_index=True, return_inverse=True)
    return first.argsort().argsort()[inverse]


def _check(name: str, check: Callable[[], bool]) -> Outcome:
    try:
        problem = "" if check() else "another result"
    except Exception as error:
        problem = f"{type(error).__name__}: {error}"
    peak = peak_bytes() / 2**30
    if peak > GIBIBYTES:
        problem = problem or f"{peak:.1f} GiB"
    return Outcome(1, not problem, 0, [f"{name}: {problem}"] if problem else [])
