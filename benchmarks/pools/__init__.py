"""Compare pooling layers in one process, on the same inputs, forward and backward.

    python -m benchmarks.pools --output pools.md --memory
    python -m benchmarks.pools --workloads chain_1e3 molecules --pools ours topk ec --repeats 3
    python -m benchmarks.pools.compare --against ../old_checkout

Every layer gets 64 float32 features, and the backward pass starts from a gradient of its output
nodes. Layers take turns within a workload, in a random order each time, so that noise is spread
evenly; the first turn of each is a warm-up and does not count unless it is the only one. The
threshold of a workload is a quantile of the cosines of its pairs (``--above``: the share of pairs
above it), and C/N is the share of nodes that is left. At the median, half of the nodes of chains,
words and molecules are left, but nearly all nodes of a random graph merge: half of its edges
connect most of its nodes.

Three workloads have the threshold 0.5 instead, below all of their scores: ``chain_1e5_merged``
becomes one node, and two are the worst cases of a greedy matching, ``chain_1e5_equal`` with one
score for all pairs, ``chain_1e4_falling`` with scores that fall from one end to the other.

The floor is the cost when the clusters are given: the mean of x over them, and the edges between
them without repeats.
"""
