"""Readers of example files."""
