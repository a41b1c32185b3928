"""Type aliases of the text package."""

from typing import Literal, TypeAlias

NormalForm: TypeAlias = Literal["NFC", "none"]
"""Unicode normal form of the text: composed, or unchanged."""

UnitsName: TypeAlias = Literal["graphemes", "letters", "spaced"]
"""The unit of text per node: a grapheme cluster, a code point, or a part between spaces."""

PreprocessName: TypeAlias = Literal["none", "historical"]
"""Preprocessing of examples: none, or the usual one for historical texts."""

LossName: TypeAlias = Literal["structural", "cross_entropy", "hybrid"]
"""The loss of the text model."""
