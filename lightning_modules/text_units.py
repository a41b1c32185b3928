"""What a model takes for the units of the texts that it reads and writes."""

from typing import NamedTuple

from torch import nn

from pyg_grapheme.typing import UnitsName


class TextUnits(NamedTuple):
    """The units of the source and of the target."""

    source: UnitsName
    target: UnitsName


def text_units(net: nn.Module) -> TextUnits:
    """Return the units of a text model: graphemes, where it does not say."""
    source: UnitsName = getattr(net, "source_units", "graphemes")
    target: UnitsName = getattr(net, "target_units", "graphemes")
    return TextUnits(source, target)
