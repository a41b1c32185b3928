"""Edits that turn one text into another, grapheme by grapheme and gap by gap."""

from collections.abc import Sequence
from typing import NamedTuple

from rapidfuzz.distance import Levenshtein

from pyg_grapheme.data.grapheme import normalize, split_graphemes
from pyg_grapheme.typing import NormalForm

KEEP = None
"""The operation that leaves a grapheme as it is."""

DELETE = ""
"""The operation that removes a grapheme."""


class Edits(NamedTuple):
    """What happens at each grapheme of a source of n graphemes, and at each of its n + 1 gaps.

    Attributes:
        source: The n graphemes.
        operations: n of :data:`KEEP`, :data:`DELETE`, or the grapheme that takes its place.
        insertions: n + 1 tuples of graphemes; number i goes before grapheme i, the last one behind
            the last grapheme.
    """

    source: tuple[str, ...]
    operations: tuple[str | None, ...]
    insertions: tuple[tuple[str, ...], ...]


def compute_edits(source: str, target: str, form: NormalForm = "NFC") -> Edits:
    """Find a shortest list of edits that turns ``source`` into ``target``.

    ``apply_edits(compute_edits(a, b)) == b`` for all texts of the normal form ``form``: a kept
    grapheme is the source's own, whether anyone has seen it before or not.

    Source: Levenshtein's distance over grapheme clusters, aligned by rapidfuzz.
    Cost: O(len(source) * len(target)) at worst.

    >>> compute_edits("cat", "cart").insertions
    ((), (), ('r',), ())
    """
    before = split_graphemes(normalize(source, form))
    after = split_graphemes(normalize(target, form))
    operations: list[str | None] = [KEEP] * len(before)
    insertions: list[list[str]] = [[] for _ in range(len(before) + 1)]
    for tag, here, there in Levenshtein.editops(before, after).as_list():
        if tag == "insert":
            insertions[here].append(after[there])
        else:
            operations[here] = DELETE if tag == "delete" else after[there]
    return Edits(tuple(before), tuple(operations), tuple(map(tuple, insertions)))


def apply_edits(edits: Edits) -> str:
    """Carry out the edits.

    Raises:
        ValueError: if there is not one operation a grapheme and one insertion a gap.

    >>> apply_edits(Edits(("a", "b"), (KEEP, DELETE), ((), (), ("!",))))
    'a!'
    """
    source, operations, insertions = edits
    _expect_length("operations", operations, len(source))
    _expect_length("insertions", insertions, len(source) + 1)
    pieces = list(insertions[0])
    for grapheme, operation, inserted in zip(source, operations, insertions[1:], strict=True):
        pieces.append(grapheme if operation is KEEP else operation)
        pieces.extend(inserted)
    return "".join(pieces)


def _expect_length(name: str, values: Sequence[object], length: int) -> None:
    if len(values) != length:
        raise ValueError(f"Expected '{name}' to have {length} entries (got {len(values)})")
