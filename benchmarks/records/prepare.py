"""Write the tables that conf/authors.yaml, songs.yaml and citations.yaml read.

python -m benchmarks.records.prepare FOLDER
"""

import argparse
import csv
import json
from pathlib import Path

from benchmarks.data_folder import DATA, data_folder
from benchmarks.records.tables import authors_table, citations_table, songs_table
from pyg_grapheme.atomic_write import atomic_write


def write_tables(data: Path, folder: Path) -> None:
    """Write the tables of authors, songs and citations into a folder, from the folder of data."""
    citations = citations_table(data)
    for name, table in (("authors", authors_table(data)), ("songs", songs_table(data))):
        with atomic_write(folder / f"{name}.jsonl") as lines:
            for cells in zip(*table.columns.values(), strict=True):
                record = dict(zip(table.columns, cells, strict=True))
                lines.write(json.dumps(record, ensure_ascii=False) + "\n")
    with atomic_write(folder / "citations.csv") as file:
        rows = zip(*citations.columns.values(), strict=True)
        csv.writer(file, lineterminator="\n").writerows([citations.columns, *rows])


def main(arguments: list[str] | None = None) -> None:
    """Write the tables."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.records.prepare",
        allow_abbrev=False,
        description="Write the tables authors.jsonl, songs.jsonl and citations.csv.",
    )
    parser.add_argument("folder", type=Path, help="folder to write into")
    parser.add_argument(
        "--data", type=data_folder, default=str(DATA), help="folder of the data sets"
    )
    options = parser.parse_args(arguments)
    try:
        write_tables(options.data, options.folder)
    except FileNotFoundError as error:
        parser.error(str(error))


if __name__ == "__main__":
    main()
