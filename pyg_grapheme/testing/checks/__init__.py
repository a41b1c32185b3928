"""The checks of a pool, in groups."""

from pyg_grapheme.testing.checks.check import Check
from pyg_grapheme.testing.checks.edge_attributes import OF_EDGE_ATTRIBUTES
from pyg_grapheme.testing.checks.edges import OF_EDGES
from pyg_grapheme.testing.checks.gradients import OF_GRADIENTS
from pyg_grapheme.testing.checks.input import OF_INPUT
from pyg_grapheme.testing.checks.nodes import OF_NODES
from pyg_grapheme.testing.checks.state import OF_STATE
from pyg_grapheme.testing.checks.symmetry import OF_SYMMETRY

CHECKS: dict[str, Check] = {
    **OF_NODES,
    **OF_EDGES,
    **OF_EDGE_ATTRIBUTES,
    **OF_SYMMETRY,
    **OF_GRADIENTS,
    **OF_STATE,
    **OF_INPUT,
}
"""All checks by name, in the order in which they run."""

__all__ = ["CHECKS", "Check"]
