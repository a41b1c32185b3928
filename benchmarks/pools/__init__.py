"""Compare pooling layers: one process, the same inputs, forward and backward.

    python -m benchmarks.pools --output pools.md --memory
    python -m benchmarks.pools --workloads chain_1e3 molecules --pools ours topk ec --repeats 3

Every layer gets 64 float32 features and gives back the gradient of its output nodes. Layers take
turns within a workload, in a random order each time, so that noise hits all alike; the first turn
of each is a warm-up and does not count unless it is the only one. The threshold of a workload is a
quantile of its pairs' cosines (``--above``: the share of pairs above it), and C/N says how much
then merges: with the median, half of the nodes of chains, words and molecules, but nearly all of a
random graph, in which half of the edges still hold most nodes together.

Three workloads have the threshold 0.5 instead, below all of their scores: ``chain_1e5_merged``
becomes one node, and two look for the worst of a greedy matching, ``chain_1e5_equal`` with one
score for all pairs, ``chain_1e4_falling`` with scores that fall from one end to the other.

The floor is what remains when the clusters are given: the mean of x over them, and the edges
between them without repeats.
"""
