"""Metrics of clusterings and of pairs of graphs.

The names below are imported on first use. The scores of a clustering need torch and
torch-geometric alone; their classes and the metrics of pairs need the extra ``metrics``.
"""

from typing import TYPE_CHECKING

from pyg_grapheme.lazy_names import lazy_names

if TYPE_CHECKING:
    from pyg_grapheme.metrics.edit_distance import GraphEditDistance, graph_edit_distance
    from pyg_grapheme.metrics.partition.clustering_metric import ClusteringScore
    from pyg_grapheme.metrics.partition.scores import METRICS, clustering_score
    from pyg_grapheme.metrics.partition.sums import PartitionSums, clustering_sums
    from pyg_grapheme.metrics.partition.track_metric import TrackRate
    from pyg_grapheme.metrics.partition.trackml import trackml_score
    from pyg_grapheme.metrics.partition.trackml_metric import TrackMLScore
    from pyg_grapheme.metrics.partition.tracks import TrackRates, track_rates
    from pyg_grapheme.metrics.weisfeiler_lehman import (
        WeisfeilerLehmanSimilarity,
        weisfeiler_lehman_similarity,
    )

__all__ = [
    "METRICS",
    "ClusteringScore",
    "GraphEditDistance",
    "PartitionSums",
    "TrackMLScore",
    "TrackRate",
    "TrackRates",
    "WeisfeilerLehmanSimilarity",
    "clustering_score",
    "clustering_sums",
    "graph_edit_distance",
    "track_rates",
    "trackml_score",
    "weisfeiler_lehman_similarity",
]

# No name may be that of a module: importing the module would replace it.
_MODULES = {
    "METRICS": "partition.scores",
    "ClusteringScore": "partition.clustering_metric",
    "GraphEditDistance": "edit_distance",
    "PartitionSums": "partition.sums",
    "TrackMLScore": "partition.trackml_metric",
    "TrackRate": "partition.track_metric",
    "TrackRates": "partition.tracks",
    "WeisfeilerLehmanSimilarity": "weisfeiler_lehman",
    "clustering_score": "partition.scores",
    "clustering_sums": "partition.sums",
    "graph_edit_distance": "edit_distance",
    "track_rates": "partition.tracks",
    "trackml_score": "partition.trackml",
    "weisfeiler_lehman_similarity": "weisfeiler_lehman",
}


__getattr__ = lazy_names(__name__, _MODULES)
