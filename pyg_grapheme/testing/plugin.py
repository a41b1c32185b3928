"""Pytest fixtures; pytest loads this plugin wherever the package is installed.

Importing it does not import torch: each fixture imports on use.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from torch_geometric.data import Batch, Data


@pytest.fixture
def tie_free_graph() -> "Callable[..., Data]":
    """Return :func:`pyg_grapheme.testing.tie_free_graph`."""
    from pyg_grapheme.testing import tie_free_graph

    return tie_free_graph


@pytest.fixture
def tie_free_batch() -> "Callable[..., Batch]":
    """Return :func:`pyg_grapheme.testing.tie_free_batch`."""
    from pyg_grapheme.testing import tie_free_batch

    return tie_free_batch


@pytest.fixture
def tie_free_dag() -> "Callable[..., Data]":
    """Return ``tie_free_graph`` with ``acyclic=True``."""
    from functools import partial

    from pyg_grapheme.testing import tie_free_graph

    return partial(tie_free_graph, acyclic=True)


@pytest.fixture
def degenerate_graphs() -> "dict[str, Data]":
    """Return :func:`pyg_grapheme.testing.degenerate_graphs` of three features."""
    from pyg_grapheme.testing import degenerate_graphs

    return degenerate_graphs()


@pytest.fixture
def assert_gradients_match() -> Callable[..., None]:
    """Return :func:`pyg_grapheme.testing.assert_gradients_match`."""
    from pyg_grapheme.testing import assert_gradients_match

    return assert_gradients_match


@pytest.fixture
def check_pool() -> Callable[..., object]:
    """Return :func:`pyg_grapheme.testing.check_pool`."""
    from pyg_grapheme.testing import check_pool

    return check_pool
