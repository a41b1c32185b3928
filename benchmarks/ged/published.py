"""Published results, by the name of the set.

Tables 2 and 3 of SimGNN and ERIC's released models; the counts of nodes, labels and edges are lower
bounds of the distance. All are quoted in the README beside the data.
"""

from benchmarks.ged.protocol import RankingScores

PUBLISHED = {
    "aids700nef": {
        # Not trained.
        "Beam": RankingScores(12.090e-3, 0.609, 0.463, 0.481, 0.493),
        "Hungarian": RankingScores(25.296e-3, 0.510, 0.378, 0.360, 0.392),
        "VJ": RankingScores(29.157e-3, 0.517, 0.383, 0.310, 0.345),
        "count of nodes and edges": RankingScores(68.349e-3, 0.571, 0.450, 0.547, 0.506),
        "count of labels and edges": RankingScores(17.618e-3, 0.761, 0.618, 0.473, 0.547),
        # Trained.
        "SimpleMean": RankingScores(3.115e-3, 0.633, 0.480, 0.269, 0.279),
        "HierarchicalMean": RankingScores(3.046e-3, 0.681, 0.629, 0.246, 0.340),
        "HierarchicalMax": RankingScores(3.396e-3, 0.655, 0.505, 0.222, 0.295),
        "AttDegree": RankingScores(3.338e-3, 0.628, 0.478, 0.209, 0.279),
        "AttGlobalContext": RankingScores(1.472e-3, 0.813, 0.653, 0.376, 0.473),
        "AttLearnableGC": RankingScores(1.340e-3, 0.825, 0.667, 0.400, 0.488),
        "SimGNN": RankingScores(1.189e-3, 0.843, 0.690, 0.421, 0.514),
        "ERIC (mse without the half)": RankingScores(1.374e-3, 0.900, 0.743, 0.694, 0.749),
    },
    "linux": {
        # Not trained.
        "Beam": RankingScores(9.268e-3, 0.827, 0.714, 0.973, 0.924),
        "Hungarian": RankingScores(29.805e-3, 0.638, 0.517, 0.913, 0.836),
        "VJ": RankingScores(63.863e-3, 0.581, 0.450, 0.287, 0.251),
        "count of nodes and edges": RankingScores(7.452e-3, 0.897, 0.809, 0.924, 0.893),
        # Trained.
        "SimGNN": RankingScores(1.509e-3, 0.939, 0.830, 0.942, 0.933),
        "ERIC (mse without the half)": RankingScores(0.107e-3, 0.988, 0.908, 0.993, 0.999),
    },
}
