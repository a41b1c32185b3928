"""Text to graphs: units, edits, file formats, pairs."""

from pyg_grapheme.text.arithmetic import Problem, generate_problems, write_problems
from pyg_grapheme.text.edits import (
    DELETE,
    KEEP,
    CaseMapping,
    Edits,
    apply_edits,
    compute_edits,
    edit_units,
    written_units,
)
from pyg_grapheme.text.graph import text_graph, units_graph, units_graphs
from pyg_grapheme.text.grapheme import CATEGORIES, UnitInfo, normalize, split_graphemes, unit_info
from pyg_grapheme.text.known_targets import find_known_targets
from pyg_grapheme.text.merged_text import MergedText
from pyg_grapheme.text.readers.example_error import ExampleError
from pyg_grapheme.text.readers.examples import Example
from pyg_grapheme.text.readers.pairs import GraphPair, PairDataset, graph_pair
from pyg_grapheme.text.readers.read_examples import read_examples
from pyg_grapheme.text.units import TextUnits, choose_form, join_units, split_units
from pyg_grapheme.text.vocabulary import Vocabulary

__all__ = [
    "CATEGORIES",
    "DELETE",
    "KEEP",
    "CaseMapping",
    "Edits",
    "Example",
    "ExampleError",
    "GraphPair",
    "MergedText",
    "PairDataset",
    "Problem",
    "TextUnits",
    "UnitInfo",
    "Vocabulary",
    "apply_edits",
    "choose_form",
    "compute_edits",
    "edit_units",
    "find_known_targets",
    "generate_problems",
    "graph_pair",
    "join_units",
    "normalize",
    "read_examples",
    "split_graphemes",
    "split_units",
    "text_graph",
    "unit_info",
    "units_graph",
    "units_graphs",
    "write_problems",
    "written_units",
]
