"""The pairs of nodes that may merge."""
