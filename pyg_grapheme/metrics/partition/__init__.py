"""Scores of a given clustering against labels."""
