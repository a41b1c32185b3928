"""Text as a graph, and the indices of its units as labels on it."""

from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch_geometric.data import Batch, Data
from torch_geometric.utils import cumsum

from pyg_grapheme.text.edits import CaseMapping
from pyg_grapheme.text.grapheme import (
    CATEGORIES,
    NUM_HASHES,
    UnitInfo,
    grapheme_indices,
    hash_words,
    unit_info,
)
from pyg_grapheme.text.units import TextUnits, expect_text_units
from pyg_grapheme.text.vocabulary import Vocabulary

Nodes = dict[str, Tensor]
"""Fields of the nodes of some texts, one text behind the other: all of a graph but its edges."""


def text_graph(text: str, tags: Sequence[str] = (), units: TextUnits = TextUnits()) -> Data:
    """Turn a text into a graph of its units; see :func:`units_graph`.

    Args:
        text: Any text, the empty one included.
        tags: Such as ``("V", "PST")``.
        units: Kind of unit per node, and normal form.

    Raises:
        ValueError: if kind or form are unknown, or ``tags`` is a text.
    """
    expect_text_units("units", units)
    if isinstance(tags, str):
        raise ValueError(f"Expected 'tags' to be a sequence of tags (got {tags!r})")
    return units_graph(units.split(text), tags)


def units_graph(units: Sequence[str], tags: Sequence[str] = ()) -> Data:
    """Chain n units in a graph, with k more nodes for tags.

    Units are chained by directed edges in reading order. Tags have no edges.

    Args:
        units: Units of a text in reading order, possibly none.
        tags: Such as ``("V", "PST")``.

    Returns:
        A graph of n + k nodes, units first:

        * ``label`` [n + k]: hash that identifies the unit or tag,
        * ``kind`` [n + k]: index into ``CATEGORIES``, one past its end for tags,
        * ``activation`` [n + k]: fixed hashed value in [0, 1]; with ``label`` and ``kind``, what
          ``StructuralLoss`` compares,
        * ``hashes`` [n + k, NUM_HASHES]: for hashed embeddings,
        * ``case`` [n + k, 2]: label of the unit in upper and in lower case; -1 where a
          ``CaseMapping`` has no effect,
        * ``grapheme`` [n + k]: index of the grapheme cluster in the text; -1 for tags,
        * ``position`` [n + k, 2]: distance from the start and from the end; -1 for tags,
        * ``is_tag`` [n + k],
        * ``edge_index`` [2, max(n - 1, 0)],
        * ``text``: the list of the n units.
    """
    nodes, _ = describe_nodes([units], [tags])
    return Data(**chain_nodes(nodes), text=list(units))


def units_graphs(texts: Sequence[Sequence[str]], tags: Sequence[Sequence[str]] = ()) -> Batch:
    """Chain the units of B texts: the batch that PyG makes of B :func:`units_graph`, but faster.

    Args:
        texts: Units of each text.
        tags: Tags of each text, or nothing.

    Returns:
        A batch for models; it cannot be split into its graphs again.
    """
    nodes, size = describe_nodes(texts, tags or [()] * len(texts))
    return make_batch(nodes, size, texts)


def make_batch(nodes: Nodes, size: Tensor, texts: Sequence[Sequence[str]]) -> Batch:
    """Put the graphs of B texts together.

    Args:
        nodes: Fields of all nodes, one text behind the other.
        size: [B], nodes of each text.
        texts: Units of each text.
    """
    graphs = Batch(**chain_nodes(nodes), text=[list(units) for units in texts])
    graphs.batch = torch.repeat_interleave(size)
    graphs.ptr = cumsum(size)
    graphs._num_graphs = len(texts)
    return graphs


def chain_nodes(nodes: Nodes) -> dict[str, Any]:
    """Add the number of nodes, and an edge from each unit to the next one."""
    before = (nodes["position"][:, 1] > 0).nonzero().view(-1)
    edge_index = torch.stack([before, before + 1])
    return {**nodes, "num_nodes": nodes["position"].size(0), "edge_index": edge_index}


class _Description(NamedTuple):
    """A unit or tag, and the labels of the unit in upper and lower case."""

    info: UnitInfo
    case: tuple[int, ...] = (-1, -1)


def describe_nodes(
    texts: Sequence[Sequence[str]], tags: Sequence[Sequence[str]]
) -> tuple[Nodes, Tensor]:
    """Return the fields of the nodes of B texts and their tags, and the nodes of each [B]."""
    found: list[_Description] = []
    places: list[tuple[int, int, int]] = []
    for units, words in zip(texts, tags, strict=True):
        found += [_describe_unit(unit) for unit in units]
        found += [_describe_tag(tag) for tag in words]
        last = len(units) - 1
        places += [(i, last - i, grapheme) for i, grapheme in enumerate(grapheme_indices(units))]
        places += [(-1, -1, -1)] * len(words)
    place = torch.tensor(places, dtype=torch.long).view(-1, 3)
    nodes = {
        "label": torch.tensor([node.info.id for node in found], dtype=torch.long),
        "kind": torch.tensor([node.info.category for node in found], dtype=torch.long),
        "activation": torch.tensor([node.info.value for node in found], dtype=torch.float),
        "hashes": _matrix([node.info.hashes for node in found], NUM_HASHES),
        "case": _matrix([node.case for node in found], len(CaseMapping)),
        "grapheme": place[:, 2],
        "position": place[:, :2],
        "is_tag": place[:, 0] < 0,
    }
    size = [len(units) + len(words) for units, words in zip(texts, tags, strict=True)]
    return nodes, torch.tensor(size, dtype=torch.long)


def _matrix(rows: Sequence[Sequence[int]], columns: int) -> Tensor:
    return torch.tensor(rows, dtype=torch.long).view(-1, columns)


@lru_cache(maxsize=65536)
def _describe_unit(unit: str) -> _Description:
    mapped = [case.map_first(unit) for case in CaseMapping]
    return _Description(
        unit_info(unit), tuple(-1 if other is None else unit_info(other).id for other in mapped)
    )


@lru_cache(maxsize=65536)
def _describe_tag(tag: str) -> _Description:
    high, low, *hashes = hash_words("tag:" + tag, 2 + NUM_HASHES)
    return _Description(UnitInfo(high << 32 | low, len(CATEGORIES), 0.0, tuple(hashes)))


def index_units(units: Iterable[str], vocabulary: Vocabulary) -> Tensor:
    """Return the indices [n] of some units, ``Vocabulary.UNKNOWN`` where one has none."""
    return torch.tensor([vocabulary.index(unit) for unit in units], dtype=torch.long)
