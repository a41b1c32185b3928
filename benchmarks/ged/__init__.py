"""How well a distance ranks graphs, beside the graph edit distance."""
