"""Deduplicate tables: authors of papers, songs and citations, whose entities are known.

    python -m benchmarks.records --output benchmarks/results/records.md
    python -m benchmarks.records --output records.md --cells "authors/*" --jobs 2
    python -m benchmarks.records --output records.md --hours 0

Every method of a table has the same features, candidate pairs, splits, first weights, batches and
number of steps. The networks are trained as ``fit`` trains them, by ``conf/authors.yaml``,
``songs.yaml`` and ``citations.yaml``; the baselines are the network that the module trains by
cross-entropy alone beside ours, clustered by connected components and by average linkage of
probabilities and of logits, and records of an equal name or title. Cuts of baselines are the best
on the validation split; ours are the learned threshold, and the best on the validation split, too.

A cell is ``table/split/objective/linkage/threshold``; one with the objective "equal" trains
nothing. ``--cells`` takes patterns of names. Records are written beside the tables, one JSON line
per cell, with commit and time; cells with a record are not run again. One process takes the cells
of a table at a time. ``--hours 0`` only writes the tables.
"""
