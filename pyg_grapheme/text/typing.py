"""Type aliases of the text package."""

from typing import Literal, TypeAlias

NormalForm: TypeAlias = Literal["NFC", "NFD"]
"""Unicode normal form of the text in a graph: composed or decomposed."""

FormName: TypeAlias = Literal["auto", "NFC", "NFD"]
"""A normal form, or "auto": NFD if that changes a text of the training data, else NFC."""

UnitsName: TypeAlias = Literal["codepoints", "graphemes", "whitespace"]
"""The unit of text per node: a code point, a grapheme cluster, or a part between spaces."""

PreprocessName: TypeAlias = Literal["none", "historical"]
"""Preprocessing of examples: none, or the usual one for historical texts."""

LossName: TypeAlias = Literal["structural", "cross_entropy", "hybrid"]
"""The loss of the text model."""
