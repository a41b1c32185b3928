"""Examples as pairs of graphs, ready for a PyG ``DataLoader``."""

from collections.abc import Sequence
from itertools import chain
from typing import NamedTuple

from torch.utils.data import Dataset
from torch_geometric.data import Data

from pyg_grapheme.text.graph import index_units
from pyg_grapheme.text.graph_table import tabulate
from pyg_grapheme.text.readers.examples import Example
from pyg_grapheme.text.units import TextUnits, expect_text_units
from pyg_grapheme.text.vocabulary import Vocabulary


class GraphPair(NamedTuple):
    """A source graph, and the graph of its target, labelled with the indices of its units.

    A PyG ``DataLoader`` collates it to a ``GraphPair`` of two ``Batch`` objects.
    """

    source: Data
    target: Data


class PairDataset(Dataset[GraphPair]):
    """Pairs of graphs, built once and held in memory.

    A PyG ``DataLoader`` reads it like any dataset. PyTorch's ``DataLoader`` with whole batches is
    much faster: ``DataLoader(range(len(pairs)), collate_fn=pairs.batch)``.

    Args:
        examples: Texts and their targets.
        vocabulary: Indices of the units that edits write.
        source_units: Units of the sources.
        target_units: Units of the targets.

    Raises:
        ValueError: if the tags of an example are one text.
    """

    def __init__(
        self,
        examples: Sequence[Example],
        vocabulary: Vocabulary,
        source_units: TextUnits = TextUnits(),
        target_units: TextUnits = TextUnits(),
    ) -> None:
        expect_text_units("source_units", source_units)
        expect_text_units("target_units", target_units)
        self.examples = list(examples)
        for index, example in enumerate(self.examples):
            if isinstance(example.tags, str):  # Else each of its letters would be a tag.
                raise ValueError(
                    f"Expected the tags of example {index} to be a tuple of texts "
                    f"(got {example.tags!r})"
                )
        sources = [source_units.split(example.source) for example in self.examples]
        targets = [target_units.split(example.target) for example in self.examples]
        self.sources = tabulate(sources, [example.tags for example in self.examples])
        self.targets = tabulate(targets)
        self.targets.nodes["unit"] = index_units(chain.from_iterable(targets), vocabulary)
        self._pairs: dict[int, GraphPair] = {}

    def __len__(self) -> int:
        return len(self.examples)

    def __getitem__(self, index: int) -> GraphPair:
        index = range(len(self))[index]
        if index not in self._pairs:
            self._pairs[index] = GraphPair(self.sources.graph(index), self.targets.graph(index))
        return self._pairs[index]

    def batch(self, indices: Sequence[int]) -> GraphPair:
        """Return the batches of the sources and of the targets of some pairs."""
        return GraphPair(self.sources.batch(indices), self.targets.batch(indices))


def graph_pair(
    example: Example,
    vocabulary: Vocabulary,
    source_units: TextUnits = TextUnits(),
    target_units: TextUnits = TextUnits(),
) -> GraphPair:
    """Return the two graphs of an example, the second labelled with the indices of its units."""
    return PairDataset([example], vocabulary, source_units, target_units)[0]
