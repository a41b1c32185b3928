"""Options of the parts of the text model that an experiment may set."""

from typing import TypedDict

from pyg_grapheme.typing import MergeName


class PoolOptions(TypedDict, total=False):
    """Options of :class:`ThresholdMergePool` that an experiment may set."""

    threshold: float
    merge: MergeName
    reduce: str
    temperature: float


class StructuralOptions(TypedDict, total=False):
    """Options of :class:`StructuralLoss` that an experiment may set."""

    alpha: float
    beta: float
    gamma: float
    temperature: float
    max_iterations: int
    tolerance: float
    debias: bool
