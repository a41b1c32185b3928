"""Cells of the benchmark of records, from training to the tables."""

import gzip
from itertools import product
from pathlib import Path
from typing import Any

import networkx as nx
import numpy as np
import pytest
import torch

from benchmarks.records import evaluation, running, training
from benchmarks.records.__main__ import main
from benchmarks.records.cells import LINKAGES, METRIC, ONE_PER_SOURCE, SPLITS, Cell, list_cells
from benchmarks.records.evaluation import Evaluation, evaluate, evaluate_equal
from benchmarks.records.report import report, rows
from benchmarks.records.running import Record, read_records
from benchmarks.records.training import prepare, split_by, train
from lightning_modules import RecordsDataModule
from pyg_grapheme.records import Table

# Lightning's trainer asks torch in a way that is about to be dropped.
pytestmark = pytest.mark.filterwarnings(
    "ignore:.*LeafSpec.*is deprecated", "ignore:The '.*_dataloader' does not have many workers"
)

WORDS = ["graph", "merge", "tree", "cut", "edge", "node", "text", "cell"]
ENTITIES = 12
CELL = Cell("citations", 200, "bcubed", "components", "one")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Public data: four citations of each of twelve papers, with words that differ."""
    source = tmp_path / "data" / "clustering" / "cora"
    source.mkdir(parents=True)
    rng = np.random.default_rng(0)
    lines, pairs = ["Entity Id|author|title|"], []
    for paper in range(ENTITIES):
        words = list(rng.choice(WORDS, 3))
        for copy in range(4):
            title = " ".join([*words, str(rng.choice(WORDS))]) if copy else " ".join(words)
            lines.append(f"{4 * paper + copy}|author {paper % 5}|{title}|")
        pairs += [f"{4 * paper}|{4 * paper + copy}" for copy in (1, 2, 3)]
    for name, text in (("cora.csv.gz", lines), ("cora_gt.csv.gz", pairs)):
        with gzip.open(source / name, "wt", encoding="utf-8") as file:
            file.write("\n".join(text) + "\n")
    return tmp_path / "data"


@pytest.fixture(autouse=True)
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    """Train for two epochs of two steps; write citations alone."""
    full = training.read_config

    def read_config(table: str) -> dict[str, Any]:
        config = full(table)
        config["data"]["init_args"] |= {"neighbours": 6, "repeats": 2, "val_share": 0.3}
        config["trainer"]["max_epochs"] = 2
        return config

    monkeypatch.setattr(training, "read_config", read_config)


@pytest.fixture
def data(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> RecordsDataModule:
    authors = Table({"id": ["0"]}, 1, "other tables")
    for name in ("authors_table", "songs_table"):
        monkeypatch.setattr(f"benchmarks.records.prepare.{name}", lambda _: authors)
    return prepare("citations", folder, tmp_path / "work").data


def test_every_table_split_and_linkage_has_its_cells() -> None:
    cells = list_cells()
    assert len(cells) == len({cell.name for cell in cells})
    for table, splits in SPLITS.items():
        assert len(splits) == {"authors": 5, "songs": 3, "citations": 5}[table]
        for split, linkage in product(splits, LINKAGES):
            assert Cell(table, split, METRIC[table], linkage, "one") in cells
            assert Cell(table, split, "pairs", linkage, "one") in cells
        assert sum(cell.has_baseline for cell in cells if cell.table == table) == len(splits)


def test_cuts_of_baselines_are_the_best_on_validation_records(data: RecordsDataModule) -> None:
    split = split_by(data, 200)
    module, _ = train(CELL, split)
    found = evaluate(CELL, module, split)
    assert set(found) == {"learned", "scanned", *LINKAGES, "average of probabilities"}
    for name, net, cut in (
        ("components", module.baseline, None),
        ("scanned", module.net, None),
        ("learned", module.net, float(module.pool.raw_threshold)),
    ):
        assert net is not None
        (val,), (test,) = split.splits["val"], split.splits["test"]
        logits = net(val.x, val.edge_index, val.edge_attr)
        cuts = [*logits.tolist(), -100.0] if cut is None else [cut]
        scores = {c: bcubed(components(val, logits, c), val) for c in cuts}
        # A scan compares 100 cuts that are spread over the heights.
        best = max(scores.values())
        assert found[name].val == pytest.approx(best, abs=0.02 if cut is None else 1e-6)
        assert found[name].val <= best + 1e-6
        clusters = components(test, logits, found[name].threshold)
        assert found[name].test == pytest.approx(bcubed(clusters, test), abs=1e-6)


def test_a_cluster_has_one_record_per_source(
    data: RecordsDataModule, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(evaluation, "SOURCE", {"citations": "author"})
    split = split_by(data, 200)
    module, _ = train(CELL, split)
    found = evaluate(CELL, module, split)
    (test,) = split.splits["test"]
    authors = data.table.columns["author"]
    author = np.unique([authors[row] for row in test.row.tolist()], return_inverse=True)[1]
    for name, net in (("learned", module.net), ("components", module.baseline)):
        assert net is not None
        each = found[name + ONE_PER_SOURCE]
        logits = net(test.x, test.edge_index, test.edge_attr)
        merged = [{record} for record in range(test.x.size(0))]
        for pair in logits.argsort(descending=True):
            first, second = (merged[record] for record in test.edge_index[:, pair].tolist())
            if logits[pair] > each.threshold and not {*author[[*first]]} & {*author[[*second]]}:
                for record in (union := first | second):
                    merged[record] = union
        clusters = [min(members) for members in merged]
        assert each.test == pytest.approx(bcubed(clusters, test), abs=1e-6)
    assert found["learned" + ONE_PER_SOURCE].test != found["learned"].test


def components(graph: Any, logits: torch.Tensor, cut: float) -> list[int]:
    """Return the component of each record by pairs above a cut, by networkx."""
    links = nx.empty_graph(graph.x.size(0))
    links.add_edges_from(graph.edge_index[:, logits > cut].T.tolist())
    cluster = {node: c for c, nodes in enumerate(nx.connected_components(links)) for node in nodes}
    return [cluster[node] for node in range(graph.x.size(0))]


def bcubed(cluster: list[int], graph: Any) -> float:
    """Return B-cubed F1 over the counted records, by its definition."""
    y, counted = graph.y.tolist(), graph.counted.tolist()
    precision, recall = [], []
    for i in range(len(y)):
        if counted[i]:
            together = [j for j in range(len(y)) if cluster[j] == cluster[i]]
            same = [j for j in range(len(y)) if y[j] == y[i]]
            both = len(set(together) & set(same))
            precision.append(both / len(together))
            recall.append(both / len(same))
    p, r = np.mean(precision), np.mean(recall)
    return float(2 * p * r / (p + r))


def test_equal_titles_are_one_entity_but_missing_ones_are_not(data: RecordsDataModule) -> None:
    titles = data.table.columns["title"]
    assert isinstance(titles, list)
    titles[:3] = ["", "", titles[4].upper()]
    split = split_by(data, 200)
    found = evaluate_equal("citations", split)["equal"]
    titles = [title.lower() or f"none {row}" for row, title in enumerate(titles)]
    for name, value in (("val", found.val), ("test", found.test)):
        (graph,) = split.splits[name]
        clusters = [titles.index(title) for title in titles]
        assert value == pytest.approx(bcubed(clusters, graph), abs=1e-6)


def test_splits_differ_by_their_seed_alone(data: RecordsDataModule) -> None:
    counted = [split_by(data, seed).splits["test"][0].counted for seed in (0, 1, 0)]
    assert torch.equal(counted[0], counted[2])
    assert not torch.equal(counted[0], counted[1])


def test_a_run_writes_records_once_and_tables(
    data: RecordsDataModule,
    folder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    output = tmp_path / "records.md"
    options = [
        "--output", str(output), "--data", str(folder), "--work", str(tmp_path / "work"),
        "--cells", "citations/200/bcubed/components", "citations/200/equal",
    ]  # fmt: skip
    main(options)
    records = read_records(output.with_suffix(".jsonl"), list_cells())
    assert set(records) == {CELL, Cell("citations", 200, "equal")}
    assert f"{records[CELL].scores['learned'].test:.4f}" in output.read_text()
    monkeypatch.setattr(running, "train", None)
    main(options)
    assert read_records(output.with_suffix(".jsonl"), list_cells()) == records
    with pytest.raises(SystemExit, match=r"Expected .--cells. to fit the name of a cell"):
        main([*options[:-2], "cora"])


def test_differences_are_points_of_the_learned_cut_above_each_baseline() -> None:
    records = {}
    for split, linkage in product(SPLITS["songs"], LINKAGES):
        cell = Cell("songs", split, "pair_f1", linkage, "one")
        base = {"components": 0.9, "average": 0.95, "average of probabilities": 0.93}
        values = {"learned": 0.96, "scanned": 0.97} | (base if cell.has_baseline else {})
        values |= {name + ONE_PER_SOURCE: value + 0.02 for name, value in values.items()}
        values["average" + ONE_PER_SOURCE] = 0.985
        scores = {name: Evaluation(0.0, 0.0, 0.5, value) for name, value in values.items()}
        records[cell] = Record(cell.name, "c", "t", 1.0, 2.0, 3.0, scores)
    text = "\n".join(report(records, "stamp"))
    for suffix, points in (("", "1.0 ± 0.0"), (ONE_PER_SOURCE, "-0.5 ± 0.0")):
        (line,) = [
            each
            for each in text.splitlines()
            if each.startswith("| songs") and f"average, learned{suffix} " in each
        ]
        assert [part.strip() for part in line.split("|")[3:-1]] == [
            "6.0 ± 0.0", points, points, "not run",
        ]  # fmt: skip
    labels = [row.label for table in SPLITS for row in rows(table)]
    assert all(any(label in each for each in text.splitlines()) for label in labels)
