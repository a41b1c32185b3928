"""Text as a graph, and the edits that lead to a target as labels on it."""

from collections.abc import Sequence

import torch
from torch_geometric.data import Data

from pyg_grapheme.data.edits import DELETE, KEEP, Edits
from pyg_grapheme.data.grapheme import (
    CATEGORIES,
    NUM_HASHES,
    describe,
    hash_words,
    normalize,
    split_graphemes,
)
from pyg_grapheme.data.vocabulary import Vocabulary
from pyg_grapheme.typing import NormalForm

KEEP_LABEL = 0
DELETE_LABEL = 1
SUBSTITUTE_LABEL = 2
"""First of the labels that stand for a substitution: this plus the number of the grapheme."""

IGNORE_LABEL = -100
"""Label of what the vocabulary can't write; ``cross_entropy`` leaves it out."""


def text_graph(text: str, tags: Sequence[str] = (), form: NormalForm = "NFC") -> Data:
    """Turn a text into a graph of its n grapheme clusters, with k more nodes for its tags.

    Graphemes are chained by directed edges in reading order. Tags have no edges; they reach the
    graphemes through attention.

    Args:
        text: Any text, the empty one included.
        tags: Such as ``("V", "PST")``.
        form: Unicode normal form to bring the text to.

    Returns:
        A graph of n + k nodes, graphemes first:

        * ``grapheme`` [n + k]: hash that says which grapheme (or tag) it is,
        * ``category`` [n + k]: index into ``CATEGORIES``, one past its end for tags,
        * ``activation`` [n + k]: fixed hashed value in [0, 1], what ``StructuralLoss`` aims at,
        * ``hashes`` [n + k, NUM_HASHES]: for hashed embeddings,
        * ``position`` [n + k, 2]: distance from the start and from the end; -1 for tags,
        * ``is_tag`` [n + k],
        * ``edge_index`` [2, max(n - 1, 0)],
        * ``text``: the list of the n graphemes.
    """
    clusters = split_graphemes(normalize(text, form))
    seen = [describe(cluster) for cluster in clusters]
    words = [hash_words("tag:" + tag, 2 + NUM_HASHES) for tag in tags]
    n, k = len(clusters), len(words)
    start = torch.arange(n)
    position = torch.full((n + k, 2), -1)
    position[:n] = torch.stack([start, n - 1 - start], dim=1)
    hashes = [grapheme.hashes for grapheme in seen] + [word[2:] for word in words]
    return Data(
        num_nodes=n + k,
        grapheme=torch.tensor(
            [g.id for g in seen] + [w[0] << 32 | w[1] for w in words], dtype=torch.long
        ),
        category=torch.tensor([g.category for g in seen] + [len(CATEGORIES)] * k, dtype=torch.long),
        activation=torch.tensor([g.value for g in seen] + [0.0] * k, dtype=torch.float),
        hashes=torch.tensor(hashes, dtype=torch.long).view(n + k, NUM_HASHES),
        position=position,
        is_tag=torch.arange(n + k) >= n,
        edge_index=torch.stack([start[:-1], start[1:]]),
        text=clusters,
    )


def label_edits(graph: Data, edits: Edits, vocabulary: Vocabulary) -> Data:
    """Add the edits to a graph of n graphemes, as labels for the edit heads.

    Returns:
        The same graph, with

        * ``operation`` [n]: 0 keep, 1 delete, 2 + v write grapheme v instead,
        * ``insert_length`` [n + 1]: how many graphemes are inserted at each gap,
        * ``insert_grapheme`` [sum of those]: which, gap after gap.

        What the vocabulary lacks has the label :data:`IGNORE_LABEL`.
    """
    inserted = [grapheme for gap in edits.insertions for grapheme in gap]
    graph.operation = torch.tensor(
        [_operation_label(o, vocabulary) for o in edits.operations], dtype=torch.long
    )
    graph.insert_length = torch.tensor([len(gap) for gap in edits.insertions], dtype=torch.long)
    graph.insert_grapheme = torch.tensor(
        [_grapheme_label(grapheme, vocabulary, 0) for grapheme in inserted], dtype=torch.long
    )
    return graph


def _operation_label(operation: str | None, vocabulary: Vocabulary) -> int:
    if operation is KEEP:
        return KEEP_LABEL
    if operation == DELETE:
        return DELETE_LABEL
    return _grapheme_label(operation, vocabulary, SUBSTITUTE_LABEL)


def _grapheme_label(grapheme: str, vocabulary: Vocabulary, offset: int) -> int:
    number = vocabulary.number(grapheme)
    return IGNORE_LABEL if number == Vocabulary.UNKNOWN else offset + number
