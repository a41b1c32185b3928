"""Known clusters of records, by networkx and as the documentation says."""

import re
from collections.abc import Sequence
from typing import Any

import networkx as nx

from benchmarks.faults.fuzzing.naive.lines import RefusedError
from benchmarks.faults.fuzzing.naive.tables import Columns


def numbered(labels: Sequence[object]) -> list[int]:
    """Number labels in the order in which they occur; -1 for None and -1."""
    number: dict[object, int] = {}
    return [-1 if y in (None, -1) else number.setdefault(y, len(number)) for y in labels]


def expect_ids(ids: Sequence[str]) -> None:
    """Refuse ids that are missing, are there twice, or have several lines."""
    for number, id_ in enumerate(ids, 1):
        if not id_ or id_ in ids[: number - 1] or re.search("[\r\n]", id_):
            raise RefusedError(number)


def entity_labels(
    columns: Columns, id_: str, cluster: str, known: Sequence[str] | None
) -> list[int]:
    """Return the label of each record, of the table itself or of known ids."""
    if not {id_, cluster} <= columns.keys():
        raise RefusedError
    ids, entities = columns[id_], [entity or None for entity in columns[cluster]]
    if known is None:
        expect_ids(ids)
    if not any(entities):
        raise RefusedError
    found: dict[str, Any] = dict.fromkeys(known or ids)
    for number, (record, entity) in enumerate(zip(ids, entities, strict=True), 1):
        if record not in found or (entity is not None and found[record] not in (None, entity)):
            raise RefusedError(number)
        found[record] = found[record] if entity is None else entity
    return _repeated(list(found.values()))


def _repeated(labels: Sequence[object]) -> list[int]:
    """Return numbered labels; refuse those of which no two are the same."""
    known = [label for label in labels if label is not None]
    if len(set(known)) == len(known):
        raise RefusedError
    return numbered(labels)


def pair_labels(columns: Columns, ids: Sequence[str]) -> list[int]:
    """Return the label of each record by known pairs."""
    same, apart = known_pairs(columns, ids)
    graph = nx.Graph([*same, *((i, i) for pair in apart for i in pair)])
    label = {i: n for n, part in enumerate(nx.connected_components(graph)) for i in part}
    if any(label[a] == label[b] for a, b in apart):
        raise RefusedError
    return _repeated([label.get(i) for i in ids])


def known_pairs(
    columns: Columns, ids: Sequence[str]
) -> tuple[list[tuple[str, str]], list[tuple[str, str]]]:
    """Return pairs of one entity, and of different ones."""
    if not 2 <= len(columns) <= 3:
        raise RefusedError
    same: list[tuple[str, str]] = []
    apart: list[tuple[str, str]] = []
    for number, row in enumerate(zip(*columns.values(), strict=True), 1):
        answer = [*row, "1"][2].strip().lower()
        if not set(row[:2]) <= set(ids):
            raise RefusedError(number)
        if answer in ("1", "true", "yes", "same"):
            same.append(row[:2])
        elif answer in ("0", "false", "no", "different"):
            apart.append(row[:2])
        else:
            raise RefusedError(number)
    return same, apart
