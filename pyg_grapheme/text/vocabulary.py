"""The units a model can write."""

from collections.abc import Iterable, Sequence


class Vocabulary:
    """Numbers for the units that edits write: those substituted or inserted.

    What is only kept needs no number, and what is only read is hashed; a vocabulary therefore
    limits neither.

    Args:
        units: In the order of their numbers, without repeats.
    """

    UNKNOWN = -1

    def __init__(self, units: Iterable[str]) -> None:
        self.units = tuple(units)
        self._number = {unit: i for i, unit in enumerate(self.units)}
        if len(self._number) != len(self.units):
            raise ValueError("Expected 'units' to hold no unit twice")

    @classmethod
    def from_texts(cls, texts: Iterable[Sequence[str]]) -> "Vocabulary":
        """Collect the units of some texts, in code point order."""
        return cls(sorted({unit for text in texts for unit in text}))

    def __len__(self) -> int:
        return len(self.units)

    def __getitem__(self, number: int) -> str:
        return self.units[number]

    def number(self, unit: str) -> int:
        """Return the number of a unit, :attr:`UNKNOWN` where it has none."""
        return self._number.get(unit, self.UNKNOWN)
