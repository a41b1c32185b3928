"""Persistence of a run: checkpoints, resume, logs, configuration, seeds."""
