"""Examples as pairs of graphs, ready for a PyG ``DataLoader``."""

from collections.abc import Sequence
from itertools import chain
from typing import NamedTuple

from torch.utils.data import Dataset
from torch_geometric.data import Data

from pyg_grapheme.text.graph import number_units
from pyg_grapheme.text.graph_table import tabulate
from pyg_grapheme.text.readers.examples import Example
from pyg_grapheme.text.units import split_units
from pyg_grapheme.text.vocabulary import Vocabulary
from pyg_grapheme.typing import NormalForm, UnitsName


class GraphPair(NamedTuple):
    """A source graph, and the graph of its target, labelled with the numbers of its units.

    A PyG ``DataLoader`` makes a ``GraphPair`` of two ``Batch`` objects of it.
    """

    source: Data
    target: Data


class PairDataset(Dataset[GraphPair]):
    """Pairs of graphs, built once each and held in memory.

    A PyG ``DataLoader`` goes through them as through any dataset. Quicker by far is one that asks
    for whole batches: ``DataLoader(range(len(pairs)), collate_fn=pairs.batch)``, of PyTorch.

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
        sources = [split_units(example.source, source_units, form) for example in self.examples]
        targets = [split_units(example.target, target_units, form) for example in self.examples]
        self.sources = tabulate(sources, [example.tags for example in self.examples])
        self.targets = tabulate(targets)
        self.targets.nodes["unit"] = number_units(chain.from_iterable(targets), vocabulary)
        self._met: dict[int, GraphPair] = {}

    def __len__(self) -> int:
        return len(self.examples)

    def __getitem__(self, index: int) -> GraphPair:
        number = range(len(self))[index]
        if number not in self._met:
            pair = GraphPair(self.sources.graph(number), self.targets.graph(number))
            self._met[number] = pair
        return self._met[number]

    def batch(self, numbers: Sequence[int]) -> GraphPair:
        """Two batches, of the sources and of the targets of some pairs."""
        return GraphPair(self.sources.batch(numbers), self.targets.batch(numbers))


def graph_pair(
    example: Example,
    vocabulary: Vocabulary,
    form: NormalForm = "NFC",
    source_units: UnitsName = "graphemes",
    target_units: UnitsName = "graphemes",
) -> GraphPair:
    """Build the two graphs of an example and label the second with what is to be written."""
    return PairDataset([example], vocabulary, form, source_units, target_units)[0]
