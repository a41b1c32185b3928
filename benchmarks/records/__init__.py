"""Deduplicate tables: authors of papers, songs and citations, whose entities are known."""
