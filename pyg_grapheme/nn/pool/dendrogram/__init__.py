"""The tree of merges, and its cuts."""
