"""Loading checkpoints: intact ones, and every way in which one can be broken."""

import random
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from lightning_modules import (
    CheckpointError,
    TransformModule,
    evaluate,
    fit,
    load_module,
    predict,
)
from lightning_modules.run.atomic_checkpoint import AtomicCheckpointIO
from lightning_modules.run.checkpoint import CHECKSUM, read_checkpoint


def test_the_folder_of_a_run_names_its_weights(checkpoint: Path, tmp_path: Path) -> None:
    kept = tmp_path / "run" / "checkpoints" / "model.ckpt"
    kept.parent.mkdir(parents=True)
    shutil.copy(checkpoint, kept)
    texts = ["What color is sky?", "q"]
    assert load_module(kept.parents[1])(texts) == load_module(str(checkpoint))(texts)
    with pytest.raises(FileNotFoundError, match=r"run/checkpoints: a folder without checkpoints/"):
        load_module(kept.parent)


def test_lightning_loads_it_with_weights_only(checkpoint: Path) -> None:
    module = TransformModule.load_from_checkpoint(checkpoint, weights_only=True)
    same = load_module(checkpoint).state_dict()
    assert all(torch.equal(value, same[name]) for name, value in module.state_dict().items())


def change(edit: Callable[[dict[str, Any]], object]) -> Callable[[Path, Path], None]:
    """Edit the content of a checkpoint; its checksum is that of the new content."""

    def write(checkpoint: Path, path: Path) -> None:
        content = read_checkpoint(checkpoint)
        edit(content)
        AtomicCheckpointIO().save_checkpoint(content, path)

    return write


def save(content: object) -> Callable[[Path, Path], None]:
    return lambda checkpoint, path: torch.save(content, path)


BROKEN = {
    "cut": (lambda c, p: p.write_bytes(c.read_bytes()[:2000]), "damaged or foreign file"),
    "code": (save({"state_dict": {}, "object": Path}), "damaged or foreign file"),
    "text": (lambda c, p: p.write_text("a\tb\tV\n"), "damaged or foreign file"),
    "tensor": (save(torch.ones(3)), "got a Tensor without a checksum"),
    "no checksum": (save({"state_dict": {}}), "got a dict without a checksum"),
    "class": (change(lambda c: c.update(class_path="torch.nn.Linear")), "subclass of TaskModule"),
    "size": (change(lambda c: c["hyper_parameters"].update(channels=16)), "one that does not fit"),
    "option": (change(lambda c: c["hyper_parameters"].update(hidden=3)), "one that does not fit"),
    "lookup": (
        change(lambda c: c["hyper_parameters"].update(lookup={"a": 3})),
        "'lookup' to have te",
    ),
    "module": (
        change(lambda c: c.update(class_path="torch.utils.tensorboard.X")),
        "one that does not fit",
    ),
    "vocabulary": (change(lambda c: c["hyper_parameters"].update(vocabulary=[""])), "does not fit"),
    "sparse": (
        save({"state_dict": {}, "odd": torch.eye(2).to_sparse(), CHECKSUM: ""}),
        "expected a checkpoint of a run \\(got one with other values: ",
    ),
    "no options": (change(lambda c: c.pop("hyper_parameters")), "one that does not fit"),
    "list": (change(lambda c: c.update(state_dict=[1])), r"\(got list in 'state_dict'\)"),
    "no weights": (change(lambda c: c.pop("state_dict")), r"\(got NoneType in 'state_dict'\)"),
    "number": (
        change(lambda c: c["state_dict"].update({"net.activation.bias": 1.0})),
        r"expected tensors \(got float in 'net.activation.bias'\)",
    ),
    "nan": (
        change(lambda c: c["state_dict"]["net.activation.bias"].fill_(torch.nan)),
        r"expected finite weights \(got NaN or infinite ones in 'net.activation.bias'\)",
    ),
    "inf": (
        change(lambda c: c["state_dict"]["net.pool.raw_threshold"].fill_(-torch.inf)),
        r"got NaN or infinite ones in 'net.pool.raw_threshold'",
    ),
}


@pytest.mark.parametrize(("spoil", "message"), BROKEN.values(), ids=BROKEN)
def test_a_broken_checkpoint_is_refused_in_one_line(
    spoil: Any, message: str, checkpoint: Path, tmp_path: Path, capsys: Any
) -> None:
    path = tmp_path / "model.ckpt"
    spoil(checkpoint, path)
    with pytest.raises(CheckpointError, match=message):
        load_module(path)
    for command in (evaluate, predict):
        with pytest.raises(SystemExit) as stop:
            command.main(["--ckpt_path", str(path), "bundled:kindergarten.jsonl"])
        assert stop.value.code == 2
        error = capsys.readouterr().err
        assert error.startswith(f"error: {path}: expected")
        assert error.count("\n") == 1


def flip(path: Path, byte: int, bit: int, flipped: Path) -> None:
    content = bytearray(path.read_bytes())
    content[byte] ^= 1 << bit
    flipped.write_bytes(content)


def data_ranges(path: Path) -> list[range]:
    """Return the byte ranges of the tensors: after name and extra field of each zip entry."""
    ranges = []
    with zipfile.ZipFile(path) as archive, path.open("rb") as file:
        for entry in archive.infolist():
            if "/data/" in entry.filename:
                file.seek(entry.header_offset + 26)
                lengths = file.read(4)
                start = entry.header_offset + 30
                start += int.from_bytes(lengths[:2], "little")
                start += int.from_bytes(lengths[2:], "little")
                ranges.append(range(start, start + entry.file_size))
    return ranges


def test_a_flipped_bit_in_a_weight_is_refused(
    run_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    intact = run_folder / "checkpoints" / "last.ckpt"
    damaged = tmp_path / "last.ckpt"
    places = random.Random(0)
    ranges = data_ranges(intact)
    for _ in range(10):
        # Every tensor is as likely as any other: weights, and the optimizer's moments.
        flip(intact, places.choice(places.choice(ranges)), places.randrange(8), damaged)
        torch.load(damaged, weights_only=True)  # torch itself notices nothing
        with pytest.raises(CheckpointError, match="with its own checksum"):
            load_module(damaged)
    for main, arguments in (
        (evaluate.main, []),
        (predict.main, ["text"]),
        (fit.main, [f"--output={tmp_path}"]),
    ):
        with pytest.raises(SystemExit) as stop:
            main([f"--ckpt_path={damaged}", *arguments])
        assert stop.value.code == 2
        assert capsys.readouterr().err.splitlines()[-1].startswith(f"error: {damaged}: expected a")


def test_a_flipped_bit_elsewhere_is_refused_or_changes_nothing(
    checkpoint: Path, tmp_path: Path
) -> None:
    expected = read_checkpoint(checkpoint)
    damaged = tmp_path / "model.ckpt"
    places = random.Random(0)
    weights = {i for r in data_ranges(checkpoint) for i in r}
    others = [i for i in range(checkpoint.stat().st_size) if i not in weights]
    errors = []
    for _ in range(100):
        flip(checkpoint, places.choice(others), places.randrange(8), damaged)
        try:
            content = read_checkpoint(damaged)
        except CheckpointError as error:
            errors.append(str(error))
        else:  # padding, dates and the like
            for name, weight in expected["state_dict"].items():
                assert torch.equal(content["state_dict"][name], weight)
            assert content["hyper_parameters"] == expected["hyper_parameters"]
    assert len(errors) > 5
    assert all(e.startswith(f"{damaged}: expected") and "\n" not in e for e in errors)


@pytest.mark.parametrize("batches", [1, 2])
def test_a_run_that_diverges_says_so_in_one_line(
    batches: int, short_run: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """After one step, the report would load the weights; before the second, the pool gets NaN."""
    wild = ["--model.lr=1e39", "--trainer.max_epochs=1", f"--trainer.limit_train_batches={batches}"]
    with pytest.raises(SystemExit) as stop:
        fit.main([*short_run, *wild, f"--output={tmp_path}"])
    assert stop.value.code == 2
    assert ": expected finite weights" in capsys.readouterr().err.splitlines()[-1]


def test_a_missing_checkpoint_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        predict.main(["--ckpt_path", "nowhere.ckpt", "text"])
    assert stop.value.code == 2
    assert capsys.readouterr().err == "error: nowhere.ckpt: no such file\n"
