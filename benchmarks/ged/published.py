"""What others reached on AIDS700nef.

SimGNN's table 2 and ERIC's released model, see the README beside the data; the counts, which need
no training either, are lower bounds of the distance.
"""

from benchmarks.ged.protocol import RankingScores

ALGORITHMS = {
    "Beam": RankingScores(12.090e-3, 0.609, 0.463, 0.481, 0.493),
    "Hungarian": RankingScores(25.296e-3, 0.510, 0.378, 0.360, 0.392),
    "VJ": RankingScores(29.157e-3, 0.517, 0.383, 0.310, 0.345),
    "count of nodes and edges": RankingScores(68.349e-3, 0.571, 0.450, 0.547, 0.506),
    "count of labels and edges": RankingScores(17.618e-3, 0.761, 0.618, 0.473, 0.547),
}
"""Not trained."""

NETWORKS = {
    "SimpleMean": RankingScores(3.115e-3, 0.633, 0.480, 0.269, 0.279),
    "HierarchicalMean": RankingScores(3.046e-3, 0.681, 0.629, 0.246, 0.340),
    "HierarchicalMax": RankingScores(3.396e-3, 0.655, 0.505, 0.222, 0.295),
    "AttDegree": RankingScores(3.338e-3, 0.628, 0.478, 0.209, 0.279),
    "AttGlobalContext": RankingScores(1.472e-3, 0.813, 0.653, 0.376, 0.473),
    "AttLearnableGC": RankingScores(1.340e-3, 0.825, 0.667, 0.400, 0.488),
    "SimGNN": RankingScores(1.189e-3, 0.843, 0.690, 0.421, 0.514),
    "ERIC (mse without the half)": RankingScores(1.374e-3, 0.900, 0.743, 0.694, 0.749),
}
"""Trained."""
