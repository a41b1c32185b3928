"""Text to graphs: graphemes, edits, file formats, pairs."""

from pyg_grapheme.text.arithmetic import Problem, generate_problems, write_problems
from pyg_grapheme.text.edits import (
    DELETE,
    KEEP,
    Edits,
    apply_edits,
    compute_edits,
    edit_units,
    written_units,
)
from pyg_grapheme.text.graph import label_units, text_graph, units_graph, units_graphs
from pyg_grapheme.text.grapheme import CATEGORIES, Grapheme, describe, normalize, split_graphemes
from pyg_grapheme.text.known_targets import find_known_targets
from pyg_grapheme.text.merged_text import MergedText
from pyg_grapheme.text.readers.example_error import ExampleError
from pyg_grapheme.text.readers.examples import Example
from pyg_grapheme.text.readers.pairs import GraphPair, PairDataset, graph_pair
from pyg_grapheme.text.readers.read_examples import read_examples
from pyg_grapheme.text.units import as_written, join_units, split_units
from pyg_grapheme.text.vocabulary import Vocabulary

__all__ = [
    "CATEGORIES",
    "DELETE",
    "KEEP",
    "Edits",
    "Example",
    "ExampleError",
    "GraphPair",
    "Grapheme",
    "MergedText",
    "PairDataset",
    "Problem",
    "Vocabulary",
    "apply_edits",
    "as_written",
    "compute_edits",
    "describe",
    "edit_units",
    "find_known_targets",
    "generate_problems",
    "graph_pair",
    "join_units",
    "label_units",
    "normalize",
    "read_examples",
    "split_graphemes",
    "split_units",
    "text_graph",
    "units_graph",
    "units_graphs",
    "write_problems",
    "written_units",
]
