"""Entropic optimal transport between the nodes of graphs."""

from pyg_grapheme.nn.transport.sinkhorn import SinkhornOutput, sinkhorn

__all__ = ["SinkhornOutput", "sinkhorn"]
