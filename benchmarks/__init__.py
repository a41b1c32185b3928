"""Measurements beside real peers; run from the root of the repository, as modules."""
