"""Scoring checkpoints from the command line."""

import io
import json
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import NoReturn

import pytest

from lightning_modules import (
    TransformModule,
    cli,
    evaluate,
    fit,
    load_command,
    load_module,
    predict,
)

Save = Callable[[TransformModule, Path], Path]


def rows_of(printed: str) -> list[list[str]]:
    return [line.replace(" %", "%").split() for line in printed.splitlines()[1:]]


@pytest.mark.parametrize("command", [evaluate, fit, predict])
def test_an_interrupted_command_ends_without_a_traceback(
    command: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupt(*_: object) -> NoReturn:
        raise KeyboardInterrupt

    for module, name in ((load_command, "load_command"), (cli, "make_cli")):
        monkeypatch.setattr(module, name, interrupt)
    with pytest.raises(SystemExit) as end:
        command.main([])
    assert end.value.code == 130
    assert capsys.readouterr().err == "interrupted\n"


def test_evaluate_agrees_with_the_summary(
    checkpoint: Path, run_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    files = "bundled:kindergarten.jsonl", "bundled:kindergarten_unseen.jsonl"
    evaluate.main(["--ckpt_path", str(checkpoint), *files])
    rows = rows_of(capsys.readouterr().out)
    splits = json.loads((run_folder / "summary.json").read_text())["splits"]
    for row, score in zip(rows, splits.values(), strict=True):
        assert row[1:] == [
            str(score["examples"]),
            f"{score['exact_match']:.2%}",
            f"{score['char_error_rate']:.2%}",
            f"{score['unit_error_rate']:.2%}",
            f"{score['edit_distance']:.3f}",
            f"{score['coarsening_ratio']:.3f}",
        ]


def test_evaluate_keeps_files_of_one_name_apart(
    checkpoint: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    files = [tmp_path / "a" / "dev.tsv", tmp_path / "b" / "dev.tsv"]
    for file in files:
        file.parent.mkdir()
        file.write_text("lemma\t\tV\n")
    evaluate.main(["--ckpt_path", str(checkpoint), *map(str, files)])
    rows = rows_of(capsys.readouterr().out)
    assert [row[0] for row in rows] == list(map(str, files))
    assert [row[3:5] for row in rows] == [["–", "–"]] * 2


def test_texts_without_a_unit_are_scored(
    save: Save, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "blank.tsv"
    file.write_text(" \ta\n")
    module = TransformModule(["a"], source_units="whitespace", channels=8, layers=1)
    checkpoint = save(module, tmp_path / "model.ckpt")
    for beam in ("1", "2"):
        (row,) = score(checkpoint, capsys, "--beam", beam, str(file))
        assert row[1] == "1"
        assert row[-1] == "1.000"


def score(checkpoint: Path, capsys: pytest.CaptureFixture[str], *arguments: str) -> list[list[str]]:
    evaluate.main(["--ckpt_path", str(checkpoint), *arguments])
    return rows_of(capsys.readouterr().out)


def test_scores_are_those_of_the_answers(
    checkpoint: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    right, other = load_module(checkpoint)(["What color is sky?", "q"])
    path = tmp_path / "pairs.tsv"
    path.write_text(f"What color is sky?\t{right}\nq\t{other}xy\n", encoding="utf-8")
    length = len(right) + len(other) + 2
    (row,) = score(checkpoint, capsys, str(path))
    assert row[1:-1] == ["2", "50.00%", f"{2 / length:.2%}", f"{2 / length:.2%}", "1.000"]


def test_examples_may_come_from_standard_input(
    checkpoint: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"a\tb\nc\td\ne\tf\n")))
    ((name, examples, *_),) = score(checkpoint, capsys, "-")
    assert (name, examples) == ("-", "3")


def test_historical_examples_are_preprocessed(
    checkpoint: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "pairs.txt"
    path.write_text("Vnd\tUnd\n\n.\t.\n", encoding="utf-8")
    ((_, examples, *_),) = score(checkpoint, capsys, "--preprocess", "historical", str(path))
    assert examples == "1"
    with pytest.raises(SystemExit) as stop:
        evaluate.main(["--ckpt_path", str(checkpoint), str(path)])
    assert stop.value.code == 2
    assert f"{path}, line 2" in capsys.readouterr().err


def test_what_can_not_be_scored_is_named(
    checkpoint: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PYG_GRAPHEME_DATA", raising=False)
    for arguments, message in (
        (["--batch_size", "0", "-"], "Expected '--batch_size' to be at least 1 (got 0)"),
        (["--beam", "0", "-"], "Expected '--beam' to be at least 1 (got 0)"),
        (["--preprocess", "modern"], "invalid choice: 'modern'"),
        (["nowhere.tsv"], "nowhere.tsv: no such file, named by 'examples'; PYG_"),
        ([], "arguments are required: examples"),
        (["-", "-"], "Expected '-', standard input, once"),
    ):
        with pytest.raises(SystemExit) as stop:
            evaluate.main(["--ckpt_path", str(checkpoint), *arguments])
        assert stop.value.code == 2
        assert message in capsys.readouterr().err


def test_a_checkpoint_is_required(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        evaluate.main(["examples.tsv"])
    assert stop.value.code == 2
    assert "arguments are required: --ckpt_path" in capsys.readouterr().err
