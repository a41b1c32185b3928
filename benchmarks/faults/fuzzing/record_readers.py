"""Readers of records: tables, known clusters, and constraints."""

import contextlib
import csv
import gzip
import io
import json
import re
from collections.abc import Iterator
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import networkx as nx

from benchmarks.faults.fuzzing.naive import tables as naive
from benchmarks.faults.fuzzing.naive.labels import (
    entity_labels,
    expect_ids,
    known_pairs,
    numbered,
    pair_labels,
)
from benchmarks.faults.fuzzing.naive.lines import RefusedError
from benchmarks.faults.fuzzing.reader import (
    Expected,
    Reader,
    WrongResultError,
    expect_as,
    predict_file,
    save,
)
from lightning_modules import RecordsDataModule, RecordsModule
from pyg_grapheme.records.table import read_table

ROWS = b"""id,person,name,year,born,city,shop
r0,e0,Ann Lee,1950,1950-02-03,Rome,s0
r1,e0,"Ann, Lee",1950,1950-02-03,Rome,s1
r2,e1,Bo Stone,1981,1981-12-30,Oslo,s0
r3,e1,Bo Stom,1982,,Oslo,s1
r4,,Cleo G\xc3\xbcl,1970,1970-07-07,Lima,s2
r5,e2,"Dan ""D"" Li",,1966-01-01,Lima,s0
r6,e2,Dan Li,1966,1966-01-01,Lima,s1
r7,N/A,Eva Okafor,1999,1999-09-09,Rome,
"""

OBJECTS = b"""{"id": "r0", "name": "Ann Lee", "year": 1950, "authors": ["A", "B", null]}
{"id": "r1", "name": "Ann L\\u00ea", "year": 1950.5, "authors": []}
{"id": 2, "name": null, "authors": ["\\ud83d\\ude00"], "more": true}
"""

IDS = [f"r{row}" for row in range(8)]

PAIRS = b"left,right,same\nr0,r1,1\nr2,r3,yes\nr0,r2,no\nr4,r5,different\nr6,r5,SAME\n"
ENTITIES = b"id;person\nr0;e0\nr1;e0\nr2;e1\nr3;e1\nr4;\nr0;e0\n"


def record_readers(folder: Path) -> Iterator[Reader]:
    """Make readers of tables, of labels and of what is clustered."""
    table = folder / "records.csv"
    table.write_bytes(ROWS)
    yield from _table_readers()
    yield from _parquet_readers()
    yield from _label_readers(table)
    checkpoint = save(records_model(table), folder / "records.ckpt")
    yield from _cluster_readers(checkpoint, folder)
    yield _constraint_reader(table, checkpoint, folder)


def _table_readers() -> Iterator[Reader]:
    kinds = {
        ".csv": ROWS,
        ".tsv": ROWS.replace(b", ", b" ").replace(b",", b"\t"),
        ".jsonl": OBJECTS,
    }
    piped = ROWS.replace(b"Ann, ", b"Ann ").replace(b",", b"|").replace(b"\n", b"|\n")

    def read(path: Path) -> object:
        return dict(read_table(path).columns)

    for suffix, content in [*kinds.items(), (".csv", piped)]:
        for packed in (suffix, f"{suffix}.gz"):

            def expect(data: bytes, packed: str = packed) -> Expected:
                return expect_as(lambda: naive.record_table(data, packed))

            pack: Any = _compress if packed.endswith(".gz") else bytes
            weight = 4 if packed.endswith(".gz") else 8
            yield Reader(f"table{packed}", packed, content, read, expect, weight=weight, pack=pack)


def _parquet_readers() -> Iterator[Reader]:
    """Read Parquet, which has no lines and need not notice damage; where pyarrow is installed.

    The expected result is what pyarrow itself reads, from a damaged file, too.
    """
    if find_spec("pyarrow") is None:
        return
    from pyarrow import csv as tables
    from pyarrow import parquet

    stream = io.BytesIO()
    parquet.write_table(tables.read_csv(io.BytesIO(ROWS)), stream)
    content = stream.getvalue()

    def read(path: Path) -> object:
        return dict(read_table(path).columns)

    def expect(data: bytes) -> Expected:
        try:
            rows = parquet.read_table(io.BytesIO(data)).to_pylist()
        except Exception:
            return Expected([], True)
        columns = {name: [naive.cell(row[name]) for row in rows] for name in (rows or [{}])[0]}
        return Expected([columns], data != content)

    yield Reader("table.parquet", ".parquet", content, read, expect, has_lines=False)


def _compress(data: bytes) -> bytes:
    return gzip.compress(data, mtime=0)


def _label_readers(table: Path) -> Iterator[Reader]:
    """Read the labels of records: from a column, from pairs, and from another table."""

    def expect_column(data: bytes) -> Expected:
        read = partial(naive.record_table, data, ".csv")
        return expect_as(lambda: entity_labels(read(), "id", "person", None))

    def read_column(path: Path) -> object:
        data = RecordsDataModule(str(path), cluster="person", id="id")
        return numbered(data.known.tolist())

    def expect_entities(data: bytes) -> Expected:
        read = partial(naive.record_table, data, ".csv")
        return expect_as(lambda: entity_labels(read(), "id", "person", IDS))

    def read_entities(path: Path) -> object:
        data = RecordsDataModule(str(table), cluster="person", id="id", labels=str(path))
        return numbered(data.known.tolist())

    def expect_pairs(data: bytes) -> Expected:
        return expect_as(lambda: pair_labels(naive.record_table(data, ".csv"), IDS))

    def read_pairs(path: Path) -> object:
        return numbered(RecordsDataModule(str(table), id="id", labels=str(path)).known.tolist())

    yield Reader("column of entities", ".csv", ROWS, read_column, expect_column)
    yield Reader("table of entities", ".csv", ENTITIES, read_entities, expect_entities)
    yield Reader("table of pairs", ".csv", PAIRS, read_pairs, expect_pairs)


def _cluster_readers(checkpoint: Path, folder: Path) -> Iterator[Reader]:
    """Cluster the records of tables, of which no cluster may have two of one shop."""

    def expect_table(data: bytes, suffix: str = ".csv") -> Expected:
        named = {"id", "name", "year", "born", "city", "shop"}
        try:
            columns = naive.record_table(data, suffix)
            if not named <= columns.keys():
                return Expected([], True)
            columns = {name: naive.joined(columns, name) for name in named}
            expect_ids(columns["id"])
        except RefusedError as refused:
            return Expected([], True, refused.numbers)
        if not any(columns["shop"]):
            return Expected([], True)
        # Where no number or date is left, the file has to be refused.
        is_plain = all(
            any(re.fullmatch(kind, cell) for cell in columns[name])
            for name, kind in (("year", r"[12]\d{3}"), ("born", r"[12]\d{3}-0[1-9]-0[1-9]"))
        )
        return Expected([columns["id"]], not is_plain)

    def read_records(path: Path) -> object:
        found = _cluster(checkpoint, folder, path, "--source=shop")
        columns = naive.record_table(path.read_bytes(), path.suffix)
        shops = zip(*(naive.joined(columns, name) for name in ("id", "shop")), strict=True)
        taken = [(found[i], shop) for i, shop in shops if shop]
        if len(set(taken)) < len(taken):
            raise WrongResultError("has two records of one source in one cluster")
        return list(found)

    def expect_objects(data: bytes) -> Expected:
        return expect_table(data, ".jsonl")

    rows = csv.DictReader(io.StringIO(ROWS.decode()))
    objects = "".join(f"{json.dumps(row)}\n" for row in rows).encode()
    for name, suffix, content, read, expect in (
        ("predict records", ".csv", ROWS, read_records, expect_table),
        ("predict objects", ".jsonl", objects, read_records, expect_objects),
    ):
        yield Reader(name, suffix, content, read, expect, is_command=True, weight=3)


def _constraint_reader(table: Path, checkpoint: Path, folder: Path) -> Reader:
    """Cluster records of which some pairs are known."""

    def expect_pairs(data: bytes) -> Expected:
        try:
            known = known_pairs(naive.record_table(data, ".csv"), IDS)
        except RefusedError as refused:
            return Expected([], True, refused.numbers)
        graph = nx.Graph(known[0])
        is_consistent = not any(
            a == b or (a in graph and b in graph and nx.has_path(graph, a, b)) for a, b in known[1]
        )
        return Expected([IDS] if is_consistent else [], not is_consistent)

    def read_pairs(path: Path) -> object:
        found = _cluster(checkpoint, folder, table, f"--pairs={path}")
        known = known_pairs(naive.record_table(path.read_bytes(), ".csv"), IDS)
        if not (
            all(found[a] == found[b] for a, b in known[0])
            and all(found[a] != found[b] for a, b in known[1])
        ):
            raise WrongResultError(f"does not keep to the pairs: {found}")
        return list(found)

    return Reader(
        "predict --pairs", ".csv", PAIRS, read_pairs, expect_pairs,
        is_command=True, weight=3,
    )  # fmt: skip


def _cluster(checkpoint: Path, folder: Path, records: Path, *options: str) -> dict[str, str]:
    """Return the cluster that ``predict`` writes for each record."""
    command = [f"--ckpt_path={checkpoint}", str(records), "--id=id", *options]
    written = io.StringIO(predict_file(folder / "clusters.csv", command), newline="")
    rows = list(csv.DictReader(written, strict=True))
    found = {row["id"]: row["cluster"] for row in rows}
    if len(found) != len(rows):
        raise WrongResultError(f"writes {len(rows)} rows of {len(found)} records")
    return found


def records_model(table: Path, block: list[str] | None = None) -> RecordsModule:
    """Return a model that was not trained, of the columns of a table."""
    data = RecordsDataModule(str(table), "person", id="id", block=block, val_share=0, test_share=0)
    with contextlib.redirect_stdout(io.StringIO()):
        module = RecordsModule(data.in_channels, data.edge_dim, data.encoder, channels=4)
    module.encoder.load_state_dict(data.fitted.state_dict())
    return module
