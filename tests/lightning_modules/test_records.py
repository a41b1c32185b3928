"""The commands on tables of records."""

import csv
import json
import math
from collections import Counter, defaultdict
from collections.abc import Callable
from itertools import combinations, pairwise
from pathlib import Path

import lightning as L
import numpy as np
import pytest
import torch
from torch import Tensor

from lightning_modules import (
    RecordsDataModule,
    RecordsModule,
    evaluate,
    fit,
    load_module,
    predict,
)
from lightning_modules.cli import config_folder, make_cli
from lightning_modules.modules.records import predict as records_predict
from lightning_modules.run.atomic_checkpoint import AtomicCheckpointIO
from pyg_grapheme.nn import ThresholdMergePool

FIRST, LAST = ["Ann", "Bo", "Cleo", "Dan", "Eva"], ["Lee", "Stone", "Gül", "Okafor", "Li"]


def draw_rows(seed: int, num_entities: int = 60) -> list[list[str]]:
    """Records of people: each of one to four sources, with errors in names and years."""
    rng = np.random.default_rng(seed)
    rows = []
    for entity in range(num_entities):
        name, year = f"{rng.choice(FIRST)} {rng.choice(LAST)}", int(rng.integers(1950, 2000))
        city = str(rng.choice(["Rome", "Oslo", "Lima"]))
        for source in rng.permutation(4)[: rng.integers(1, 5)]:
            letters = list(f"{name} {entity % 7}")
            letters[rng.integers(len(letters))] = str(rng.choice(list("aeiou")))
            known = "" if rng.random() < 0.2 else str(year + rng.integers(-1, 2))
            rows.append([f"e{entity}", "".join(letters), known, city, f"s{source}"])
    return [[f"r{i}", *row] for i, row in enumerate(rows)]


HEAD = ["id", "person", "name", "year", "city", "shop"]


def write(path: Path, rows: list[list[str]], head: list[str] = HEAD) -> Path:
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([head, *rows])
    return path


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("records")
    write(folder / "train.csv", draw_rows(0))
    write(folder / "new.csv", draw_rows(1))
    return folder


@pytest.fixture(scope="module")
def options(folder: Path) -> list[str]:
    return [
        f"--config={config_folder() / 'records.yaml'}",
        f"--data.records={folder / 'train.csv'}",
        "--data.cluster=person",
        "--data.id=id",
        "--trainer.max_epochs=6",
        "--model.lr=0.01",
        "--trainer.enable_progress_bar=false",
        "--trainer.enable_model_summary=false",
        "--trainer.accelerator=cpu",
    ]


@pytest.fixture(scope="module")
def run(folder: Path, options: list[str]) -> Path:
    fit.main([*options, f"--output={folder / 'runs'}"])
    return folder / "runs" / "records" / "version_0"


@pytest.fixture(scope="module")
def run_of_blocks(folder: Path, options: list[str]) -> Path:
    """A run on blocks, whose threshold depends on their sizes, with one record per shop."""
    blocks = [
        "--model.threshold_by_size=true", "--data.block=[city]", "--data.source=shop",
        "--trainer.max_epochs=2",
    ]  # fmt: skip
    fit.main([*options, *blocks, f"--output={folder / 'blocks'}"])
    return folder / "blocks" / "records" / "version_0"


@pytest.fixture
def checkpoint(run: Path) -> str:
    return f"--ckpt_path={run / 'checkpoints' / 'model.ckpt'}"


def clusters(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_a_run_reports_scores_of_held_out_entities(run: Path) -> None:
    summary = json.loads((run / "summary.json").read_text())
    scores = summary["scores"]
    assert list(scores) == [
        f"{split}, {method}"
        for split in ("train", "val", "test")
        for method in ("BCE and components", "partition")
    ]
    assert scores["test, partition"]["pair_f1"] > 0.6
    page = (run / "report.html").read_text()
    for text in ("Surest merges of test", "Most doubtful merges of test", "Scan", "one entity"):
        assert text in page


def test_a_new_table_is_clustered(
    checkpoint: str, folder: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    output, table = tmp_path / "clusters.csv", folder / "new.csv"
    predict.main([checkpoint, str(table), "--id=id", f"--output={output}"])
    found = clusters(output)
    rows = draw_rows(1)
    assert [row["id"] for row in found] == [row[0] for row in rows]
    together = {(i, j) for i, j in combinations(range(len(rows)), 2) if rows[i][1] == rows[j][1]}
    joined = {
        (i, j)
        for i, j in combinations(range(len(rows)), 2)
        if found[i]["cluster"] == found[j]["cluster"]
    }
    f1 = 2 * len(together & joined) / (len(together) + len(joined))
    assert f1 > 0.6
    probability = {row["cluster"]: float(row["probability"]) for row in found}
    assert all(0 <= value <= 1 for value in probability.values())
    capfd.readouterr()
    evaluate.main([checkpoint, str(table), "--cluster=person"])
    assert f"{f1:.3f}" in capfd.readouterr().out


def test_a_split_without_two_records_of_one_entity_is_said(
    options: list[str], tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    rows = draw_rows(0)
    others = [row for row in rows if row[1] in {row[1] for row in rows[:40]}]
    for row in others[20:]:
        row[1] = f"alone {row[0]}"
    table = write(tmp_path / "some.csv", others)
    make_cli([*options, f"--data.records={table}", "--data.val_share=0.05"])
    said = capfd.readouterr().out.splitlines()
    assert "no two records of val are one known entity: its scores say little" in said


def test_a_run_says_what_it_compares_and_which_pairs_it_can_find(
    options: list[str], capfd: pytest.CaptureFixture[str]
) -> None:
    make_cli([*options, "--data.block=[city]"])
    first, second = capfd.readouterr().out.splitlines()[-2:]
    rows = draw_rows(0)
    assert first == (
        f"{len(rows)} records in 3 blocks, compared by name (text), year (number), shop (text)"
    )
    known = sum(a[1] == b[1] for a, b in combinations(rows, 2))
    assert second.endswith(f" % of the {known} known pairs of one entity are among them")


def test_files_that_are_read_are_not_replaced(
    checkpoint: str, folder: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    table = write(tmp_path / "new.csv", draw_rows(1))
    before = table.read_bytes()
    pairs = write(tmp_path / "pairs.csv", [["r0", "r1", "no"]], ["a", "b", "is"])
    for output in (table, pairs):
        with pytest.raises(SystemExit) as stop:
            predict.main([
                checkpoint, "--id=id", f"--output={output}", f"--pairs={pairs}", str(table)
            ])  # fmt: skip
        assert stop.value.code == 2
        error = capfd.readouterr().err.splitlines()[-1]
        assert error == f"error: Expected '--output' not to be a file that is read (got {output})"
    assert table.read_bytes() == before


def test_a_folder_of_a_run_stands_for_its_checkpoint_and_the_ending_for_the_format(
    run: Path, checkpoint: str, folder: Path, tmp_path: Path
) -> None:
    written = []
    for path, name in ((checkpoint, "a.csv"), (f"--ckpt_path={run}", "a.tsv")):
        predict.main([path, str(folder / "new.csv"), f"--output={tmp_path / name}"])
        written.append((tmp_path / name).read_text())
    assert written[1] == written[0].replace(",", "\t")


def test_constraints_hold(checkpoint: str, folder: Path, tmp_path: Path) -> None:
    rows, output = draw_rows(1), tmp_path / "clusters.csv"
    pairs = write(
        tmp_path / "pairs.csv",
        [["r0", "r9", "same"], ["r1", "r2", "different"], ["r20", "r40", "yes"]],
        ["a", "b", "is"],
    )
    given = [f"--pairs={pairs}", "--source=shop", "--max_size=3"]
    rows = draw_rows(1)
    if rows[0][5] == rows[9][5] or rows[20][5] == rows[40][5]:
        pytest.fail("the pairs of the test are of one shop")
    predict.main([checkpoint, str(folder / "new.csv"), "--id=id", f"--output={output}", *given])
    found = clusters(output)
    cluster = {row["id"]: row["cluster"] for row in found}
    assert cluster["r0"] == cluster["r9"]
    assert cluster["r20"] == cluster["r40"]
    assert cluster["r1"] != cluster["r2"]
    assert max(Counter(cluster.values()).values()) <= 3
    assert len({(cluster[row[0]], row[5]) for row in rows}) == len(rows)
    assert "" in {row["probability"] for row in found}


def test_a_threshold_by_size_is_learned_and_scanned(run_of_blocks: Path) -> None:
    summary = json.loads((run_of_blocks / "summary.json").read_text())
    assert summary["size_slope_last"] != 0
    path = run_of_blocks / "checkpoints" / "model.ckpt"
    weights = torch.load(path, weights_only=True)["state_dict"]
    assert float(weights["size_slope"]) == pytest.approx(summary["size_slope_last"])
    assert "Scan" in (run_of_blocks / "report.html").read_text()


def test_blocks_and_sources_of_the_training_hold_for_other_tables(
    run_of_blocks: Path, folder: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    output, table = tmp_path / "clusters.csv", folder / "new.csv"
    predict.main([f"--ckpt_path={run_of_blocks}", str(table), f"--output={output}"])
    said = capfd.readouterr().err.splitlines()[-1]
    rows, found = draw_rows(1), clusters(output)
    assert said.startswith(f"{len(rows)} records, ")
    assert said.endswith(" records without a candidate")
    by_cluster = defaultdict(list)
    for row in found:
        by_cluster[row["cluster"]].append(rows[int(row["id"])])
    assert any(len(members) > 1 for members in by_cluster.values())
    for members in by_cluster.values():
        assert len({row[4] for row in members}) == 1
        assert len({row[5] for row in members}) == len(members)
    evaluate.main([f"--ckpt_path={run_of_blocks}", str(table), "--cluster=person"])
    together = sum(a[1] == b[1] for a, b in combinations(rows, 2))
    pairs = [pair for members in by_cluster.values() for pair in combinations(members, 2)]
    right = sum(a[1] == b[1] for a, b in pairs)
    assert f"{2 * right / (together + len(pairs)):.3f}" in capfd.readouterr().out


def test_a_checkpoint_keeps_the_temperature(run: Path) -> None:
    # Probabilities of clusters would differ between the report and other tables.
    module = load_module(run / "checkpoints" / "model.ckpt")
    assert isinstance(module, RecordsModule)
    assert 0.3 <= module.pool.temperature < 0.4


def test_the_probability_of_a_cluster_is_that_of_the_cuts_that_have_it() -> None:
    draw = torch.Generator().manual_seed(0)
    for index in range(40):
        batch = torch.arange(3).repeat_interleave(torch.randint(1, 7, (3,), generator=draw))
        size = batch.numel()
        pairs = torch.combinations(torch.arange(size)).T
        pairs = pairs[:, batch[pairs[0]] == batch[pairs[1]]]
        pairs = pairs[:, torch.rand(pairs.size(1), generator=draw) < 0.7]
        score = torch.randn(pairs.size(1), generator=draw)
        pool = ThresholdMergePool(
            0.4, temperature=0.5, logits=True, merge=("average", "components")[index % 2]
        )
        tree = pool.dendrogram(torch.ones(size, 1), pairs, None, batch, 3, edge_score=score)
        threshold = float(tree.threshold.detach())
        heights = [math.inf, *sorted(tree.height.unique().tolist(), reverse=True), -math.inf]
        chance: Counter[tuple[int, ...]] = Counter()
        for high, low in pairwise(heights):
            noisy = [1 / (1 + math.exp((threshold - h) / 0.5)) for h in (high, low)]
            cut = tree.cut(max(low, -1e9)).tolist()
            for cluster in set(cut):
                members = tuple(node for node in range(size) if cut[node] == cluster)
                chance[members] += noisy[0] - noisy[1]
        other = torch.randint(0, 3, (size,), generator=draw).unique(return_inverse=True)[1]
        for clusters_ in (tree.cut(), other):
            found = records_predict.cluster_probability(tree, clusters_).tolist()
            for cluster, value in enumerate(found):
                members = tuple((clusters_ == cluster).nonzero().view(-1).tolist())
                expected = chance.get(members, math.nan)
                assert value == pytest.approx(expected, abs=1e-5, nan_ok=True)


@pytest.mark.usefixtures("without_pictures")
def test_equal_seeds_give_equal_weights(run: Path, options: list[str], tmp_path: Path) -> None:
    fit.main([*options, f"--output={tmp_path}"])
    weights = [
        torch.load(path / "checkpoints" / "model.ckpt", weights_only=True)["state_dict"]
        for path in (run, tmp_path / "records" / "version_0")
    ]
    assert weights[0].keys() == weights[1].keys()
    for name, value in weights[0].items():
        assert torch.equal(value, weights[1][name]), name


@pytest.mark.parametrize(
    ("content", "arguments", "message"),
    [
        (b"", [], "expected the names of columns in the first line"),
        (b"id,person,name\nr1,\xff,x\n", [], "line 2: expected UTF-8"),
        (
            b"id,name\nr1,x\nr2,y\n",
            [],
            "expected 'cluster' to be the name of a column: 'id'",
        ),
        (b"id,person,name\nr1,a,x\nr2,a,x\n", [], "a column of at least two distinct values"),
        (b"id,person,name\nr1,a,x y\nr2,a,y x\n", [], "Expected more than 2 known entities"),
        (b"id,person,name\nr1,a,x\nr2,b,y\n", [], "expected two records of one known entity"),
        (
            b"id,person,name\nr1,a,x\nr2,a,y\n",
            [],
            "expected candidates of one entity (got no candidate pairs",
        ),
        (b"id,person,name\nr1,a,x\nr1,a,y\n", [], "expected an id of its own in 'id'"),
        (
            b"id,person,name\nr1,a,x y\nr2,a,y x\n",
            ["--data.columns={name: number}"],
            "expected numbers in 'name' (got 'x y')",
        ),
        (b"id,person,name\nr1,a,x\nr2,a,y\n", ["--data.columns={name: words}"], "words"),
        (
            b"id,person,name\nr1,a,x\nr2,a,x\n",
            ["--data.columns={name: text, person: text}"],
            "Expected '--data.columns' to leave out the column of known entities (got 'person')",
        ),
        (
            b"id,person,name\nr1,a,x\nr2,a,x\n",
            ["--data.keys=[person]"],
            "Expected '--data.keys' to leave out the column of known entities (got 'person')",
        ),
        (b'id,person,name\n"r\n1",a,x\nr2,a,y\n', [], "expected an id of one line in 'id'"),
        (b"id,person,year\nr1,a,1\nr2,a,2\n", [], "or by equal values, '--data.keys')"),
        # What is wrong with an option is said before a table is read.
        (b"", ["--model.objective=accuracy"], "'model.objective' to be one of 'pairs', "),
    ],
)
def test_bad_tables_are_named_in_one_line(
    content: bytes,
    arguments: list[str],
    message: str,
    options: list[str],
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
) -> None:
    table = tmp_path / "bad.csv"
    table.write_bytes(content)
    with pytest.raises(SystemExit) as stop:
        fit.main([*options, f"--data.records={table}", f"--output={tmp_path}", *arguments])
    assert stop.value.code == 2
    error = capfd.readouterr().err.splitlines()[-1]
    assert error.startswith("error: ")
    assert message in error
    assert not (tmp_path / "records").exists()


def test_a_checkpoint_holds_no_options_of_the_base_class(folder: Path, tmp_path: Path) -> None:
    """Lightning collects those of all constructors where no command line names them."""
    data = RecordsDataModule(str(folder / "train.csv"), "person", id="id")
    module = RecordsModule(data.in_channels, data.edge_dim, data.encoder, channels=4)
    trainer = L.Trainer(
        max_epochs=1, plugins=[AtomicCheckpointIO()], logger=False, enable_checkpointing=False,
        enable_progress_bar=False, enable_model_summary=False,
    )  # fmt: skip
    trainer.fit(module, data)
    trainer.save_checkpoint(tmp_path / "model.ckpt")
    loaded = load_module(tmp_path / "model.ckpt")
    assert loaded.state_dict().keys() == module.state_dict().keys()
    for name, value in module.net.state_dict().items():
        assert torch.equal(loaded.net.state_dict()[name], value)


@pytest.mark.parametrize(
    ("rows", "arguments", "message"),
    [
        (
            [["r0", "r1", "yes"], ["r1", "r0", "no"]],
            [],
            "pairs.csv: expected pairs of different entities to be of records that no pairs link "
            "(got 'r1', 'r0')",
        ),
        ([["r0", "nobody", "yes"]], [], "pair 1: expected the id of a record (got 'nobody')"),
        (
            [["r0", "r1", "yes"], ["r1", "r2", "yes"], ["r2", "r0", "no"]],
            [],
            "pairs.csv: expected pairs of different entities to be of records that no pairs link "
            "(got 'r2', 'r0')",
        ),
        (
            [["r3", "r1", "yes"]],
            ["--max_size=1"],
            "pairs.csv: expected pairs of one entity to link at most '--max_size' records "
            "(got 'r1', 'r3')",
        ),
        (
            [["r0", "r0", "no"]],
            [],
            "pairs.csv: expected pairs of different entities to be of records that no pairs link "
            "(got 'r0', 'r0')",
        ),
        (
            [["r0", "r1", "yes"]],
            ["--source=none"],
            "expected '--source' to be the name of a",
        ),
        ([["r0", "r1", "yes"]], ["--id=city"], "expected an id of its own in 'city'"),
        ([["r0", "r1", "yes"]], ["--jobs=0"], "Expected '--jobs' to be at least 1 (got 0)"),
    ],
)
def test_bad_requests_write_nothing(
    rows: list[list[str]],
    arguments: list[str],
    message: str,
    checkpoint: str,
    folder: Path,
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
) -> None:
    pairs, output = write(tmp_path / "pairs.csv", rows, ["a", "b", "is"]), tmp_path / "out.csv"
    given = [checkpoint, str(folder / "new.csv"), "--id=id", f"--pairs={pairs}"]
    with pytest.raises(SystemExit) as stop:
        predict.main([*given, f"--output={output}", *arguments])
    assert stop.value.code == 2
    error = capfd.readouterr().err.splitlines()[-1]
    assert error.startswith("error: ")
    assert message in error
    assert not output.exists()


@pytest.mark.usefixtures("without_pictures")
def test_blocks_are_drawn_and_features_dropped_in_training_alone(
    folder: Path, options: list[str]
) -> None:
    fit.main([
        *options, f"--output={folder / 'drawn'}", "--trainer.max_epochs=2",
        "--data.block_size=40", "--model.dropout=0.3", "--model.threshold_by_size=true",
    ])  # fmt: skip
    run = folder / "drawn" / "records" / "version_0"
    module = load_module(str(run / "checkpoints" / "model.ckpt"))
    assert module.net.dropout.p == module.baseline.dropout.p == 0.3
    steps = [float(row["step"]) for row in clusters(run / "metrics.csv")]
    assert max(steps) == 2 * 20 * -(-len(draw_rows(0)) // 40) - 1


@pytest.mark.usefixtures("without_pictures")
def test_a_killed_run_goes_on_and_ends_as_an_uninterrupted_one(
    options: list[str],
    tmp_path: Path,
    kill_run: Callable[[list[str]], None],
    expect_same_end: Callable[[Path, Path], None],
) -> None:
    drawn = [
        *options, "--trainer.max_epochs=4", "--data.block_size=40", "--data.repeats=2",
        "--model.dropout=0.3", "--model.threshold_by_size=true",
    ]  # fmt: skip
    fit.main([*drawn, f"--output={tmp_path / 'whole'}"])
    kill_run([*drawn, f"--output={tmp_path / 'killed'}"])
    whole, killed = (tmp_path / name / "records" / "version_0" for name in ("whole", "killed"))
    expect_same_end(killed, whole)


@pytest.mark.usefixtures("without_pictures")
def test_two_processes_learn_what_one_does(
    options: list[str],
    tmp_path: Path,
    weights: Callable[[Path], dict[str, Tensor]],
    run_in_two: Callable[..., None],
) -> None:
    blocks = [
        *options, "--data.block=[city]", "--trainer.precision=64-true", "--data.repeats=2",
        "--trainer.max_epochs=4", "--model.layers=1", "--model.threshold_by_size=true",
    ]  # fmt: skip
    fit.main([*blocks, "--data.batch_size=2", f"--output={tmp_path / 'one'}"])
    two = ["--data.batch_size=1", f"--output={tmp_path / 'two'}"]
    run_in_two("-m", "lightning_modules.fit", *blocks, *two)
    one, found = (weights(tmp_path / name / "records" / "version_0") for name in ("one", "two"))
    for name, value in one.items():
        torch.testing.assert_close(found[name], value, rtol=1e-6, atol=1e-9)
