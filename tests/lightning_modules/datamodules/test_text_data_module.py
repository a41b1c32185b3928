"""Splits, and the generated curriculum's."""

from pathlib import Path

import pytest

from lightning_modules import MathsDataModule, TextDataModule
from pyg_grapheme.text import Example
from pyg_grapheme.text.typing import NormalForm


def test_maths_problems_of_test_are_not_trained_on() -> None:
    data = MathsDataModule(train_count=200, test_count=50)
    splits = data.splits
    assert set(splits) == {"train", "level_1", "level_2", "level_3", "level_4"}
    assert len(splits["train"]) == 800
    trained = {example.source for example in splits["train"]}
    for level in range(1, 5):
        tested = {example.source for example in splits[f"level_{level}"]}
        assert len(tested) == 50
        assert not tested & trained


def test_the_vocabulary_is_what_the_training_targets_are_made_of(tmp_path: Path) -> None:
    train, val = tmp_path / "train.tsv", tmp_path / "val.tsv"
    train.write_text("input\ttarget\nabq\tc a\nxy\tx yz\n")
    val.write_text("input\ttarget\nk\tm\n")
    data = TextDataModule(train=str(train), val=str(val))
    assert data.vocabulary == [" ", "a", "c", "x", "y", "z"]
    words = TextDataModule(train=str(train), target_units="whitespace")
    assert words.vocabulary == ["a", "c", "x", "yz"]


PAIRS = [("", "NFC", "NFD"), ("NFC", "NFC", "NFC"), ("NFD", "NFD", "NFD")]


@pytest.mark.parametrize(("given", "source", "target"), PAIRS)
def test_each_side_has_the_form_that_its_training_texts_ask_for(
    given: NormalForm, source: NormalForm, target: NormalForm, tmp_path: Path
) -> None:
    """Only the targets have umlauts in training; those of the validation do not count."""
    train, val = tmp_path / "train.tsv", tmp_path / "val.tsv"
    train.write_text("gruss\tgrüß\nweg\tweg\n", encoding="utf-8")
    val.write_text("über\tueber\n", encoding="utf-8")
    forms = {"source_form": given, "target_form": given} if given else {}
    data = TextDataModule(str(train), str(val), **forms)
    assert (data.source_form, data.target_form) == (source, target)
    assert ("\u0308" in data.vocabulary) == (target == "NFD")
    assert ("ü" in data.vocabulary) == (target == "NFC")
    (pair,) = data.loader("val")
    assert ("\u0308" in pair.source.text[0]) == (source == "NFD")


def test_unknown_units_and_forms_are_refused() -> None:
    for side in ("source_units", "target_units"):
        message = rf"Expected '{side}' to be one of 'codepoints', .* \(got 'letters'\)"
        with pytest.raises(ValueError, match=message):
            TextDataModule(**{side: "letters"})
    with pytest.raises(ValueError, match=r"Expected 'source_form' to be one of 'auto', 'NFC', 'N"):
        TextDataModule(source_form="none")  # type: ignore[arg-type]


def test_few_pairs_are_gone_through_several_times_an_epoch(tmp_path: Path) -> None:
    path = tmp_path / "pairs.tsv"
    path.write_text("a\tb\nc\td\ne\tf\n")
    for least, pairs in ((1, 3), (3, 3), (4, 6), (9, 9)):
        data = TextDataModule(train=str(path), min_epoch=least, batch_size=2)
        assert len(data.epoch) == pairs
        assert sum(pair.source.num_graphs for pair in data.train_dataloader()) == pairs


def test_every_file_is_preprocessed(tmp_path: Path) -> None:
    path = tmp_path / "pairs.txt"
    path.write_text("Vnd\tUnd\n\n.\t.\n")
    data = TextDataModule(train=str(path), val=str(path), preprocess="historical")
    assert data.splits == {"train": [Example("vnd", "und")], "val": [Example("vnd", "und")]}
    with pytest.raises(ValueError, match=r"Expected 'preprocess' to be one of 'none', 'hist"):
        TextDataModule(preprocess="modern")  # type: ignore[arg-type]


def test_bad_options_are_named() -> None:
    with pytest.raises(ValueError, match=r"Expected 'levels' to name at least one level"):
        MathsDataModule(levels=[])
    with pytest.raises(ValueError, match=r"Expected 'test_count' to be at least 1 \(got 0\)"):
        MathsDataModule(test_count=0)
    with pytest.raises(ValueError, match=r"Expected 'test' to have names of its own"):
        TextDataModule(test={"train": "x"})


def test_without_validation_data_there_is_nothing_to_validate_on() -> None:
    assert TextDataModule().val_dataloader() == []


def test_the_questions_are_at_least_thirty_and_the_unseen_ones_ask_about_other_nouns() -> None:
    files = "bundled:kindergarten.jsonl", "bundled:kindergarten_unseen.jsonl"
    data = TextDataModule(files[0], test={"unseen": files[1]})

    def words(text: str) -> set[str]:
        return {word.strip("?,").lower().removesuffix("s") for word in text.split()}

    known = {w for e in data.splits["train"] for w in words(e.source) | words(e.target)}
    assert len(data.splits["train"]) >= 30
    assert len(data.splits["unseen"]) == 10
    for example in data.splits["unseen"]:
        assert len(words(example.source) - known) == 1, example


def test_a_run_is_reported_on_some_of_its_training_pairs(tmp_path: Path) -> None:
    train, val = tmp_path / "train.tsv", tmp_path / "val.tsv"
    train.write_text("".join(f"a{i}\tb{i}\n" for i in range(9)), encoding="utf-8")
    val.write_text("".join(f"c{i}\tb{i}\n" for i in range(9)), encoding="utf-8")
    data = TextDataModule(str(train), str(val), report_limit=4)
    assert [e.source for e in data.datasets["train"].examples] == ["a0", "a2", "a4", "a6"]
    assert len(data.datasets["val"]) == 9
    assert sum(pair.source.num_graphs for pair in data.train_dataloader()) == 9
    with pytest.raises(ValueError, match="'report_limit' to be at least 1"):
        TextDataModule(str(train), report_limit=0)
