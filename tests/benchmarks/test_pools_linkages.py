"""Trees of average and complete linkage beside scikit-learn."""

import pytest
import torch

from benchmarks.pools.features import similar_features
from benchmarks.pools.graphs import grid
from benchmarks.pools.linkages import compare_linkage, our_step, peer_step
from benchmarks.pools.workloads import Workload


def test_both_build_the_full_tree_of_the_same_graph() -> None:
    pytest.importorskip("sklearn", reason="scikit-learn is not installed")
    torch.manual_seed(0)
    graph = grid(6)
    x = similar_features(graph).requires_grad_()
    work = Workload(x, *graph, torch.ones_like(x), 0.5, graph.batch)
    # The definitions differ for "average" alone.
    ours, theirs = our_step(work, "complete")(), peer_step(work, "complete")()
    assert not ours.height.requires_grad
    expected = 1 - torch.from_numpy(theirs.distances_)
    torch.testing.assert_close(ours.height.double(), expected, atol=1e-6, rtol=0)
    name, linkage, *times = compare_linkage(work, "grid", "average", seconds=0)
    assert (name, linkage) == ("grid", "average")
    assert all(float(each) > 0 for each in times)
