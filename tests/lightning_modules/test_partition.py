"""Training for a partition from the command line."""

import json
import re
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from matplotlib.image import imread
from torch_geometric.data import Batch, Data

from lightning_modules import (
    TrackEvents,
    evaluate,
    fit,
    load_module,
    predict,
    write_graphs,
)
from lightning_modules.datamodules.track_events import EventOptions
from pyg_grapheme.metrics import clustering_score

EVENTS = TrackEvents(6, 3, EventOptions(num_tracks=4))


@pytest.fixture(scope="module")
def options(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """The arguments of a run on six small events."""
    path = tmp_path_factory.mktemp("events") / "events.npz"
    write_graphs(path, EVENTS)
    return [
        "--config=conf/tracks.yaml",
        *(f"--data.{name}={path}" for name in ("train", "val")),
        f"--data.test={json.dumps({'test': str(path)})}",
        "--data.batch_size=2",
        "--model.channels=8",
        "--model.layers=1",
        "--trainer.accelerator=cpu",
        "--trainer.precision=64-true",
        "--trainer.enable_progress_bar=false",
        "--trainer.enable_model_summary=false",
        "--trainer.check_val_every_n_epoch=2",
        "--trainer.max_epochs=4",
    ]


@pytest.fixture(scope="module")
def run(options: list[str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of a run of four epochs."""
    folder = tmp_path_factory.mktemp("runs")
    fit.main([*options, f"--output={folder}"])
    return folder / "tracks" / "version_0"


def test_a_run_ends_with_ours_beside_the_baseline(run: Path) -> None:
    summary = json.loads((run / "summary.json").read_text())
    assert list(summary["scores"]) == [
        f"{split}, {method}"
        for split in ("train", "val", "test")
        for method in ("BCE and components", "partition")
    ]
    ours = summary["scores"]["val, partition"]
    assert ours["threshold"] == summary["threshold_last"] != summary["threshold_first"]
    assert ours["graphs"] == len(EVENTS)
    assert summary["baseline_last"] < summary["baseline_first"]


def test_a_run_leaves_pictures_and_a_page(run: Path) -> None:
    for name in ("partition", "threshold", "loss", "validation"):
        assert imread(run / f"{name}.png").std() > 0
    html = (run / "report.html").read_text()
    sections = re.findall(r'<h2 id="(\w+)">', html)
    assert sections == ["results", "curves", "clusters", "configuration"]
    assert html.count("<bdi>test, ") == 2
    score = json.loads((run / "summary.json").read_text())["scores"]["test, partition"]
    assert f"{score['bcubed']:.3f}" in html
    # The titles of both panels, and a legend below each of them.
    assert len(re.findall(r">(BCE and components|partition): double majority [01]\.", html)) == 2
    assert len(re.findall(r">\d+ wrong merges?<", html)) == 2


def test_without_matplotlib_or_a_baseline_there_is_a_report_all_the_same(
    options: list[str], tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    short = [*options, "--trainer.max_epochs=1", "--model.baseline=false", f"--output={tmp_path}"]
    fit.main(short)
    first, second = (tmp_path / "tracks" / f"version_{i}" for i in range(2))
    assert (first / "partition.png").is_file()
    assert "no pictures" not in capfd.readouterr().out
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(sys.modules, "matplotlib", None)
        fit.main(short)
    assert not list(second.glob("*.png"))
    assert "no pictures: matplotlib is not installed" in capfd.readouterr().out
    summary = json.loads((second / "summary.json").read_text())
    assert list(summary["scores"]) == ["train, partition", "val, partition", "test, partition"]


def test_evaluate_and_predict_agree_with_the_scores(
    run: Path, options: list[str], capfd: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    checkpoint = ["--ckpt_path", str(run / "checkpoints" / "model.ckpt")]
    path = options[1].removeprefix("--data.train=")
    evaluate.main([*checkpoint, path])
    header, row = capfd.readouterr().out.splitlines()
    expected = json.loads((run / "summary.json").read_text())["scores"]["test, partition"]
    assert header.split()[:2] == ["split", "graphs"]
    assert row.split()[1:3] == ["6", f"{expected['bcubed']:.3f}"]
    predict.main([*checkpoint, path, "--batch_size=4", f"--output={tmp_path / 'clusters'}"])
    cluster = torch.tensor([int(line) for line in (tmp_path / "clusters").read_text().split()])
    batch = Batch.from_data_list(EVENTS[:])
    assert cluster.shape == batch.y.shape
    for name in ("double_majority", "bcubed", "pair_f1"):
        score = clustering_score(
            cluster, batch.y, name, batch=batch.batch, unlabelled="other", min_size=3
        )
        assert score.mean().item() == pytest.approx(expected[name])
    assert load_module(checkpoint[1]).predict_step(batch).tolist() == cluster.tolist()


def test_a_killed_run_goes_on_and_ends_as_an_uninterrupted_one(
    run: Path,
    options: list[str],
    tmp_path: Path,
    kill_run: Callable[[list[str]], None],
    expect_same_end: Callable[[Path, Path], None],
) -> None:
    kill_run([*options, f"--output={tmp_path}"])
    expect_same_end(tmp_path / "tracks" / "version_0", run)


def test_two_processes_learn_what_one_does(
    run: Path,
    options: list[str],
    tmp_path: Path,
    weights: Callable[[Path], dict[str, torch.Tensor]],
    run_in_two: Callable[..., None],
) -> None:
    two = ["--data.batch_size=1", f"--output={tmp_path}"]
    run_in_two("-m", "lightning_modules.fit", *options, *two)
    found = weights(tmp_path / "tracks" / "version_0")
    for name, value in weights(run).items():
        torch.testing.assert_close(found[name], value, rtol=1e-6, atol=1e-9)


def test_bad_input_is_named_in_one_line(
    run: Path, options: list[str], capfd: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    checkpoint = f"--ckpt_path={run / 'checkpoints' / 'model.ckpt'}"
    unlabelled, nothing = tmp_path / "unlabelled.npz", tmp_path / "nothing.npz"
    fields = ("x", "edge_index", "edge_attr")
    write_graphs(unlabelled, [Data(**{name: e[name] for name in fields}) for e in EVENTS])
    nothing.write_text("x")
    for source, message in (
        (str(unlabelled), f"error: {unlabelled}, graph 0: expected 'y' to be "),
        (str(nothing), f"error: {nothing}: expected graphs"),
        ("nowhere.npz", "error: nowhere.npz: no such file"),
        ("nowhere.Events", "error: Expected graphs to be a file *.npz or a class path"),
    ):
        for command, arguments in (
            (fit.main, [*options, f"--data.val={source}", f"--output={tmp_path}"]),
            (evaluate.main, [checkpoint, source]),
        ):
            with pytest.raises(SystemExit) as stop:
                command(arguments)
            assert stop.value.code == 2
            assert capfd.readouterr().err.splitlines()[-1].startswith(message)


def test_unknown_options_and_missing_labels_are_named(
    options: list[str], capfd: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    ignored, path = ["--data.unlabelled=ignore"], tmp_path / "events.npz"
    events = [event.clone() for event in EVENTS]
    events[1].y[:] = -1
    write_graphs(path, events)
    for arguments, message in (
        (
            ["--model.objective=accuracy"],
            "'model.objective' to be one of 'pairs', 'pair_precision', ",
        ),
        (["--model.merge=single"], "'model.merge' to be one of 'components', 'average', "),
        ([f"--data.train={path}", *ignored], f"error: {path}, graph 1: expected 'y' to label a"),
    ):
        with pytest.raises(SystemExit) as stop:
            fit.main([*options, *arguments, f"--output={tmp_path}"])
        assert stop.value.code == 2
        line = capfd.readouterr().err.splitlines()[-1]
        assert line.startswith("error: ")
        assert message in line
