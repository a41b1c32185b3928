"""The graphemes a model can write."""

from collections.abc import Iterable

from pyg_grapheme.data.edits import DELETE, KEEP, Edits


class Vocabulary:
    """Numbers for the graphemes that edits write: those substituted or inserted.

    What is only kept needs no number, and what is only read is hashed; a vocabulary therefore
    limits neither.

    Args:
        graphemes: In the order of their numbers, without repeats.
    """

    UNKNOWN = -1

    def __init__(self, graphemes: Iterable[str]) -> None:
        self.graphemes = tuple(graphemes)
        self._number = {grapheme: i for i, grapheme in enumerate(self.graphemes)}
        if len(self._number) != len(self.graphemes):
            raise ValueError("Expected 'graphemes' to hold no grapheme twice")

    @classmethod
    def from_edits(cls, edits: Iterable[Edits]) -> "Vocabulary":
        """Collect what some edits write, in code point order."""
        written: set[str] = set()
        for _, operations, insertions in edits:
            written.update(o for o in operations if o is not KEEP and o != DELETE)
            written.update(grapheme for gap in insertions for grapheme in gap)
        return cls(sorted(written))

    def __len__(self) -> int:
        return len(self.graphemes)

    def __getitem__(self, number: int) -> str:
        return self.graphemes[number]

    def number(self, grapheme: str) -> int:
        """Return the number of a grapheme, :attr:`UNKNOWN` where it has none."""
        return self._number.get(grapheme, self.UNKNOWN)
