"""Cells of the benchmark of tracks, from training to the tables."""

from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor
from torch_geometric.data import Batch, Data

from benchmarks.partitions.tracks import evaluation, running
from benchmarks.partitions.tracks.__main__ import main
from benchmarks.partitions.tracks.cells import EDGE_LOSSES, RECIPES, SCORES, Cell, list_cells
from benchmarks.partitions.tracks.evaluation import Evaluation, evaluate
from benchmarks.partitions.tracks.records import Record, read_records, write_record
from benchmarks.partitions.tracks.report import report
from benchmarks.partitions.tracks.scoring import Score
from benchmarks.partitions.tracks.training import (
    Splits,
    TrainingOptions,
    edge_loss,
    make_loss,
    make_pool,
)
from lightning_modules.datamodules.track_events import TrackEvents
from pyg_grapheme.metrics import METRICS
from pyg_grapheme.nn import PartitionLoss, ThresholdMergePool, partition_scores
from pyg_grapheme.nn.pool import Dendrogram

SMALL = TrainingOptions(
    train_events=4,
    tune_events=2,
    test_events=2,
    batch_events=2,
    width=4,
    warm_steps=2,
    steps=2,
    compiled=False,
)


def test_every_method_is_run_in_every_setting_and_each_objective_once() -> None:
    cells = list_cells()
    assert len(cells) == len(set(cells))
    settings = {cell.setting for cell in cells}
    assert len(settings) == 2 * 2 * 5
    for setting in settings:
        methods = {cell[3:] for cell in cells if cell.setting == setting}
        assert {(loss, "edges") for loss in EDGE_LOSSES} <= methods
        assert {(o, linkage) for o in RECIPES for linkage in ("components", "average")} <= methods
        assert len(methods) > len(EDGE_LOSSES) + 2 * len(RECIPES) or setting != (30, 4, 0)
    assert set(SCORES) <= set(METRICS)


def test_losses_over_edges() -> None:
    logits = torch.randn(50, generator=torch.Generator().manual_seed(0))
    is_true = logits.roll(1) > 0.3
    target, probability = is_true.float(), logits.sigmoid()
    four = torch.tensor(4.0)
    right = torch.where(is_true, probability, 1 - probability)
    expected = {
        "bce": F.binary_cross_entropy(probability, target),
        "bce_positive": F.binary_cross_entropy_with_logits(logits, target, pos_weight=four),
        "bce_negative": F.binary_cross_entropy_with_logits(-logits, 1 - target, pos_weight=four),
        "focal": ((1 - right) ** 2 * -right.log()).mean(),
    }
    for name in EDGE_LOSSES:
        assert torch.allclose(edge_loss(name, logits, is_true), expected[name], atol=1e-6)


def test_losses_are_added_with_weights_and_temperatures() -> None:
    data = Batch.from_data_list(TrackEvents(2)[:])
    inner, outer = data.y[data.edge_index]
    is_true = (inner == outer) & (inner >= 0)
    noise = torch.randn(data.num_edges, generator=torch.Generator().manual_seed(0))
    logits = 6 * is_true - 3 + noise
    counted = {"unlabelled": "other", "min_size": 3}
    options = SMALL._replace(temperatures=(3.0, 1.0), score_weight=5.0)
    terms = {"bce": F.binary_cross_entropy_with_logits(logits, is_true.float())}
    for done, temperature in ((0, 3), (0.5, 2), (1, 1)):
        for linkage in ("components", "average"):

            def tree(temperature: float, linkage: str = linkage) -> Dendrogram:
                pool = ThresholdMergePool(0.5, temperature=temperature, logits=True, merge=linkage)
                arguments = data.x, data.edge_index, None, data.batch
                return pool.dendrogram(*arguments, edge_score=logits)

            terms["pairs"] = PartitionLoss("pairs", **counted)(tree(3), data.y).mean()
            for name in ("double_majority", "bcubed"):
                scores = partition_scores(tree(temperature), data.y, name, **counted)
                expected = tree(temperature).expectation(scores).mean()
                assert 0.02 < expected < 0.98
                terms[name] = 5 * (1 - expected)
            for objective in (*RECIPES, "pairs", "double_majority", "double_majority+bce"):
                cell = Cell(30, 4, 0, objective, linkage)
                loss = make_loss(cell, make_pool(linkage), options)(data, logits, done)
                torch.testing.assert_close(
                    loss.double(), sum(terms[name].double() for name in objective.split("+"))
                )
        for name in EDGE_LOSSES:
            loss = make_loss(Cell(30, 4, 0, name, "edges"), make_pool("components"), options)
            assert torch.equal(loss(data, logits, done), edge_loss(name, logits, is_true))


def test_cuts_are_the_best_on_the_tuning_events(monkeypatch: pytest.MonkeyPatch) -> None:
    # Two tracks of four hits, each with a noise hit at its end. All clusterings follow the chain.
    y = torch.tensor([0, 0, 0, 0, -1, 1, 1, 1, 1, -1])
    tuning = torch.tensor([6.0, 6, 4, 2, 0, 6, 6, 4, 2])
    nodes = torch.arange(10)

    def make_events(logits: Tensor) -> Data:
        edge_index = torch.stack([nodes[:-1], nodes[1:]])
        x, edge_attr = torch.ones(10, 1), logits[:, None]
        return Batch.from_data_list([Data(x=x, edge_index=edge_index, edge_attr=edge_attr, y=y)])

    # The best cuts of the test events are lower by 2.
    splits = Splits(None, make_events(tuning), make_events(tuning - 2))
    levels = (-1.0, 1.0, 3.0, 5.0)
    monkeypatch.setattr(evaluation, "WALK_LEVELS", torch.tensor(levels).double().sigmoid().tolist())
    pool = make_pool("average")
    torch.nn.init.constant_(pool.raw_threshold, -0.5)

    def net(_: Tensor, __: Tensor, edge_attr: Tensor) -> Tensor:
        return edge_attr[:, 0]

    found = evaluate(net, pool, splits, "edges")
    trained = evaluate(net, pool, splits, "average")["average"]
    whole = Score(1.0, 1.0)
    # Between 4 and 6, three of four hits are together: majorities, but a B-cubed recall of 10 / 16.
    parts = Score(1.0, pytest.approx(2 * 0.7 / 1.7))
    single = Score(0.0, pytest.approx(2 * 0.4 / 1.4))
    # Between 0 and 2, a track is with a noise hit: a B-cubed precision of (16 + 1) / 25.
    joined = Score(1.0, pytest.approx(2 * 0.68 / 1.68))
    by_tree = {
        "efficiency": Evaluation((5.0,), parts, single),
        "bcubed": Evaluation((3.0,), whole, parts),
    }
    for name in ("components", "average", "chains"):
        assert found[name] == by_tree
    learned = trained.pop("learned")
    assert trained == by_tree
    assert learned == Evaluation((-0.5,), Score(0.0, learned.tune.bcubed), joined)
    # The lowest of equally good levels, three times.
    for name, cut, scores in (("efficiency", 1, (joined, whole)), ("bcubed", 3, (whole, parts))):
        assert found["walkthrough"][name] == Evaluation((pytest.approx(cut),) * 3, *scores)


@pytest.mark.slow
def test_cells_are_run_once_and_tables_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(evaluation, "WALK_LEVELS", (0.1, 0.9))
    output, work = tmp_path / "tracks.md", tmp_path / "work"
    arguments = ["--output", str(output), "--work", str(work), "--cells"]
    first = "30/4/0/bce/edges"
    names = {first, "30/4/0/pairs+double_majority+bce/average"}
    main([*arguments, first], SMALL)
    warm = (work / "30-4-0.pt").read_bytes()
    main([*arguments, *names], SMALL)
    assert (work / "30-4-0.pt").read_bytes() == warm
    records = {
        cell.name: r for cell, r in read_records(tmp_path / "tracks.jsonl", list_cells()).items()
    }
    assert set(records) == names
    baseline, ours = records[first].scores, records[(names - {first}).pop()].scores
    assert set(baseline) == {"components", "average", "chains", "walkthrough"}
    assert all(set(each) == {"efficiency", "bcubed"} for each in baseline.values())
    assert len(baseline["walkthrough"]["efficiency"].cuts) == 3
    assert set(ours) == {"average"}
    assert set(ours["average"]) == {"efficiency", "bcubed", "learned"}
    # Two steps of Adam move the threshold by about twice its learning rate.
    assert 0 < abs(ours["average"]["learned"].cuts[0]) < 3 * SMALL.threshold_lr
    for chosen in ("bcubed", "learned"):
        best, other = (ours["average"][name].tune for name in ("efficiency", chosen))
        assert best.efficiency >= other.efficiency
    assert "| BCE" in output.read_text()
    with monkeypatch.context() as patched:
        patched.setattr(running, "train_cell", None)
        main([*arguments, *names], SMALL)
    capsys.readouterr()
    with pytest.raises(SystemExit, match=r"Expected '--cells' to fit the name of a cell \(got 'x'"):
        main([*arguments, "x"], SMALL)


def test_lost_tracks_are_compared_with_the_best_baseline(tmp_path: Path) -> None:
    def write(cell: Cell, **efficiency: float) -> None:
        scores = {
            clustering: {
                name: Evaluation((0.0,), Score(value, 0.5), Score(value, 0.5))
                for name in ("efficiency", "bcubed", "learned")
            }
            for clustering, value in efficiency.items()
        }
        options = SMALL._asdict()
        record = Record(cell.name, "abc", "now", 1.0, 1.0, options, scores)
        write_record(tmp_path / "records.jsonl", record)

    baselines = {"components": 0.8, "average": 0.9, "chains": 0.7, "walkthrough": 0.95}
    for seed, ours in ((0, 0.96), (1, 0.98)):
        write(Cell(30, 4, seed, "bce", "edges"), **baselines)
        write(Cell(30, 4, seed, "pairs+bce", "average"), average=ours)
    times = {(30, 4): {"edges": 10.0, "components": 16.0, "average": 20.0}}
    tables = report(read_records(tmp_path / "records.jsonl", list_cells()), "", times)
    lines = [[cell.strip() for cell in line.split("|")] for t in tables for line in t.splitlines()]
    saved = [
        line for line in lines if line[1:4] == ["30 tracks, 4 layers", "pairs + BCE", "average"]
    ]
    # 4 and 2 % lost, instead of 20 % and of 5 %.
    assert saved[0][4:6] == ["85 ± 7", "40 ± 28"]
    row = next(line for line in lines if line[1:3] == ["pairs + BCE", "average"])
    assert row[3:6] == ["0.9700 ± 0.0141", "0.5000 ± 0.0000", "0.9700 ± 0.0141"]
    line = next(line for line in lines if line[1:3] == ["30 tracks, 4 layers", "10"])
    assert line[3:] == ["16", "20", "38", "50", ""]
