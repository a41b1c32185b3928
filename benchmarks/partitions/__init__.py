"""Comparisons where the answer is a partition."""
