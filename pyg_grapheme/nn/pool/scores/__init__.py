"""Scores: how similar the two nodes of a candidate pair are."""
