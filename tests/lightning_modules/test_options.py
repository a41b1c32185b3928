"""Training from the command line: all configurations, and what their options do."""

import copy
import csv
import io
import json
import re
import shlex
import sys
import unicodedata
from pathlib import Path
from typing import Any

import lightning as L
import pytest
import torch
import yaml

from lightning_modules import TransformModule, fit, load_module, predict
from lightning_modules.cli import config_folder, make_cli
from pyg_grapheme.text.bundled import resolve_path

pytestmark = pytest.mark.usefixtures("without_pictures")

CONFIGS = sorted(config_folder().glob("*.yaml"))
DATA = config_folder().parent.parent / "shared" / "data"


def _make_records(files: dict[str, Any], folder: Path) -> list[str]:
    """Write a table of 30 entities with the columns of a config; return options that name it."""
    known = {"cluster": "entity", **files}
    kinds = files.get("columns", {"name": "text"})
    records = []
    for row in range(90):
        entity, error = row % 30, "xyz"[row // 30]
        of_kind = {
            "text": f"name {entity} {error}",
            "list": [f"item {entity}", error],
            "number": entity + row / 1000,
        }
        cells = {name: of_kind[kind] for name, kind in kinds.items()}
        blocks = dict.fromkeys(files.get("block", []), f"block {entity % 10}")
        records.append({known["cluster"]: f"e{entity}", "id": row, **blocks, **cells})
    path = folder / "table.jsonl"
    path.write_text("".join(json.dumps(record) + "\n" for record in records), encoding="utf-8")
    return [f"--data.records={path}", f"--data.cluster={known['cluster']}"]


def _shorten(files: dict[str, Any], folder: Path) -> list[str]:
    """Write the first lines of a config's files into a folder; return options that name them."""
    if isinstance(files.get("train"), dict):
        return []  # graphs of a generator
    if "neighbours" in files:  # records
        return _make_records(files, folder)
    if "train" not in files:
        return ["--data.init_args.train_count=20", "--data.init_args.test_count=5"]

    def shorten(name: str) -> str:
        path = resolve_path(name) if name.startswith("bundled:") else DATA / name
        if not path.exists():
            pytest.skip(f"no {name} in {DATA}: docs/data.md says where to get it")
        lines = path.read_text(encoding="utf-8").splitlines(keepends=True)[:60]
        (folder / path.name).write_text("".join(lines).rstrip("\n"), encoding="utf-8")
        return str(folder / path.name)

    test = {split: shorten(name) for split, name in files["test"].items()}
    given = {name: shorten(files[name]) for name in ("train", "val") if name in files}
    given["test"] = json.dumps(test)
    return [f"--data.init_args.{name}={value}" for name, value in given.items()]


@pytest.mark.parametrize("config", CONFIGS, ids=[path.stem for path in CONFIGS])
def test_every_config_runs(
    short_run: list[str], config: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    content = yaml.safe_load(config.read_text())
    files = content["data"]["init_args"]
    fit.main(
        [
            "--config",
            str(config),
            *short_run[1:],
            "--trainer.max_epochs=1",
            "--trainer.limit_train_batches=2",
            "--trainer.check_val_every_n_epoch=1",
            f"--output={tmp_path}",
            *_shorten(files, tmp_path),
        ]
    )
    folder = tmp_path / config.stem / "version_0"
    assert json.loads((folder / "summary.json").read_text())["epochs"] == 1
    assert (folder / "checkpoints" / "model.ckpt").is_file()
    if "checkpoint" in content:
        states = torch.load(folder / "checkpoints" / "last.ckpt", weights_only=True)["callbacks"]
        (kept,) = (state for name, state in states.items() if name.startswith("RunCheckpoint"))
        assert kept["best_model_score"] is not None
    printed = capfd.readouterr().out
    assert all(files.get("note", "") in s for s in (printed, (folder / "report.html").read_text()))
    if "class_path" not in content["model"]:
        # Texts can be rewritten: the last line is the command for it.
        _, _, _, *arguments = shlex.split(printed.splitlines()[-1])
        tags = any("\tV;" in path.read_text() for path in tmp_path.glob("*.tsv"))
        assert ("--tags" in arguments) == tags
        predict.main(arguments)
        assert len(capfd.readouterr().out.splitlines()) == 1


def test_what_is_kept_may_be_kept_elsewhere(short_run: list[str], tmp_path: Path) -> None:
    folder = tmp_path / "kept"
    fit.main([*short_run, f"--output={tmp_path}", f"--checkpoint.dirpath={folder}"])
    run = tmp_path / "kindergarten/version_0"
    summary = json.loads((run / "summary.json").read_text())
    assert (run / summary["checkpoint"]).resolve() == (folder / "model.ckpt").resolve()


def test_a_schedule_needs_an_end(short_run: list[str], tmp_path: Path) -> None:
    endless = ["--trainer.max_epochs=-1", "--trainer.max_time=00:00:01:00"]
    with pytest.raises(ValueError, match="Expected 'schedule' to be \"constant\" where neither"):
        fit.main([*short_run, *endless, "--model.schedule=linear", f"--output={tmp_path}"])


class GradientNorms(L.Callback):
    """Record the norm of all gradients before they are clipped, and in the step."""

    def __init__(self) -> None:
        self.before: list[float] = []
        self.used: list[float] = []

    def on_before_optimizer_step(
        self, trainer: L.Trainer, module: L.LightningModule, *_: Any
    ) -> None:
        self.before.append(gradient_norm(module))

    def on_train_batch_end(self, trainer: L.Trainer, module: L.LightningModule, *_: Any) -> None:
        self.used.append(gradient_norm(module))


def gradient_norm(module: L.LightningModule) -> float:
    gradients = [p.grad.double() for p in module.parameters() if p.grad is not None]
    return float(torch.stack([g.square().sum() for g in gradients]).sum().sqrt())


@pytest.mark.parametrize("precision", ["32-true", "bf16-mixed", "bf16-true", "64-true"])
def test_gradients_are_clipped_in_every_precision(
    precision: str, short_run: list[str], tmp_path: Path
) -> None:
    options = [f"--trainer.precision={precision}", "--trainer.gradient_clip_val=0.125"]
    cpu = ["--trainer.accelerator=cpu", "--trainer.max_epochs=1"]
    cli = make_cli([*short_run, *options, *cpu, f"--output={tmp_path}"])
    norms = GradientNorms()
    cli.trainer.callbacks.append(norms)
    cli.trainer.fit(cli.model, cli.datamodule)
    assert len(norms.before) == len(norms.used) == 4
    assert min(norms.before) > 1
    # The clipped norm is the limit, up to the digits of the precision.
    assert norms.used == pytest.approx([0.125] * 4, rel=1e-2 if "bf16-true" in precision else 1e-4)


def test_examples_of_an_epoch_that_is_cut_short_are_counted(
    short_run: list[str], tmp_path: Path
) -> None:
    short = ["--data.batch_size=16", "--trainer.limit_train_batches=2"]
    fit.main([*short_run, *short, f"--output={tmp_path}"])
    last = tmp_path / "kindergarten/version_0/checkpoints/last.ckpt"
    noted = torch.load(last, weights_only=True)["callbacks"]["RunRecorder"]
    assert noted["examples"] == 2 * 2 * 16


def test_a_run_may_train_on_standard_input(
    short_run: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO("ab\tb\né\te\n".encode())))
    fit.main([*short_run, "--data.train=-", "--data.test=null", f"--output={tmp_path}"])
    summary = json.loads((tmp_path / "kindergarten/version_0/summary.json").read_text())
    assert summary["splits"]["train"]["examples"] == 2


def test_a_run_may_draw_its_cuts(short_run: list[str], tmp_path: Path) -> None:
    fit.main([*short_run, "--model.max_cuts=3", f"--output={tmp_path}"])
    folder = tmp_path / "kindergarten/version_0"
    summary = json.loads((folder / "summary.json").read_text())
    assert summary["loss_last"] < summary["loss_first"]
    assert summary["raw_threshold_last"] != summary["raw_threshold_first"]
    assert "max_cuts: 3" in (folder / "config.yaml").read_text()


def test_each_side_keeps_the_form_of_its_training_texts(
    short_run: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The targets have umlauts, the sources have not."""
    pairs = tmp_path / "pairs.tsv"
    pairs.write_text("gruss\tgrüß\nuber\tüber\n", encoding="utf-8")
    fit.main([*short_run, f"--data.train={pairs}", "--data.test=null", f"--output={tmp_path}"])
    folder = tmp_path / "kindergarten/version_0"
    said = "codepoints in NFC → codepoints in NFD"
    assert re.search(rf"^units +{said}$", capsys.readouterr().out, re.MULTILINE)
    assert said in (folder / "report.html").read_text(encoding="utf-8")
    checkpoint = folder / "checkpoints" / "model.ckpt"
    options = torch.load(checkpoint, weights_only=True)["hyper_parameters"]
    assert (options["source_form"], options["target_form"]) == ("NFC", "NFD")
    module = load_module(checkpoint)
    assert isinstance(module, TransformModule)
    assert (module.net.source.form, module.net.target.form) == ("NFC", "NFD")
    assert module.net.vocabulary.units == ("b", "e", "g", "r", "u", "ß", "\u0308")
    (answer,) = module(["uber"])
    assert unicodedata.is_normalized("NFC", answer)


@pytest.mark.parametrize("option", ["use_pool=false", "merge_graphemes=true", "map_case=false"])
def test_a_model_with_other_options_is_trained_and_loaded(
    option: str, short_run: list[str], tmp_path: Path
) -> None:
    fit.main([*short_run, "--trainer.max_epochs=1", f"--model.{option}", f"--output={tmp_path}"])
    folder = tmp_path / "kindergarten/version_0"
    name, value = option.split("=")
    module = load_module(folder / "checkpoints" / "model.ckpt")
    assert module.hparams[name] == (value == "true")
    with (folder / "predictions.tsv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file, dialect="excel-tab"))
    assert module([row["input"] for row in rows]) == [row["prediction"] for row in rows]
    ratios = json.loads((folder / "summary.json").read_text())["splits"].values()
    # Without the pool, and where every grapheme cluster is one unit, nothing is merged.
    assert {split["coarsening_ratio"] == 1 for split in ratios} == {name != "map_case"}


@pytest.mark.parametrize("loss", ["structural", "cross_entropy"])
def test_each_loss_trains_alone(short_run: list[str], loss: str, tmp_path: Path) -> None:
    fit.main([*short_run, f"--model.loss={loss}", f"--output={tmp_path}"])
    summary = json.loads((tmp_path / "kindergarten/version_0/summary.json").read_text())
    assert summary["loss_last"] < summary["loss_first"]
    assert (summary["structural_first"] == 0) == (loss == "cross_entropy")
    assert (summary["cross_entropy_first"] == 0) == (loss == "structural")


CALLBACK = ["--trainer.callbacks+=lightning_modules.WeightAverages"]

MISSPELT = [
    (
        ["--data.train=nowhere.tsv"],
        "error: nowhere.tsv: no such file, named by '--data.train'; PYG_GRAPHEME_DATA or "
        "'--data.root' can name the folder of data (see docs/data.md for the public data)\n",
    ),
    (
        ["--data.root=folder", "--data.test.unseen=nowhere.tsv"],
        "error: folder/nowhere.tsv: no such file, named by '--data.test.unseen', nor "
        "'nowhere.tsv' here (see docs/data.md for the public data)\n",
    ),
    (["--data.train=bundled:nothing.jsonl"], "expected one of bundled:english.tsv, bundled:e"),
    (["--data.batch_sizes=3"], "batch_sizes"),
    (["--model.chanels=3"], "chanels"),
    (["--model.chan=8"], "chan"),
    (["--trainer.max_epoch=3"], "max_epoch"),
    (["--conf=conf/maths.yaml"], "conf"),
    (["--model.head=2"], "head"),
    (["--model.channels=6"], "Expected 'channels' to be a positive multiple of 4 (got 6)"),
    (["--model.layers=-3"], "Expected 'layers' to be at least 1 (got -3)"),
    (["--model.lr=-1"], "Expected 'lr' to be at least 0 (got -1.0)"),
    (["--model.dropout=1"], "Expected 'dropout' to be in [0, 1) (got 1.0)"),
    (["--model.pool.temprature=0.1"], "temprature"),
    (["--model.pool.merge=component"], "component"),
    (["--model.pool.reduce=men"], "Expected 'reduce' to be a PyG aggregation"),
    (
        ["--model.pool.threshold=1.5"],
        r"Expected 'threshold' to be in (0, 1), and not within 1e-7 of 1 (got 1.5)",
    ),
    (
        ["--data.source_units=letters"],
        "error: Expected 'data.source_units' to be one of 'codepoints', 'graphemes', 'whitespace' "
        "(got 'letters')\n",
    ),
    (["--data.source_form=none"], "'data.source_form' to be one of 'auto', 'NFC', 'NFD' (got 'no"),
    (
        ["--data.form=NFC"],
        "error: Expected an option of lightning_modules.TextDataModule (got 'data.form')\n",
    ),
    (["--data.tset={test: x}"], "TextDataModule (got 'data.tset.test')\n"),
    (["--model.merges=false"], "option of lightning_modules.TransformModule (got 'model.merges')"),
    (["--model.pool.max=3"], "error: Expected an option of PoolOptions (got 'model.pool.max')\n"),
    (["--model.pool.merge=x"], "'model.pool.merge' to be one of 'components', 'average', 'compl"),
    (["--trainer.max_epochs=x"], "error: Expected 'trainer.max_epochs' to be int (got 'x')\n"),
    (["--trainer.gradient_clip_val=x"], "'trainer.gradient_clip_val' to be float or int (got 'x')"),
    (["--seed_everything=x"], "Expected 'seed_everything' to be bool or int (got 'x')"),
    (["--model.max_cuts=x"], "error: Expected 'model.max_cuts' to be int (got 'x')\n"),
    (
        ["--data.test=my.tsv"],
        "Expected 'data.test' to be dict[str, str], such as {NAME: VALUE} (got 'my.tsv')",
    ),
    (["--data.batch_size=1.5"], "error: Expected 'data.batch_size' to be int (got '1.5')\n"),
    (
        ["--data.class_path=no.X"],
        "'data.class_path' to name a class (got 'no.X': No module named 'no')\n",
    ),
    (["--trainer.callbacks=no.X"], "'trainer.callbacks' to name a class (got 'no.X': No module"),
    (
        [*CALLBACK, "--trainer.callbacks.decay=3"],
        "error: Expected 'decay' to be in [0, 1) (got 3.0)\n",
    ),
    ([*CALLBACK, "--trainer.callbacks.x=3"], "lightning_modules.WeightAverages (got 'trainer.cal"),
    (["--trainer.accelerator=x"], "error: You selected an invalid accelerator name: "),
    (["--checkpoint.mode=up"], "error: `mode` can be min, max but got up\n"),
    (
        ["--checkpoint.monitor=val/exact_match"],
        "Expected '--data.val' where '--checkpoint.monitor' is 'val/exact_match' (got none)\n",
    ),
    (["--trainer.default_root_dir=x"], "Expected '--output' to name the folder of all runs, "),
    (["--model.channels=-3"], "Expected 'channels' to be at least 1 (got -3)"),
    (["--model.loss=hybird"], "hybird"),
    (["--data.batch_size=0"], "Expected 'batch_size' to be at least 1 (got 0)"),
    (["--config=nowhere.yaml"], "Expected 'config' to be a file that exists (got '"),
]


def test_what_is_misspelt_is_named(
    capfd: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PYG_GRAPHEME_DATA", raising=False)
    for arguments, message in MISSPELT:
        with pytest.raises(SystemExit) as stop:
            fit.main([*arguments, f"--output={tmp_path}"])
        assert stop.value.code not in (0, None)
        error = capfd.readouterr().err
        assert message in error, arguments
        assert error.count("\n") == 1, arguments
    assert list(tmp_path.iterdir()) == []


def test_options_of_a_config_that_are_no_more_are_named(
    short_run: list[str], capfd: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    content = yaml.safe_load((config_folder() / "kindergarten.yaml").read_text())
    path = tmp_path / "run.yaml"
    for section, option, value in (
        ("data", "source_units", "letters"),
        ("data", "form", "NFC"),
        ("model", "merges", False),
    ):
        changed = copy.deepcopy(content)
        changed[section].get("init_args", changed[section])[option] = value
        path.write_text(yaml.safe_dump(changed))
        with pytest.raises(SystemExit) as stop:
            fit.main([f"--config={path}", *short_run[1:], f"--output={tmp_path}"])
        assert stop.value.code == 2
        error = capfd.readouterr().err
        assert option in error
        assert error.count("\n") == 1
    assert list(tmp_path.iterdir()) == [path]


def test_a_file_that_is_no_data_is_named(capfd: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    path = tmp_path / "data.tsv"
    path.write_bytes(b"\x89PNG\r\n\x1a\n\0\0")
    with pytest.raises(SystemExit) as stop:
        fit.main([f"--data.train={path}", f"--output={tmp_path / 'runs'}"])
    assert stop.value.code == 2
    assert capfd.readouterr().err.splitlines()[-1] == (
        f"error: {path}, line 1: expected a text file in UTF-8 (got byte 0x89, which is not UTF-8)"
    )


def test_an_output_folder_that_can_not_be_is_named(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(SystemExit) as stop:
        fit.main([f"--output={tmp_path / 'file'}"])
    assert stop.value.code == 2
    assert str(tmp_path / "file") in capfd.readouterr().err


def test_no_epoch_gives_no_report(
    short_run: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fit.main([*short_run, "--trainer.max_epochs=0", f"--output={tmp_path}"])
    assert "no epoch was trained" in capsys.readouterr().out


def test_a_metric_of_validation_that_there_is_not_is_named_before_training(
    capfd: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    options = ["--data.val=bundled:english_unseen.tsv", "--checkpoint.monitor=val/exact_mtch"]
    with pytest.raises(SystemExit) as stop:
        fit.main([*options, f"--output={tmp_path}"])
    assert stop.value.code == 2
    out, err = capfd.readouterr()
    assert err.splitlines()[-1] == (
        "error: Expected '--checkpoint.monitor' to be one of 'val/exact_match', "
        "'val/char_error_rate', 'val/unit_error_rate', 'val/edit_distance' (got 'val/exact_mtch')"
    )
    assert "epoch 0" not in out
