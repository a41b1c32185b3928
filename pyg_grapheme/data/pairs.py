"""Examples as pairs of graphs, ready for a PyG ``DataLoader``."""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch.utils.data import Dataset
from torch_geometric.data import Data

from pyg_grapheme.data.examples import Example
from pyg_grapheme.data.graph import label_units, units_graph
from pyg_grapheme.data.hallucinate import UnitPair, find_letters, hallucinate
from pyg_grapheme.data.units import split_units
from pyg_grapheme.data.vocabulary import Vocabulary
from pyg_grapheme.typing import NormalForm, UnitsName


class GraphPair(NamedTuple):
    """A source graph, and the graph of its target, labelled with the numbers of its units.

    A PyG ``DataLoader`` makes a ``GraphPair`` of two ``Batch`` objects of it.
    """

    source: Data
    target: Data


class PairDataset(Dataset[GraphPair]):
    """Pairs of graphs, built once and held in memory.

    Args:
        examples: What to build them from.
        vocabulary: Numbers of the units that edits write.
        form: Unicode normal form of all texts.
        source_units: What a node of a source is.
        target_units: What a node of a target is.
        hallucinated: Probability that a pair comes with other letters in place of what its texts
            have in common, new ones each time; see :func:`hallucinate`. Drawn from torch's global
            generator.
    """

    def __init__(
        self,
        examples: Sequence[Example],
        vocabulary: Vocabulary,
        form: NormalForm = "NFC",
        source_units: UnitsName = "graphemes",
        target_units: UnitsName = "graphemes",
        hallucinated: float = 0.0,
    ) -> None:
        self.examples = list(examples)
        self.vocabulary = vocabulary
        self.hallucinated = hallucinated
        self.units = [
            _split(example, form, source_units, target_units) for example in self.examples
        ]
        self.letters = self._find_letters() if hallucinated else []
        self.pairs = [
            _chain(units, example.tags, vocabulary)
            for units, example in zip(self.units, self.examples, strict=True)
        ]

    def _find_letters(self) -> list[str]:
        """What may stand in for a letter: letters of the sources that can be written too."""
        letters = find_letters(pair.source for pair in self.units)
        return [x for x in letters if self.vocabulary.number(x) != Vocabulary.UNKNOWN]

    def __len__(self) -> int:
        return len(self.pairs)

    def __getitem__(self, index: int) -> GraphPair:
        if self.hallucinated == 0 or float(torch.rand(())) >= self.hallucinated:
            return self.pairs[index]
        units = hallucinate(self.units[index], self.letters)
        return _chain(units, self.examples[index].tags, self.vocabulary)


def graph_pair(
    example: Example,
    vocabulary: Vocabulary,
    form: NormalForm = "NFC",
    source_units: UnitsName = "graphemes",
    target_units: UnitsName = "graphemes",
) -> GraphPair:
    """Build the two graphs of an example and label the second with what is to be written."""
    units = _split(example, form, source_units, target_units)
    return _chain(units, example.tags, vocabulary)


def _split(
    example: Example, form: NormalForm, source_units: UnitsName, target_units: UnitsName
) -> UnitPair:
    return UnitPair(
        tuple(split_units(example.source, source_units, form)),
        tuple(split_units(example.target, target_units, form)),
    )


def _chain(units: UnitPair, tags: Sequence[str], vocabulary: Vocabulary) -> GraphPair:
    target = label_units(units_graph(units.target), vocabulary)
    return GraphPair(units_graph(units.source, tags), target)
