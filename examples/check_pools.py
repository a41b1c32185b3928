"""Run a list of checks on PyG's pools and on ThresholdMergePool, and print what fails.

python examples/check_pools.py
"""

import warnings
from contextlib import suppress
from importlib import import_module

import torch
from torch_geometric.nn import (
    ASAPooling,
    ClusterPooling,
    EdgePooling,
    SAGPooling,
    TopKPooling,
)

from pyg_grapheme.nn import ThresholdMergePool
from pyg_grapheme.testing import check_pool, format_results

FEATURES = 3
torch.manual_seed(0)
POOLS = {
    "ThresholdMergePool": ThresholdMergePool(0.5),
    'ThresholdMergePool(merge="matching")': ThresholdMergePool(0.5, merge="matching"),
    'ThresholdMergePool(estimator="straight_through")': ThresholdMergePool(
        0.5, estimator="straight_through"
    ),
    "TopKPooling": TopKPooling(FEATURES),
    "SAGPooling": SAGPooling(FEATURES),
    "ASAPooling": ASAPooling(FEATURES),
    "EdgePooling": EdgePooling(FEATURES),
}
with suppress(ImportError):
    import_module("scipy")  # PyG's ClusterPooling needs it
    POOLS["ClusterPooling"] = ClusterPooling(FEATURES)


def main() -> None:
    """Print the failed checks of each pool."""
    print(
        "Expect: all checks hold for ThresholdMergePool, fewer for others. Time: 6 s on one core."
    )
    warnings.filterwarnings("ignore")
    for name, pool in POOLS.items():
        results = check_pool(pool)
        failed = [result for result in results if not result.passed]
        print(f"{name}: {len(results) - len(failed)} of {len(results)} hold")
        if failed:
            print(format_results(failed))


if __name__ == "__main__":
    main()
