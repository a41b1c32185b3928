"""The search with several hypotheses, and the probabilities of its answers."""

import math
from collections.abc import Callable
from itertools import islice
from pathlib import Path

import pytest
import torch

from lightning_modules import TransformModule, evaluate, load_module, predict
from lightning_modules.modules.text import answers
from pyg_grapheme.text.model import log_probability, ranking
from pyg_grapheme.text.model.edit_decoder import DELETE, KEEP, SUBSTITUTE

Save = Callable[[TransformModule, Path], Path]
Fixed = Callable[..., TransformModule]
Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def ambiguous(fixed: Fixed, save: Save, tmp_path: Path) -> Path:
    """A model that deletes a letter with probability 0.4, and writes "a" with 0.6 in two ways."""
    module = fixed(["a"], {DELETE: 0.4, KEEP: 0.35, SUBSTITUTE: 0.25})
    return save(module, tmp_path / "model.ckpt")


def test_answers_have_the_probabilities_worked_out_by_hand(run: Run, ambiguous: Path) -> None:
    """The most probable edits delete; the most probable text has two edits per letter.

    For "aa", one letter is deleted with probability 2 * 0.4 * 0.6.
    """
    command = ["--ckpt_path", ambiguous]
    assert run(predict.main, *command, "a", "aa") == (0, "\n\n", "")
    assert run(predict.main, *command, "--beam", 3, "a", "aa") == (0, "a\na\n", "")
    assert run(predict.main, *command, "--beam", 2, "--scores", "a", "") == (
        0,
        "a\t0.6000\t\t0.4000\n\n",
        "",
    )
    assert (
        run(predict.main, *command, "--beam", 3, "--scores", "aa")[1]
        == "a\t0.4800\taa\t0.3600\t\t0.1600\n"
    )
    assert run(predict.main, *command, "--scores", "aa") == (0, "\t0.1600\n", "")


def test_a_text_too_long_to_rank_is_refused_in_one_line(
    run: Run, ambiguous: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Texts before it are answered, and a text may be longer that is rewritten edit by edit."""
    monkeypatch.setattr(ranking, "MAX_RANKED", 3)
    command = ["--ckpt_path", ambiguous]
    assert run(predict.main, *command, "aaaa") == (0, "\n", "")
    assert run(predict.main, *command, "--scores", "aaa")[0] == 0
    for options in (["--scores"], ["--beam", 2], ["--ckpt_path", ambiguous]):
        status, out, err = run(predict.main, *command, *options, "a", "aaaa")
        assert (status, out.count("\n")) == (2, 1)
        assert err == (
            "error: text 2: expected at most 3 units for a beam, scores or several models (got 4)\n"
        )
    path = tmp_path / "pairs.tsv"
    path.write_text("a\ta\naaaa\taa\n")
    for options in (["--beam", 2], ["--ckpt_path", ambiguous]):
        status, out, err = run(evaluate.main, *command, *options, path)
        assert (status, out) == (2, "")
        assert err == (
            f"error: {path}, line 2: expected at most 3 units for a beam, scores or "
            "several models (got 4)\n"
        )


def test_a_text_too_long_to_rewrite_is_refused_in_one_line(
    run: Run, ambiguous: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(answers, "MAX_REWRITTEN", 3)
    path = tmp_path / "pairs.tsv"
    path.write_text("a\ta\naaaa\taa\n")
    command = ["--ckpt_path", ambiguous]
    for main, arguments, where in (
        (predict.main, ["a", "aaaa"], "text 2"),
        (predict.main, ["--format", "examples", "--input", path], f"{path}, line 2"),
        (evaluate.main, [path], f"{path}, line 2"),
    ):
        status, out, err = run(main, *command, *arguments)
        assert (status, out) == (2, "\n" if main is predict.main else "")
        assert err == f"error: {where}: expected at most 3 units (got 4)\n"


def test_a_beam_changes_the_scores_of_evaluate(
    ambiguous: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Answers are "" twice, or "a" twice; the second target is "aa"."""
    path = tmp_path / "pairs.tsv"
    path.write_text("a\ta\naa\taa\n")
    rows = {}
    for beam in ([], ["--beam", "1"], ["--beam", "3"]):
        evaluate.main(["--ckpt_path", str(ambiguous), *beam, str(path)])
        rows[*beam] = capsys.readouterr().out.splitlines()[1].replace(" %", "%").split()[1:]
    assert rows[()] == rows["--beam", "1"]
    assert rows[()] == ["2", "0.00%", "100.00%", "100.00%", "1.500", "1.000"]
    assert rows["--beam", "3"] == ["2", "50.00%", "33.33%", "33.33%", "0.500", "1.000"]


def test_examples_are_preprocessed_once_with_a_beam_too(
    fixed: Fixed, save: Save, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The model copies: without preprocessing, "A" stays "A" whatever the beam is."""
    module = fixed(["b"], {KEEP: 0.9, DELETE: 0.1}, preprocess="historical")
    checkpoint = save(module, tmp_path / "model.ckpt")
    path = tmp_path / "pairs.tsv"
    path.write_text("A\tA\n.\t.\n")
    for beam in ("1", "3"):
        command = ["--ckpt_path", str(checkpoint), "--preprocess", "none", "--beam", beam]
        evaluate.main([*command, str(path)])
        row = capsys.readouterr().out.splitlines()[1].replace(" %", "%").split()
        assert row[1:3] == ["2", "100.00%"], beam


def parse(line: str) -> list[tuple[str, float]]:
    columns = line.split("\t")
    pairs = zip(islice(columns, 0, None, 2), islice(columns, 1, None, 2), strict=True)
    return [(answer, float(probability)) for answer, probability in pairs]


def test_each_text_has_a_line_of_answers_in_order(
    run: Run, checkpoint: Path, tmp_path: Path
) -> None:
    """The probabilities are those of the model, text by text."""
    texts = ["What color is sky?", "", "two", "e\u0301", "two", "How many"]
    path = tmp_path / "in.txt"
    path.write_text("".join(f"{text}\tV\n" for text in texts), encoding="utf-8")
    command = ["--ckpt_path", checkpoint, "--input", path, "--beam", 3, "--batch_size", 2]
    status, out, err = run(predict.main, *command, "--scores")
    assert (status, err) == (0, "")
    *lines, rest = out.split("\n")
    assert rest == ""
    assert len(lines) == len(texts)
    net = load_module(checkpoint).net
    for text, line in zip(texts, lines, strict=True):
        if not text:
            assert line == ""
            continue
        answers, probabilities = zip(*parse(line), strict=True)
        assert 1 <= len(set(answers)) == len(answers) <= 3
        assert list(probabilities) == sorted(probabilities, reverse=True)
        assert math.fsum(probabilities) <= 1 + 3 * 5e-5  # rounded
        with torch.no_grad():
            number = len(answers)
            expected = log_probability(net, [text] * number, answers, [("V",)] * number).exp()
        assert probabilities == pytest.approx(expected.tolist(), abs=1e-4)
    assert len({*lines}) == 5
    firsts = "".join(f"{line.split(chr(9))[0]}\n" for line in lines)
    assert run(predict.main, *command) == (0, firsts, "")


def test_with_a_beam_of_one_the_answers_are_the_greedy_ones(run: Run, checkpoint: Path) -> None:
    texts = ["What color is sky?", "two", "é"]
    greedy = load_module(checkpoint).net(texts)
    assert run(predict.main, "--ckpt_path", checkpoint, "--beam", 1, *texts)[1] == "".join(
        f"{answer}\n" for answer in greedy
    )
    _, out, _ = run(predict.main, "--ckpt_path", checkpoint, "--scores", *texts)
    assert [[answer for answer, _ in parse(line)] for line in out.splitlines()] == [
        [answer] for answer in greedy
    ]


def test_what_is_looked_up_is_certain(run: Run, fixed: Fixed, save: Save, tmp_path: Path) -> None:
    module = fixed(
        ["a"],
        {KEEP: 0.75, DELETE: 0.25},
        lookup={"vn": "und", "é": "E"},
        preprocess="historical",
    )
    path = save(module, tmp_path / "model.ckpt")
    command = ["--ckpt_path", path, "--beam", 2, "--scores"]
    out = "und\t1.0000\nb\t0.7500\t\t0.2500\nE\t1.0000\n.,\t1.0000\n"
    assert run(predict.main, *command, "VN", "B", "e\u0301", ".,") == (0, out, "")
    # Texts with tags are not looked up: "vn", then "v" or "n", is 9 to 3 to 3 to 1.
    assert run(predict.main, *command, "--tags", "V", "vn")[1].startswith("vn\t0.5625\t")


def test_an_answer_with_a_tab_has_no_line_of_scores(
    run: Run, fixed: Fixed, save: Save, tmp_path: Path
) -> None:
    path = save(fixed(["\t"], {SUBSTITUTE: 0.75, KEEP: 0.25}), tmp_path / "model.ckpt")
    command = ["--ckpt_path", path, "--beam", 2]
    assert run(predict.main, *command, "a") == (0, "\t\n", "")
    status, out, err = run(predict.main, *command, "--scores", "a")
    assert (status, out) == (2, "")
    assert err == "error: text 1: expected an answer of one line, without tabs (got '\\t')\n"
