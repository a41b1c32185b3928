"""Classify the nodes of a citation graph to which an attacker has added edges.

    python -m benchmarks.rewiring --output benchmarks/results/rewiring.md
    python -m benchmarks.rewiring --output rewiring.md --cells "25/0/*"
    python -m benchmarks.rewiring --output rewiring.md --hours 0

The data is Cora under metattack (Zügner and Günnemann, ICLR 2019), with 0 to 25 % of added edges
and the published splits. All methods train the same graph convolutional network. Baselines are the
network alone, GCN-Jaccard (Wu et al., IJCAI 2019), which deletes the edges whose ends have a
Jaccard similarity below 0.01 (the default of DeepRobust), and the same with a threshold that is
scanned on the validation nodes: one training for each of eight thresholds. Controls train the
weights of one network on edges that are deleted at random, or below thresholds that are drawn, as
ours do, and do not learn the threshold: it is the fixed one, or is scanned without further
training. Ours learn the threshold of ``ThresholdRewire`` in one training: of the Jaccard
similarity; of a learned score, which adds the agreement of predicted classes; and of that score
with insertion, where the nearest neighbours of each node are candidates as well. One setting holds
for all rates.

A cell is ``rate/seed/method``. ``--cells`` takes patterns of names. Records are written beside the
tables, one JSON line per cell, with commit and time; cells with a record are not run again.
``--hours 0`` only writes the tables.
"""
