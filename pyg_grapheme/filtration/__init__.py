"""Filtrations: the nested graphs that a falling threshold leads to, and expectations over them."""

from pyg_grapheme.filtration.reinforce_loss import ReinforceLoss

__all__ = ["ReinforceLoss"]
