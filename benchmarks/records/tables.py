"""The tables of the benchmark, whose source docs/data.md describes."""

import csv
import gzip
import json
import re
from collections.abc import Mapping
from itertools import combinations
from pathlib import Path
from typing import Any

from pyg_grapheme.records import Table, pair_labels, read_table
from pyg_grapheme.records.labels import row_of_id
from pyg_grapheme.records.table import Value

MAX_AUTHORS, MAX_ABSTRACT = 60, 400
"""Authors of a paper and characters of its abstract that are kept."""


def authors_table(folder: Path) -> Table:
    """Return the signatures of papers on INSPIRE, one record each, from the folder of data.

    Lists are in ``coauthors`` (surname and first initial), ``keywords``, ``references`` (numbers of
    papers), ``topics`` and ``collaborations``; ``block`` is surname and first initial of the name.
    """
    source = folder / "clustering" / "inspire_wang"
    papers = {paper["publication_id"]: paper for paper in _read_json(source / "records.json.gz")}
    author_of = {
        signature: author
        for author, signatures in _read_json(source / "clusters.json.gz").items()
        for signature in signatures
    }
    records = [
        _author(signature, author_of, papers[signature["publication_id"]])
        for signature in _read_json(source / "signatures.json.gz")
    ]
    columns = {name: [record[name] for record in records] for name in records[0]}
    return Table(columns, len(records), str(source))


def _read_json(path: Path) -> Any:
    with gzip.open(path, "rt", encoding="utf-8") as file:
        return json.load(file)


def _author(
    signature: Mapping[str, Any], author_of: Mapping[int, str], paper: Mapping[str, Any]
) -> dict[str, Value]:
    name = signature["author_name"]
    given = name.partition(",")[2].strip()
    # Some papers have thousands of authors.
    others = [other for other in (paper.get("authors") or [])[:MAX_AUTHORS] if other != name]
    texts = {field: str(paper.get(field) or "") for field in ("title", "journal", "year")}
    lists = {
        field: tuple(map(str, paper.get(field) or []))
        for field in ("keywords", "references", "topics", "collaborations")
    }
    return {
        "id": str(signature["signature_id"]),
        "author": author_of[signature["signature_id"]],
        "block": _short_name(name),
        "name": name,
        "given": given,
        "initials": _initials(given),
        "affiliation": signature["author_affiliation"] or "",
        "coauthors": tuple(map(_short_name, others)),
        **texts,
        "abstract": (paper.get("abstract") or "")[:MAX_ABSTRACT],
        **lists,
    }


def _initials(given: str) -> str:
    return "".join(word[0].lower() for word in re.findall(r"\w+", given))


def _short_name(name: str) -> str:
    """Return surname and first initial of "Surname, Given names", in lower case."""
    surname, _, given = name.partition(",")
    return f"{surname.strip()} {_initials(given)[:1]}".strip().lower()


def songs_table(folder: Path) -> Table:
    """Return the songs of five sources, from the folder of data.

    The sources write lengths as 04:04, 244 (seconds), 4.067 (minutes), "4m 4sec" and 244000
    (milliseconds): ``length`` are seconds. ``number`` is the first number in it, ``year`` has four
    digits. What cannot be read so is missing. ``numbers`` lists all pairs of the three, by which
    songs are found whose titles are not known.
    """
    table = read_table(folder / "clustering" / "musicbrainz20k" / "musicbrainz_20k.csv.gz")
    read = {"number": _first_number, "length": _seconds, "year": _year}
    columns = {
        name: [read[name](cell) for cell in table.texts(name, name)] if name in read else cells
        for name, cells in table.columns.items()
    }
    numbers = zip(*(columns[name] for name in read), strict=True)
    pairs = [tuple(f"{a}-{b}" for a, b in combinations(three, 2) if a and b) for three in numbers]
    return table._replace(columns={**columns, "numbers": pairs})


def _first_number(cell: str) -> str:
    found = re.search(r"\d+", cell)
    return str(int(found[0])) if found else ""


def _seconds(cell: str) -> str:
    text = cell.replace(" ", "")
    if found := re.fullmatch(r"(\d+)(?::|m)(\d+)(?:sec)?", text):
        return str(60 * int(found[1]) + int(found[2]))
    if not re.fullmatch(r"\d+(\.\d+)?", text):
        return ""
    number = float(text)
    if "." in text:
        number *= 60
    elif number > 10_000:
        number /= 1000
    return str(round(number))


def _year(cell: str) -> str:
    digits = re.sub(r"\D", "", cell)
    if len(digits) == 2:
        return f"{'19' if digits > '20' else '20'}{digits}"
    return digits if len(digits) == 4 else ""


def citations_table(folder: Path) -> Table:
    """Return the citations of the Cora matching set, from the folder of data.

    ``entity`` numbers the papers: citations that known pairs link, maybe through others, are one.
    """
    source = folder / "clustering" / "cora"
    table = read_table(source / "cora.csv.gz")
    columns = {"id" if name == "Entity Id" else name: c for name, c in table.columns.items()}
    table = table._replace(columns=columns)
    pairs = source / "cora_gt.csv.gz"
    with gzip.open(pairs, "rt", encoding="utf-8", newline="") as file:
        # A citation without a pair is a paper of its own.
        known = [*csv.reader(file, delimiter="|"), *((id_, id_) for id_ in table.texts("id", "id"))]
    left, right = zip(*known, strict=True)
    links = Table({"left": left, "right": right}, len(known), str(pairs))
    entity = pair_labels(links, row_of_id(table, "id")).astype(str).tolist()
    return table._replace(columns={**columns, "entity": entity})
