"""From tables of records to graphs whose clusters are entities; needs the extra ``[records]``."""

from pyg_grapheme.records.blocks import split_blocks
from pyg_grapheme.records.candidates import candidate_pairs, candidate_recall
from pyg_grapheme.records.columns import ColumnKind, column_kinds
from pyg_grapheme.records.labels import (
    column_labels,
    entity_labels,
    pair_labels,
    split_entities,
)
from pyg_grapheme.records.record_encoder import EncodedTable, RecordEncoder
from pyg_grapheme.records.table import Table, read_table

__all__ = [
    "ColumnKind",
    "EncodedTable",
    "RecordEncoder",
    "Table",
    "candidate_pairs",
    "candidate_recall",
    "column_kinds",
    "column_labels",
    "entity_labels",
    "pair_labels",
    "read_table",
    "split_blocks",
    "split_entities",
]
