"""Parts of the records module."""
