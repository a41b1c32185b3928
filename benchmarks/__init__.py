"""Measurements against published peers; run them as modules from the root of the repository."""
