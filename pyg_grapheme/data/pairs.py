"""Examples as pairs of graphs, ready for a PyG ``DataLoader``."""

from collections.abc import Sequence
from typing import NamedTuple

from torch.utils.data import Dataset
from torch_geometric.data import Data

from pyg_grapheme.data.edits import compute_edits
from pyg_grapheme.data.examples import Example
from pyg_grapheme.data.graph import label_edits, text_graph
from pyg_grapheme.data.vocabulary import Vocabulary
from pyg_grapheme.typing import NormalForm


class GraphPair(NamedTuple):
    """A source graph, labelled with its edits, and the graph of its target.

    A PyG ``DataLoader`` makes a ``GraphPair`` of two ``Batch`` objects of it.
    """

    source: Data
    target: Data


class PairDataset(Dataset[GraphPair]):
    """Pairs of graphs, built once and held in memory.

    Args:
        examples: What to build them from.
        vocabulary: Numbers of the graphemes that edits write.
        form: Unicode normal form of all texts.
    """

    def __init__(
        self, examples: Sequence[Example], vocabulary: Vocabulary, form: NormalForm = "NFC"
    ) -> None:
        self.examples = list(examples)
        self.pairs = [graph_pair(example, vocabulary, form) for example in self.examples]

    def __len__(self) -> int:
        return len(self.pairs)

    def __getitem__(self, index: int) -> GraphPair:
        return self.pairs[index]


def graph_pair(example: Example, vocabulary: Vocabulary, form: NormalForm = "NFC") -> GraphPair:
    """Build the two graphs of an example and label the first with the edits to the second."""
    edits = compute_edits(example.source, example.target, form)
    source = label_edits(text_graph(example.source, example.tags, form), edits, vocabulary)
    return GraphPair(source, text_graph(example.target, form=form))
