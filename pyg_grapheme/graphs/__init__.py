"""Batches of graphs: checked input, node offsets, repeated graphs."""
