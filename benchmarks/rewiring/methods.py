"""The methods of the table."""

from torch_geometric.data import Data

from benchmarks.rewiring.data import jaccard
from benchmarks.rewiring.drawn_edges import DrawnEdges, RandomEdges
from benchmarks.rewiring.learned_edges import LearnedEdges
from benchmarks.rewiring.training import FixedEdges, Result, TrainingOptions, train

METHODS = {
    "gcn": "GCN",
    "jaccard": "GCN-Jaccard, fixed threshold",
    "scanned": "GCN-Jaccard, scanned threshold",
    "random": "GCN, random deletion in training",
    "drawn": "drawn thresholds in training, then the fixed one",
    "drawn_scanned": "drawn thresholds in training, then a scan",
    "threshold": "learned threshold, Jaccard",
    "score": "learned threshold and score",
    "insertion": "the same, inserting too",
}
"""Names of the methods on the command line, and in the tables."""


def run_method(method: str, data: Data, seed: int, options: TrainingOptions) -> Result:
    """Train all networks of a method, and return the one of the best validation accuracy."""
    similarity = jaccard(data.x, data.edge_index)

    def run_fixed(threshold: float) -> Result:
        kept = data.edge_index[:, similarity >= threshold]
        return train(data, FixedEdges(kept, threshold), seed, options)

    if method == "gcn":
        return train(data, FixedEdges(data.edge_index), seed, options)
    if method == "jaccard":
        return run_fixed(options.fixed)
    if method == "scanned":
        results = [run_fixed(threshold) for threshold in options.scanned]
        best = max(results, key=lambda result: result.val)
        return best._replace(passes=sum(result.passes for result in results))
    if method == "random":
        return train(data, RandomEdges(data.edge_index), seed, options)
    if method in ("drawn", "drawn_scanned"):
        scanned = options.scanned if method == "drawn_scanned" else (options.fixed,)
        return train(data, DrawnEdges(data, scanned), seed, options)
    agrees, inserts = method != "threshold", method == "insertion"
    edges = LearnedEdges(data, options, agrees, inserts)
    return train(data, edges, seed, options)
