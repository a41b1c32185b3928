"""Fixtures for anybody's tests; pytest loads this where the package is installed.

Nothing heavy is imported before a fixture is used.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from torch_geometric.data import Batch, Data


@pytest.fixture
def tie_free_graph() -> "Callable[..., Data]":
    """Draw graphs in float64 away from ties: see ``pyg_grapheme.testing.tie_free_graph``."""
    from pyg_grapheme.testing import tie_free_graph

    return tie_free_graph


@pytest.fixture
def tie_free_batch() -> "Callable[..., Batch]":
    """Draw batches of such graphs: see ``pyg_grapheme.testing.tie_free_batch``."""
    from pyg_grapheme.testing import tie_free_batch

    return tie_free_batch


@pytest.fixture
def tie_free_dag() -> "Callable[..., Data]":
    """Draw such graphs without a cycle."""
    from functools import partial

    from pyg_grapheme.testing import tie_free_graph

    return partial(tie_free_graph, acyclic=True)


@pytest.fixture
def degenerate_graphs() -> "dict[str, Data]":
    """Graphs that layers forget about, by name."""
    from pyg_grapheme.testing import degenerate_graphs

    return degenerate_graphs()


@pytest.fixture
def assert_gradients_match() -> Callable[..., None]:
    """Compare with central differences: see ``pyg_grapheme.testing.assert_gradients_match``."""
    from pyg_grapheme.testing import assert_gradients_match

    return assert_gradients_match


@pytest.fixture
def check_pool() -> Callable[..., object]:
    """Put a pool through a list of checks: see ``pyg_grapheme.testing.check_pool``."""
    from pyg_grapheme.testing import check_pool

    return check_pool
