"""Entropic optimal transport between the nodes of graphs."""

from pyg_grapheme.nn.transport.sinkhorn import Sinkhorn, SinkhornOutput, sinkhorn

__all__ = ["Sinkhorn", "SinkhornOutput", "sinkhorn"]
