"""Parts of the partition module."""
