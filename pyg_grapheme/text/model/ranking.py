"""Rewrites of a text by one or several models, ranked by exact probability."""

import math
from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from pyg_grapheme.options import expect_count
from pyg_grapheme.text.graph import units_graphs
from pyg_grapheme.text.model.edit_likelihood import edit_likelihood, encode_target
from pyg_grapheme.text.model.graph_transform_net import GraphTransformNet, expect_texts
from pyg_grapheme.text.model.lattice_rows import lattice_rows
from pyg_grapheme.text.readers.pairs import GraphPair


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
    the target.

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
    Cost: O(n m H (H + V)) per source of n and target of m units.
    """
    expect_texts(sources, tags)
    if len(targets) != len(sources):
        raise ValueError(
            f"Expected 'targets' to have one entry for each of the {len(sources)} sources "
            f"(got {len(targets)})"
        )
    if not sources:
        return net.activation.weight.new_zeros(0)
    source = net.read(sources, tags)
    units = [net.target.split(target) for target in targets]
    target = units_graphs(units).to(source.hashes.device)
    index = [net.vocabulary.index(unit) for text in units for unit in text]
    target.unit = torch.tensor(index, dtype=torch.long, device=source.hashes.device)
    state = net.encode(source)
    pooled = net.merge(state)
    rows = lattice_rows(pooled.x, pooled, state.end)
    text = torch.arange(state.num_graphs, device=state.x.device)
    return edit_likelihood(net, encode_target(net, GraphPair(source, target), state), rows, text)


@torch.no_grad()
def rank_rewrites(
    nets: Sequence[GraphTransformNet],
    texts: Sequence[str],
    tags: Sequence[Sequence[str]] = (),
    beam: int = 5,
) -> list[list[Rewrite]]:
    """Rank the rewrites of texts by their mean probability under several models.

    The candidates are what the beam search of any of the models finds. Each gets the mean of the
    exact probabilities that the models give it (:func:`log_probability`), so the order does not
    depend on the search.

    Args:
        nets: One or more models.
        texts: B texts, none of them empty.
        tags: Tags of each text, or nothing.
        beam: Hypotheses per text and model.

    Returns:
        The rewrites of each text, the most probable first; at least one, and up to ``beam`` per
        model. Their probabilities sum to at most 1.

    Raises:
        ValueError: if there is no model, a text is empty, ``beam`` is below 1, or the numbers of
            texts and tags differ.

    Cost: a beam search per model, and the likelihood of every candidate under every model.
    """
    expect_count("len(nets)", len(nets))
    expect_count("beam", beam)
    expect_texts(texts, tags)
    if not texts:
        return []
    found: list[dict[str, None]] = [{} for _ in texts]
    for net in nets:
        alternatives = net.predict(net.read(texts, tags), beam).alternatives
        for candidates, own in zip(found, alternatives, strict=True):
            candidates.update(dict.fromkeys(net.write(edits) for edits in own))
    given = tags or [()] * len(texts)
    asked = [
        (text, candidate, own)
        for text, candidates, own in zip(texts, found, given, strict=True)
        for candidate in candidates
    ]
    sources, targets, repeated = zip(*asked, strict=True)
    scores = [log_probability(net, sources, targets, repeated).double() for net in nets]
    mean = (torch.stack(scores).logsumexp(dim=0) - math.log(len(nets))).exp().tolist()
    ranked, first = [], 0
    for candidates in found:
        probabilities = mean[first : first + len(candidates)]
        first += len(candidates)
        rewrites = list(map(Rewrite, candidates, probabilities))
        ranked.append(sorted(rewrites, key=lambda rewrite: -rewrite.probability))
    return ranked
