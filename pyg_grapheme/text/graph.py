"""Text as a graph, and the numbers of its units as labels on it."""

from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Any

import torch
from torch import Tensor
from torch_geometric.data import Batch, Data
from torch_geometric.utils import cumsum

from pyg_grapheme.text.grapheme import CATEGORIES, NUM_HASHES, Grapheme, describe, hash_words
from pyg_grapheme.text.typing import NormalForm, UnitsName
from pyg_grapheme.text.units import split_units
from pyg_grapheme.text.vocabulary import Vocabulary

Nodes = dict[str, Tensor]
"""Fields of the nodes of some texts, one text behind the other: all of a graph but its edges."""

_Node = tuple[Grapheme, int, int]
"""What a node is, and how far it is from the start and from the end of its text."""


def text_graph(
    text: str,
    tags: Sequence[str] = (),
    form: NormalForm = "NFC",
    units: UnitsName = "graphemes",
) -> Data:
    """Turn a text into a graph of its units; see :func:`units_graph`.

    Args:
        text: Any text, the empty one included.
        tags: Such as ``("V", "PST")``.
        form: Unicode normal form to bring the text to.
        units: What one node is: a grapheme cluster, a letter, or what stands between spaces.
    """
    return units_graph(split_units(text, units, form), tags)


def units_graph(units: Sequence[str], tags: Sequence[str] = ()) -> Data:
    """Chain n units in a graph, with k more nodes for tags.

    Units are chained by directed edges in reading order. Tags have no edges.

    Args:
        units: Of a text, in reading order, none included.
        tags: Such as ``("V", "PST")``.

    Returns:
        A graph of n + k nodes, units first:

        * ``grapheme`` [n + k]: hash that says which unit (or tag) it is,
        * ``category`` [n + k]: index into ``CATEGORIES``, one past its end for tags,
        * ``activation`` [n + k]: fixed hashed value in [0, 1], as ``StructuralLoss`` compares it,
        * ``hashes`` [n + k, NUM_HASHES]: for hashed embeddings,
        * ``position`` [n + k, 2]: distance from the start and from the end; -1 for tags,
        * ``is_tag`` [n + k],
        * ``edge_index`` [2, max(n - 1, 0)],
        * ``text``: the list of the n units.

        ``StructuralLoss`` compares such graphs with ``label`` = ``grapheme`` and ``kind`` =
        ``category``.
    """
    nodes, _ = describe_nodes([units], [tags])
    return Data(**chained(nodes), text=list(units))


def units_graphs(texts: Sequence[Sequence[str]], tags: Sequence[Sequence[str]] = ()) -> Batch:
    """Chain the units of B texts, all at once: what PyG would batch of B :func:`units_graph`.

    Args:
        texts: The units of each.
        tags: Of each, or nothing.

    Returns:
        A batch that models read; it can't be taken apart again.
    """
    nodes, size = describe_nodes(texts, tags or [()] * len(texts))
    return make_batch(nodes, size, texts)


def make_batch(nodes: Nodes, size: Tensor, texts: Sequence[Sequence[str]]) -> Batch:
    """Put the graphs of B texts together.

    Args:
        nodes: Of all of them, one text behind the other.
        size: [B], nodes of each.
        texts: The units of each.
    """
    graphs = Batch(**chained(nodes), text=[list(units) for units in texts])
    graphs.batch = torch.repeat_interleave(size)
    graphs.ptr = cumsum(size)
    graphs._num_graphs = len(texts)
    return graphs


def chained(nodes: Nodes) -> dict[str, Any]:
    """Add the edges between nodes, each unit's to the one behind it, and how many nodes there are.

    Args:
        nodes: Of any number of texts.
    """
    before = (nodes["position"][:, 1] > 0).nonzero().view(-1)
    edge_index = torch.stack([before, before + 1])
    return {**nodes, "num_nodes": nodes["position"].size(0), "edge_index": edge_index}


def describe_nodes(
    texts: Sequence[Sequence[str]], tags: Sequence[Sequence[str]]
) -> tuple[Nodes, Tensor]:
    """The fields of the nodes of B texts and their tags, and the nodes of each [B]."""
    described: list[_Node] = []
    for units, words in zip(texts, tags, strict=True):
        last = len(units) - 1
        described += [(describe(unit), place, last - place) for place, unit in enumerate(units)]
        described += [(_describe_tag(tag), -1, -1) for tag in words]
    seen = [node[0] for node in described]
    position = torch.tensor([node[1:] for node in described], dtype=torch.long).view(-1, 2)
    hashes = [grapheme.hashes for grapheme in seen]
    nodes = {
        "grapheme": torch.tensor([grapheme.id for grapheme in seen], dtype=torch.long),
        "category": torch.tensor([grapheme.category for grapheme in seen], dtype=torch.long),
        "activation": torch.tensor([grapheme.value for grapheme in seen], dtype=torch.float),
        "hashes": torch.tensor(hashes, dtype=torch.long).view(-1, NUM_HASHES),
        "position": position,
        "is_tag": position[:, 0] < 0,
    }
    size = [len(units) + len(words) for units, words in zip(texts, tags, strict=True)]
    return nodes, torch.tensor(size, dtype=torch.long)


@lru_cache(maxsize=65536)
def _describe_tag(tag: str) -> Grapheme:
    high, low, *hashes = hash_words("tag:" + tag, 2 + NUM_HASHES)
    return Grapheme(high << 32 | low, len(CATEGORIES), 0.0, tuple(hashes))


def label_units(graph: Data, vocabulary: Vocabulary) -> Data:
    """Add to the graph of a target what a model has to write.

    Returns:
        The same graph, with ``unit`` [n], the number of each of its n units in the vocabulary,
        ``Vocabulary.UNKNOWN`` where it has none.
    """
    graph.unit = number_units(graph.text, vocabulary)
    return graph


def number_units(units: Iterable[str], vocabulary: Vocabulary) -> Tensor:
    """Numbers [n] of some units, ``Vocabulary.UNKNOWN`` where one has none."""
    return torch.tensor([vocabulary.number(unit) for unit in units], dtype=torch.long)
