"""Loading what a run has learned."""

from pathlib import Path

import pytest
import torch

from lightning_modules import CheckpointError, TransformModule, evaluate, load_module, predict


def test_lightning_loads_it_with_weights_only(checkpoint: Path) -> None:
    module = TransformModule.load_from_checkpoint(checkpoint, weights_only=True)
    same = load_module(checkpoint).state_dict()
    assert all(torch.equal(value, same[name]) for name, value in module.state_dict().items())


def damaged(checkpoint: Path, path: Path) -> None:
    path.write_bytes(checkpoint.read_bytes()[:2000])


def foreign(checkpoint: Path, path: Path) -> None:
    torch.save({"state_dict": {}, "hyper_parameters": {"hidden": 3}}, path)


def resized(checkpoint: Path, path: Path) -> None:
    content = torch.load(checkpoint, weights_only=True)
    content["hyper_parameters"]["channels"] = 16
    torch.save(content, path)


def with_code(checkpoint: Path, path: Path) -> None:
    torch.save({"state_dict": {}, "object": Path}, path)


def text(checkpoint: Path, path: Path) -> None:
    path.write_text("a\tb\tV\n")


def tensor(checkpoint: Path, path: Path) -> None:
    torch.save(torch.ones(3), path)


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (damaged, "damaged or foreign file"),
        (foreign, "got one of another model"),
        (resized, "one that does not fit"),
        (with_code, "damaged or foreign file"),
        (tensor, "got a Tensor"),
        (text, "damaged or foreign file"),
    ],
)
@pytest.mark.parametrize("command", [evaluate, predict])
def test_what_is_no_checkpoint_is_refused(
    spoil, message: str, command, checkpoint: Path, tmp_path: Path, capsys
) -> None:
    path = tmp_path / "model.ckpt"
    spoil(checkpoint, path)
    with pytest.raises(CheckpointError, match=message):
        load_module(path)
    with pytest.raises(SystemExit) as stop:
        command.main(["--ckpt_path", str(path), "bundled:kindergarten.jsonl"])
    assert stop.value.code == 2
    assert str(path) in capsys.readouterr().err


def test_a_missing_checkpoint_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        predict.main(["--ckpt_path", "nowhere.ckpt", "text"])
    assert stop.value.code == 2
    assert capsys.readouterr().err == "error: nowhere.ckpt: no such file\n"
