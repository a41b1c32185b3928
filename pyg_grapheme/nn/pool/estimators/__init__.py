"""Estimators: how a gradient reaches the threshold in ``forward``."""
