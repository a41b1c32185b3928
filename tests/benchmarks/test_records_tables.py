"""The tables of the benchmark of records: made-up files, and the counts of the real ones."""

import gzip
import json
import math
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import networkx as nx
import pytest

from benchmarks.records.prepare import main
from benchmarks.records.tables import authors_table, citations_table, songs_table
from pyg_grapheme.records import Table, read_table, split_blocks
from pyg_grapheme.records.table import Value

DATA = Path(__file__).resolve().parents[2].parent / "shared" / "data"
needs_data = pytest.mark.skipif(
    not (DATA / "clustering").is_dir(),
    reason=f"no clustering in {DATA}: docs/data.md says where to get it",
)

PAPERS = [
    {
        "publication_id": 7,
        "title": "On, “quotes”",
        "year": 1999,
        "journal": "Phys.Rev.",
        "authors": ["Wang, Bo-Lin", "de la Cruz, Ann", "Atlas"],
        "references": [3, 12],
        "keywords": ["mass: top"],
    },
    {
        "publication_id": 9,
        "title": "Two",
        "journal": None,
        "authors": ["Wang, Bo-Lin", "Wang, B.", *["Li, Wei"] * 90],
        "topics": ["Theory-HEP"],
        "keywords": None,
        "abstract": "a" * 500,
    },
]
SIGNATURES = [
    {"signature_id": 4, "publication_id": 9, "author_name": "Wang, B.", "author_affiliation": None},
    {"signature_id": 0, "publication_id": 7, "author_name": "Wang, Bo-Lin",
     "author_affiliation": "Oslo U."},
]  # fmt: skip
CITATIONS = """\
Entity Id|author|title|
0|a. b. and c.|one, "two|
1||one|
2|d.|three|
3|d.|three.|
4|d|3|
"""
PAIRS = "0|1\n4|3\n2|3\n"
SONGS = """\
TID,CID,CTID,title,number,length,year
1,7,1,a,011,04:04,75
2,9,1,b,A3-x,244,null
3,9,1,b,,4.067,'07
4,9,1,b,b,4m 4sec,1996
5,9,1,b,1 2,244000,19 96
6,9,1,b,7,unk.,19967
7,9,1,b,7,12.5,20
8,9,1,b,7,4:0x,21
"""


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A folder of data with tiny files."""
    files = {
        "inspire_wang/records.json": json.dumps(PAPERS),
        "inspire_wang/signatures.json": json.dumps(SIGNATURES),
        "inspire_wang/clusters.json": json.dumps({"158": [0], "21": [4, 5]}),
        "cora/cora.csv": CITATIONS,
        "cora/cora_gt.csv": PAIRS,
        "musicbrainz20k/musicbrainz_20k.csv": SONGS,
    }
    for name, text in files.items():
        path = tmp_path / "data" / "clustering" / f"{name}.gz"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(gzip.compress(text.encode()))
    return tmp_path / "data"


def record(table: Table, row: int) -> dict[str, Value]:
    return {name: cells[row] for name, cells in table.columns.items()}


def test_authors_are_signatures_with_their_papers(data: Path) -> None:
    table = authors_table(data)
    assert table.num_rows == 2
    assert record(table, 1) == {
        "id": "0", "author": "158", "block": "wang b", "name": "Wang, Bo-Lin", "given": "Bo-Lin",
        "initials": "bl", "affiliation": "Oslo U.", "coauthors": ("de la cruz a", "atlas"),
        "title": "On, “quotes”", "journal": "Phys.Rev.", "year": "1999", "abstract": "",
        "keywords": ("mass: top",), "references": ("3", "12"), "topics": (), "collaborations": (),
    }  # fmt: skip
    other = record(table, 0)
    assert (other["id"], other["author"], other["block"], other["given"]) == (
        "4", "21", "wang b", "B.",
    )  # fmt: skip
    # Not the name of this signature, so another author.
    assert other["coauthors"] == ("wang b", *["li w"] * 58)
    assert other["abstract"] == "a" * 400
    assert other["keywords"] == ()
    assert other["affiliation"] == other["year"] == other["journal"] == ""


def test_citations_of_one_paper_are_linked_by_pairs(data: Path) -> None:
    table = citations_table(data)
    assert list(table.columns) == ["id", "author", "title", "entity"]
    assert table.columns["title"][0] == 'one, "two'
    a, b, c, d, e = table.columns["entity"]
    assert a == b != c == d == e


def test_songs_are_read(data: Path) -> None:
    columns = songs_table(data).columns
    assert columns["CID"] == ["7", *["9"] * 7]
    assert columns["title"] == ["a", *"bbbbbbb"]
    assert columns["number"] == ["11", "3", "", "", "1", "7", "7", "7"]
    assert columns["length"] == ["244", "244", "244", "244", "244", "", "750", ""]
    assert columns["year"] == ["1975", "", "2007", "1996", "1996", "", "2020", "1921"]
    assert columns["numbers"] == [
        ("11-244", "11-1975", "244-1975"), ("3-244",), ("244-2007",), ("244-1996",),
        ("1-244", "1-1996", "244-1996"), (), ("7-750", "7-2020", "750-2020"), ("7-1921",),
    ]  # fmt: skip


def test_the_tables_that_are_written_read_back(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main([str(tmp_path), "--data", str(data)])
    for name, made in (
        ("authors.jsonl", authors_table(data)),
        ("songs.jsonl", songs_table(data)),
        ("citations.csv", citations_table(data)),
    ):
        assert read_table(tmp_path / name).columns == made.columns
    written = {"authors.jsonl", "songs.jsonl", "citations.csv"}
    assert {path.name for path in tmp_path.iterdir()} == {"data", *written}
    for arguments in ([str(tmp_path / "no"), "--data", str(data)], [str(data), "--data", "no"]):
        with pytest.raises(SystemExit) as stop:
            main(arguments)
        assert stop.value.code == 2
        assert "no" in capsys.readouterr().err.splitlines()[-1]
    (data / "clustering" / "cora" / "cora.csv.gz").unlink()
    with pytest.raises(SystemExit):
        main([str(data), "--data", str(data)])
    assert [path.name for path in data.iterdir()] == ["clustering"]


@needs_data
@pytest.mark.parametrize(
    ("read", "cluster", "records", "entities"),
    [
        (authors_table, "author", 15_424, 524),
        (songs_table, "CID", 19_375, 10_000),
        (citations_table, "entity", 1_295, 112),
    ],
)
def test_real_tables_have_the_published_counts(
    read: Callable[[Path], Table], cluster: str, records: int, entities: int
) -> None:
    table = read(DATA)
    known = table.texts(cluster, "cluster")
    assert (table.num_rows, len(set(known))) == (records, entities)
    assert "" not in known
    assert {len(cells) for cells in table.columns.values()} == {records}
    if cluster == "author":
        sizes = sorted(map(len, split_blocks(table, ["block"])), reverse=True)
        assert (len(sizes), sizes[:3]) == (35, [2_711, 1_678, 1_419])
    if cluster == "CID":
        # Hardly one of the 3,748 years of the fourth source is known.
        for column, share in (("number", 0.97), ("length", 0.9), ("year", 0.59)):
            assert sum(map(bool, table.texts(column, ""))) > share * records
        assert sum(math.comb(count, 2) for count in Counter(known).values()) == 16_250


@needs_data
def test_real_citations_are_the_closure_of_the_pairs() -> None:
    table = citations_table(DATA)
    with gzip.open(DATA / "clustering" / "cora" / "cora_gt.csv.gz", "rt") as file:
        graph = nx.Graph(tuple(line.split("|")) for line in file.read().splitlines())
    ids, entities = table.texts("id", ""), table.texts("entity", "")
    graph.add_nodes_from(ids)
    found: dict[str, set[str]] = {}
    for id_, entity in zip(ids, entities, strict=True):
        found.setdefault(entity, set()).add(id_)
    assert sorted(map(sorted, found.values())) == sorted(
        map(sorted, nx.connected_components(graph))
    )
