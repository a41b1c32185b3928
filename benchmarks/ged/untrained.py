"""The structural loss as a distance between graphs, without training."""

from typing import NamedTuple

from torch import Tensor

from benchmarks.ged.features import ActivationName, LabelName
from benchmarks.ged.pairs import mean_size
from pyg_grapheme.nn import StructuralLoss
from pyg_grapheme.nn.loss import GraphFeatures


class Plan(NamedTuple):
    """Options of the matching of nodes.

    Attributes:
        label: Option of :func:`~benchmarks.ged.features.read_features`.
        activation: Likewise.
        node_weights: Option of ``StructuralLoss``, as all the following.
        temperature: Temperature of the transport.
        max_iterations: Iterations of the transport.
        unmatched: Price of a node without a counterpart.
        debias: Whether a graph has the distance zero from itself.
        both_ways: Whether to take the mean over both directions: the edge term counts missing edges
            of the first and the second graph differently.
        tolerance: Marginal error at which the transport is done.
    """

    label: LabelName = "label"
    activation: ActivationName = "label"
    node_weights: tuple[float, float, float] = (0.1, 0.7, 0.2)
    temperature: float = 0.1
    max_iterations: int = 20
    unmatched: float | None = None
    debias: bool = False
    both_ways: bool = False
    tolerance: float = 1e-6


class Mixture(NamedTuple):
    """Constants that turn the terms into a similarity.

    exp(-(alpha * node + beta * edge + gamma * density) / mean number of nodes ^ power)
    """

    alpha: float = 1.0
    beta: float = 0.5
    gamma: float = 2.0
    power: float = 1.0


class Constants(NamedTuple):
    """All constants of the search."""

    plan: Plan = Plan()
    mixture: Mixture = Mixture()


DEFAULT = Constants()
"""The defaults of ``StructuralLoss``, with the label as the only feature of a node."""


def structural_loss(plan: Plan, mixture: Mixture) -> StructuralLoss:
    """Make the loss with these constants."""
    return StructuralLoss(
        *mixture[:3],
        temperature=plan.temperature,
        max_iterations=plan.max_iterations,
        tolerance=plan.tolerance,
        unmatched=plan.unmatched,
        node_weights=plan.node_weights,
        debias=plan.debias,
    )


def predict(constants: Constants, graphs: GraphFeatures, first: Tensor, second: Tensor) -> Tensor:
    """Return the similarity of each pair of graphs, [P].

    Args:
        constants: Constants of the loss.
        graphs: All graphs.
        first: [P], indices of graphs.
        second: [P], likewise.
    """
    plan, mixture = constants
    loss = structural_loss(plan, mixture)
    here, there = graphs.take(first), graphs.take(second)
    distance = loss.compare(here, there).total
    if plan.both_ways:
        distance = (distance + loss.compare(there, here).total) / 2
    return (-distance / mean_size(graphs, first, second) ** mixture.power).exp()
