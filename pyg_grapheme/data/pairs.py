"""Examples as pairs of graphs, ready for a PyG ``DataLoader``."""

from collections.abc import Sequence
from typing import NamedTuple

from torch.utils.data import Dataset
from torch_geometric.data import Data

from pyg_grapheme.data.examples import Example
from pyg_grapheme.data.graph import label_units, units_graph
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
    """

    def __init__(
        self,
        examples: Sequence[Example],
        vocabulary: Vocabulary,
        form: NormalForm = "NFC",
        source_units: UnitsName = "graphemes",
        target_units: UnitsName = "graphemes",
    ) -> None:
        self.examples = list(examples)
        self.pairs = [
            graph_pair(example, vocabulary, form, source_units, target_units)
            for example in self.examples
        ]

    def __len__(self) -> int:
        return len(self.pairs)

    def __getitem__(self, index: int) -> GraphPair:
        return self.pairs[index]


def graph_pair(
    example: Example,
    vocabulary: Vocabulary,
    form: NormalForm = "NFC",
    source_units: UnitsName = "graphemes",
    target_units: UnitsName = "graphemes",
) -> GraphPair:
    """Build the two graphs of an example and label the second with what is to be written."""
    source = split_units(example.source, source_units, form)
    target = units_graph(split_units(example.target, target_units, form))
    return GraphPair(units_graph(source, example.tags), label_units(target, vocabulary))
