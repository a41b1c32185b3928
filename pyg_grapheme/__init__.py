"""Hard, readable graph pooling for PyTorch Geometric, with an exact gradient for its threshold."""

__version__ = "0.1.0"
