"""Compare pooling layers in one process, on the same inputs, forward and backward.

    python -m benchmarks.pools --output pools.md --memory
    python -m benchmarks.pools --workloads chain_1e3 molecules --pools ours topk ec --repeats 3
    python -m benchmarks.pools --device cuda --threads 1
    python -m benchmarks.pools --pools ours dendrogram clusters topk --estimators none
    python -m benchmarks.pools.compare --against ../old_checkout
    python -m benchmarks.pools.linkages --output linkages.md

Every layer gets 64 float32 features, and the backward pass starts from a gradient of its output
nodes. Layers take turns within a workload, in a random order each time, so that noise is spread
evenly; the first turn of each is a warm-up and does not count unless it is the only one. The
threshold of a workload is a quantile of the cosines of its pairs (``--above``: the share of pairs
above it), and C/N is the share of nodes that is left. At the median, half of the nodes of chains,
words and molecules are left, but nearly all nodes of a random graph merge: half of its edges
connect most of its nodes.

Five workloads have the threshold 0.5 instead, below all of their scores: ``chain_1e5_merged``
becomes one node, and the others are the worst cases of a greedy matching, ``chain_1e5_equal`` with
one score for all pairs, the three ``falling`` with scores that fall from one end to the other.
Worst cases of other linkages are the star, the grid and the complete graph.

"ours rewire" deletes edges below the threshold, or inserts some to the five nearest nodes (knn);
"expected" is the probability of each edge. "ours split" splits about half of the nodes.

"ours dendrogram" is the tree with the expectation of one number per cut, "ours clusters" the tree
with the expectation of a linear map of the mean features of all of its clusters. Both return a row
per graph and build no pooled graph; their time is also given in multiples of "ours components
none", the layer's forward and backward.

The floor is the cost when the clusters are given: the mean of x over them, and the edges between
them without repeats.
"""
