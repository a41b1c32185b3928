"""Loading, scoring and using what a run has learned."""

import io
import json
from pathlib import Path

import pytest
import torch

from lightning_modules import CheckpointError, TransformModule, evaluate, load_module, predict


@pytest.fixture
def checkpoint(run_folder: Path) -> Path:
    """The checkpoint of the short run."""
    return run_folder / "checkpoints" / "model.ckpt"


def test_predict_prints_a_line_a_text(checkpoint: Path, capsys: pytest.CaptureFixture[str]) -> None:
    predict.main(["--ckpt_path", str(checkpoint), "What color is sky?", "q"])
    printed = capsys.readouterr().out.splitlines()
    assert printed == load_module(checkpoint)(["What color is sky?", "q"])


def test_predict_reads_standard_input(
    checkpoint: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("one\ntwo\n"))
    predict.main(["--ckpt_path", str(checkpoint), "--tags", "V;PST"])
    expected = load_module(checkpoint)(["one", "two"], [("V", "PST")] * 2)
    assert capsys.readouterr().out.splitlines() == expected


def test_evaluate_agrees_with_the_summary(
    checkpoint: Path, run_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    evaluate.main(["--ckpt_path", str(checkpoint)])
    rows = [line.split() for line in capsys.readouterr().out.splitlines()[1:]]
    splits = json.loads((run_folder / "summary.json").read_text())["splits"]
    for row, score in zip(rows, splits.values(), strict=True):
        assert row[1:] == [
            str(score["examples"]),
            f"{score['exact_match']:.2%}",
            f"{score['char_error_rate']:.2%}",
            f"{score['unit_error_rate']:.2%}",
            f"{score['edit_distance']:.3f}",
            f"{score['coarse_share']:.2f}",
        ]


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


def test_an_empty_text_is_refused(checkpoint: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        predict.main(["--ckpt_path", str(checkpoint), "a", ""])
    assert stop.value.code == 2
    assert "text 2: expected at least one character" in capsys.readouterr().err


def test_no_text_at_all_is_refused(
    checkpoint: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(""))
    with pytest.raises(SystemExit) as stop:
        predict.main(["--ckpt_path", str(checkpoint)])
    assert stop.value.code == 2
    assert "text 1: expected at least one character" in capsys.readouterr().err


def test_evaluate_keeps_files_of_one_name_apart(
    checkpoint: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    files = [tmp_path / "a" / "dev.tsv", tmp_path / "b" / "dev.tsv"]
    for file in files:
        file.parent.mkdir()
        file.write_text("lemma\t\tV\n")
    evaluate.main(["--ckpt_path", str(checkpoint), *map(str, files)])
    rows = capsys.readouterr().out.splitlines()[1:]
    assert [row.split()[0] for row in rows] == list(map(str, files))
    assert [row.split()[3] for row in rows] == ["-", "-"]
