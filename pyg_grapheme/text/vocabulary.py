"""The units that a model can write."""

from collections.abc import Iterable, Sequence


class Vocabulary:
    """Indices for the units that edits write: those substituted or inserted.

    Units that are kept need no index, and units that are read are hashed; a vocabulary limits
    neither.

    Args:
        units: In the order of their indices, without repeats.
    """

    UNKNOWN = -1

    def __init__(self, units: Iterable[str]) -> None:
        self.units = tuple(units)
        self._index = {unit: i for i, unit in enumerate(self.units)}
        if len(self._index) != len(self.units):
            raise ValueError("Expected 'units' to hold no unit twice")

    @classmethod
    def from_texts(cls, texts: Iterable[Sequence[str]]) -> "Vocabulary":
        """Collect the units of some texts, in code point order."""
        return cls(sorted({unit for text in texts for unit in text}))

    def __len__(self) -> int:
        return len(self.units)

    def __getitem__(self, index: int) -> str:
        return self.units[index]

    def index(self, unit: str) -> int:
        """Return the index of a unit, :attr:`UNKNOWN` if it has none."""
        return self._index.get(unit, self.UNKNOWN)
