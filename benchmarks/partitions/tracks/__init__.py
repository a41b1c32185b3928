"""Find the tracks of particles: train a scorer of edges on the score that is reported.

    python -m benchmarks.partitions.tracks --output benchmarks/results/tracks.md
    python -m benchmarks.partitions.tracks --output tracks.md --cells "30/4/0/*" --jobs 2
    python -m benchmarks.partitions.tracks --output tracks.md --hours 0

The events are generated (``lightning_modules.datamodules.track_events``): 30 or 50 tracks that nine
layers measure, with noise. The same network of 4 or 8 layers scores the candidate edges for every
method. All methods of a setting (tracks, layers, seed) start from the same weights, trained by BCE
over edges; a second phase of the same number of steps trains each method's own loss. Baselines are
more BCE, BCE with the fourfold weight for true or false edges, and focal loss, each clustered by
connected components, by average linkage, by greedy best-first chains and by acorn's walkthrough.
Ours train through components or average linkage. All cuts are tuned on events of their own.

A cell is ``tracks/layers/seed/objective/linkage``. ``--cells`` takes patterns of names. Records are
written beside the tables, one JSON line per cell, with commit and time; cells with a record are not
run again. The processes of a run share nothing but the records: one process takes one setting at a
time, and trains its first phase once. ``--hours 0`` only writes the tables.
"""
