"""Files damaged on purpose, and readers to compare with."""
