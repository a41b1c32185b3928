"""Filtrations: the nested graphs that a falling threshold leads to, and expectations over them."""

from pyg_grapheme.filtration.cut_probabilities import (
    cut_probabilities,
    interval_probability,
    sampled_log_prob,
)
from pyg_grapheme.filtration.cuts import Cuts
from pyg_grapheme.filtration.expectation import expected_value
from pyg_grapheme.filtration.noise import sample_thresholds
from pyg_grapheme.filtration.reinforce_loss import ReinforceLoss
from pyg_grapheme.filtration.sample_cuts import CutSample, check_bounds, sample_cuts
from pyg_grapheme.filtration.steps import Steps, score_steps

__all__ = [
    "CutSample",
    "Cuts",
    "ReinforceLoss",
    "Steps",
    "check_bounds",
    "cut_probabilities",
    "expected_value",
    "interval_probability",
    "sample_cuts",
    "sample_thresholds",
    "sampled_log_prob",
    "score_steps",
]
