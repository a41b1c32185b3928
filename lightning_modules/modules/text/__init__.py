"""Parts of the text module."""
