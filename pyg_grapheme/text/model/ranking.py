"""Rewrites of a text by one or several models, ranked by exact probability."""

import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from itertools import starmap
from typing import NamedTuple, TypeAlias

import torch
from torch import Tensor

from pyg_grapheme.options import expect_count
from pyg_grapheme.text.edits import written_units
from pyg_grapheme.text.graph import index_units, units_graphs
from pyg_grapheme.text.model.graph_transform_net import GraphTransformNet, expect_texts
from pyg_grapheme.text.model.transform_loss import TransformLoss
from pyg_grapheme.text.readers.pairs import GraphPair

Units: TypeAlias = tuple[str, ...]

_CELLS = 2**17
"""Maximum of the cells of the lattices that are scored at once."""

MAX_RANKED = 4000
"""Units of the longest text that is ranked.

It takes about 3 GB; memory grows with the square of the length.
"""


class Rewrite(NamedTuple):
    """A text that may take the place of a source, and its probability."""

    text: str
    probability: float


def log_probability(
    net: GraphTransformNet,
    sources: Sequence[str],
    targets: Sequence[str],
    tags: Sequence[Sequence[str]] = (),
) -> Tensor:
    """Return the log-probability that a model writes each target for its source.

    It is exact for the merge at the plain threshold: the sum over all edits that write the units of
    the target, as ``net.target`` splits it. A model in training mode drops features.

    Args:
        net: The model.
        sources: B texts, none of them empty.
        targets: A target of each.
        tags: Tags of each source, or nothing.

    Returns:
        [B], in nats; about -30 for each unit that the model cannot write.

    Raises:
        ValueError: if a source is empty, or the numbers of sources, targets and tags differ.

    Differentiation: exact, but for the threshold.
    Cost: O(n m H (H + V)) per source of n and target of m units, padded to the longest.
    """
    expect_texts(sources, tags)
    if isinstance(targets, str) or len(targets) != len(sources):
        got = "a text" if isinstance(targets, str) else len(targets)
        raise ValueError(
            f"Expected 'targets' to have one entry for each of the {len(sources)} sources "
            f"(got {got})"
        )
    if not sources:
        return net.activation.weight.new_zeros(0)
    return _score(net, sources, [net.target.split(target) for target in targets], tags)


@torch.no_grad()
def rank_rewrites(
    nets: Sequence[GraphTransformNet],
    texts: Sequence[str],
    tags: Sequence[Sequence[str]] = (),
    beam: int = 5,
) -> list[list[Rewrite]]:
    """Rank the rewrites of texts by their mean probability under several models.

    The candidates are what the beam search of any of the models finds. Each gets the mean of the
    exact probabilities that the models give it, so the order does not depend on the search. Where
    sequences of different units write the same text, such as a composed and a decomposed "é", their
    probabilities are summed.

    Args:
        nets: One or more models, in evaluation mode.
        texts: B texts, none of them empty.
        tags: Tags of each text, or nothing.
        beam: Hypotheses per text and model.

    Returns:
        The rewrites of each text, the most probable first; at least one, and up to ``beam`` per
        model. Their probabilities sum to at most 1, up to rounding.

    Raises:
        TypeError: if ``nets`` is a model.
        ValueError: if there is no model, a text is empty or has more than ``MAX_RANKED`` units,
            ``beam`` is below 1, or the numbers of texts and tags differ.

    Cost: a beam search per model, and the likelihood of every candidate under every model.
    """
    if isinstance(nets, torch.nn.Module):
        raise TypeError(f"Expected 'nets' to be a list of models (got a {type(nets).__name__})")
    expect_count("len(nets)", len(nets))
    expect_count("beam", beam)
    expect_texts(texts, tags)
    for index, text in enumerate(texts):
        expect_rankable(nets, text, f"text {index}")
    if not texts:
        return []
    # The sequences of units that write each candidate of each text.
    found: list[dict[str, set[Units]]] = [defaultdict(set) for _ in texts]
    for net in nets:
        alternatives = net.predict(net.read(texts, tags), beam).alternatives
        for candidates, own in zip(found, alternatives, strict=True):
            for edits in own:
                candidates[net.write(edits)].add(written_units(edits))
    for candidates in found:
        for candidate, sequences in candidates.items():
            sequences.update(tuple(net.target.split(candidate)) for net in nets)
    asked = [
        _Asked(index, texts[index], tags[index] if tags else (), candidate, units)
        for index, candidates in enumerate(found)
        for candidate, sequences in candidates.items()
        for units in sorted(sequences)
    ]
    probabilities: list[dict[str, float]] = [defaultdict(float) for _ in texts]
    for one, probability in zip(asked, _mean_probability(nets, asked), strict=True):
        probabilities[one.row][one.candidate] += probability
    return [
        sorted(starmap(Rewrite, own.items()), key=lambda rewrite: -rewrite.probability)
        for own in probabilities
    ]


def expect_rankable(nets: Iterable[GraphTransformNet], text: str, where: str) -> None:
    """Refuse a text whose rewrites would take too much memory to rank.

    Args:
        nets: The models.
        text: The text.
        where: Its place, for the error.

    Raises:
        ValueError: if it has more than ``MAX_RANKED`` units of a model.
    """
    size = _num_units(nets, text)
    if size > MAX_RANKED:
        raise ValueError(
            f"{where}: expected at most {MAX_RANKED} units for a beam, scores or several models "
            f"(got {size})"
        )


def _num_units(nets: Iterable[GraphTransformNet], text: str) -> int:
    """Return the units of a text, of the model that splits it into most."""
    return max(len(net.source.split(text)) for net in nets)


class _Asked(NamedTuple):
    """Units that some models may write for a text, where they join to a candidate."""

    row: int
    text: str
    tags: Sequence[str]
    candidate: str
    units: Units


def _mean_probability(nets: Sequence[GraphTransformNet], asked: Sequence[_Asked]) -> list[float]:
    """Return the mean probability that models write a candidate by these units."""
    # Chunks of similar length, so that one long text does not pad all others.
    num_units = {text: _num_units(nets, text) for text in {own.text for own in asked}}
    side = [max(num_units[own.text], len(own.units)) + 1 for own in asked]
    order = sorted(range(len(asked)), key=lambda i: side[i])
    mean = [0.0] * len(asked)
    while order:
        number = max(1, _CELLS // side[order[-1]] ** 2)
        chunk, order = order[-number:], order[:-number]
        scores = [_score_candidates(net, [asked[i] for i in chunk]) for net in nets]
        total = torch.stack(scores).logsumexp(dim=0) - math.log(len(nets))
        for index, probability in zip(chunk, total.exp().tolist(), strict=True):
            mean[index] = probability
    return mean


def _score_candidates(net: GraphTransformNet, asked: Sequence[_Asked]) -> Tensor:
    """Return the log-probability that a model writes each candidate by the units, in float64.

    It is minus infinity where these units are another text to this model.
    """
    units = [own.units for own in asked]
    writes = torch.tensor([net.target.join(own.units) == own.candidate for own in asked])
    scores = _score(net, [own.text for own in asked], units, [own.tags for own in asked])
    return scores.double().cpu().where(writes, -math.inf)


def _score(
    net: GraphTransformNet,
    sources: Sequence[str],
    units: Sequence[Sequence[str]],
    tags: Sequence[Sequence[str]],
) -> Tensor:
    """Return the log-probability that a model writes some units for each source."""
    source = net.read(sources, tags)
    device = source.hashes.device
    target = units_graphs(units).to(device)
    target.unit = index_units((unit for text in units for unit in text), net.vocabulary).to(device)
    losses = TransformLoss("cross_entropy").at_threshold(net, GraphPair(source, target))
    return -losses.cross_entropy
