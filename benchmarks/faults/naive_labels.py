"""Known clusters of records, by networkx and as the documentation says."""

import re
from collections.abc import Sequence
from typing import Any

import networkx as nx

from benchmarks.faults.naive_readers import Columns


def numbered(labels: Sequence[object]) -> list[int]:
    """Number labels in the order in which they occur; -1 for None and -1."""
    number: dict[object, int] = {}
    return [-1 if y in (None, -1) else number.setdefault(y, len(number)) for y in labels]


def are_ids(ids: Sequence[str]) -> bool:
    return len(set(ids)) == len(ids) and all(ids) and not any(re.search("[\r\n]", i) for i in ids)


def entity_labels(
    columns: Columns, id_: str, cluster: str, known: Sequence[str] | None
) -> list[int] | None:
    """Return the label of each record, of the table itself or of known ids."""
    if not {id_, cluster} <= columns.keys():
        return None
    ids, entities = columns[id_], [entity or None for entity in columns[cluster]]
    found: dict[str, Any] = dict.fromkeys(known or ids)
    if known is None and not are_ids(ids):
        return None
    for record, entity in zip(ids, entities, strict=True):
        if record not in found or (entity is not None and found[record] not in (None, entity)):
            return None
        found[record] = found[record] if entity is None else entity
    return _repeated(list(found.values()))


def _repeated(labels: Sequence[object]) -> list[int] | None:
    """Return numbered labels if two records have the same one."""
    known = [label for label in labels if label is not None]
    return numbered(labels) if len(set(known)) < len(known) else None


def pair_labels(columns: Columns, ids: Sequence[str]) -> list[int] | None:
    """Return the label of each record by known pairs."""
    found = known_pairs(columns, ids)
    if found is None:
        return None
    same, apart = found
    graph = nx.Graph([*same, *((i, i) for pair in apart for i in pair)])
    label = {i: n for n, part in enumerate(nx.connected_components(graph)) for i in part}
    if any(label[a] == label[b] for a, b in apart):
        return None
    return _repeated([label.get(i) for i in ids])


def known_pairs(
    columns: Columns, ids: Sequence[str]
) -> tuple[list[tuple[str, str]], list[tuple[str, str]]] | None:
    """Return pairs of one entity, and of different ones."""
    if not 2 <= len(columns) <= 3:
        return None
    same: list[tuple[str, str]] = []
    apart: list[tuple[str, str]] = []
    for row in zip(*columns.values(), strict=True):
        answer = [*row, "1"][2].strip().lower()
        if not set(row[:2]) <= set(ids):
            return None
        if answer in ("1", "true", "yes", "same"):
            same.append(row[:2])
        elif answer in ("0", "false", "no", "different"):
            apart.append(row[:2])
        else:
            return None
    return same, apart
