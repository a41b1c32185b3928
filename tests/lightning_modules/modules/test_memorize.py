"""A model may answer what it was trained on by what most examples say."""

import json
from itertools import product
from pathlib import Path
from typing import get_args

import pytest

from lightning_modules import TextDataModule, TransformModule, evaluate, fit, load_module
from lightning_modules.modules.text.scores import predict_examples
from pyg_grapheme.text import Example, PairDataset, TextUnits
from pyg_grapheme.text.typing import NormalForm, UnitsName

PAIRS = (
    "vn\tund\nvn\tund\nvn\tun\n"  # two of three
    "jn\tin\njn\tihn\n"  # one of two: they agree on nothing
    "e\u0301\tE\n"  # to be found composed
)
KNOWN = {"vn": "und", "é": "E"}


@pytest.fixture
def pairs(tmp_path: Path) -> Path:
    path = tmp_path / "pairs.tsv"
    path.write_text(PAIRS, encoding="utf-8")
    return path


def test_what_more_than_half_of_the_examples_say_is_known(pairs: Path) -> None:
    assert TextDataModule(train=str(pairs), memorize=True).lookup == KNOWN
    assert TextDataModule(train=str(pairs)).lookup == {}


def test_examples_with_tags_are_passed_over(tmp_path: Path) -> None:
    path = tmp_path / "forms.tsv"
    path.write_text("go\twent\tV;PST\nbe\tbe\tV;NFIN\n")
    assert TextDataModule(train=str(path), memorize=True).lookup == {}


def test_texts_with_tags_and_others_are_rewritten() -> None:
    plain = TransformModule(["a"], channels=4, layers=1).eval()
    module = TransformModule(["a"], lookup=KNOWN, channels=4, layers=1).eval()
    module.load_state_dict(plain.state_dict())
    texts, tags = ["vn", "vn", "jn", "e\u0301"], [[], ["V"], [], []]
    assert module(texts, tags) == ["und", *plain(texts[1:3], tags[1:3]), "E"]
    assert module(texts[:1]) == ["und"]


def test_what_comes_with_tags_is_not_recalled() -> None:
    known = {"v é": "a"}
    examples = [Example("v e\u0301", "a", tags) for tags in ((), ("V",), ())]
    for units in map(TextUnits._make, product(get_args(UnitsName), get_args(NormalForm))):
        module = TransformModule(
            ["b"], units.kind, units.kind, units.form, units.form, known, channels=4, layers=1
        ).eval()
        dataset = PairDataset(examples, module.net.vocabulary, units, units)
        written, _ = predict_examples(module, dataset)
        assert written == ["a", *module.net(["v é"], [["V"]]), "a"], units
        assert module([e.source for e in examples], [e.tags for e in examples]) == written


def test_a_run_that_recalls_is_scored_saved_and_loaded(
    pairs: Path, short_run: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    files = [f"--data.init_args.{name}={pairs}" for name in ("train", "val")]
    data = ["--data=lightning_modules.TextDataModule", *files, "--data.init_args.memorize=true"]
    fit.main([*short_run, *data, f"--output={tmp_path}"])
    folder = tmp_path / "kindergarten/version_0"
    checkpoint = folder / "checkpoints/model.ckpt"
    module = load_module(checkpoint)
    assert module(["vn", "é"]) == ["und", "E"]
    splits = json.loads((folder / "summary.json").read_text())["splits"]
    assert splits["val"]["exact_match"] >= 3 / 6
    capsys.readouterr()
    evaluate.main([f"--ckpt_path={checkpoint}", str(pairs)])
    assert f"{splits['val']['exact_match']:.2%}".replace("%", " %") in capsys.readouterr().out
