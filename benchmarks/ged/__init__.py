"""The rank correlation of distances between graphs with the graph edit distance."""
