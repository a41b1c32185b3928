"""The rows of the transduction tables without the text model."""

import random
from pathlib import Path

import pytest

from benchmarks.transduction.baselines import LEARN
from benchmarks.transduction.cells import Cell
from benchmarks.transduction.data import (
    Pair,
    Splits,
    generate_maths,
    read_splits,
    split_examples,
)
from benchmarks.transduction.look_up import learn_answers, look_up
from benchmarks.transduction.scoring import score
from benchmarks.transduction.suffix_table import inflect, learn_suffixes
from benchmarks.transduction.tagger_training import TaggerOptions, rewrite, train_tagger
from pyg_grapheme.text import Example, TextUnits

ROOT = Path(__file__).resolve().parents[2]
DATA = ROOT.parent / "shared" / "data"


def needs(name: str) -> pytest.MarkDecorator:
    folder = DATA / name
    return pytest.mark.skipif(not folder.is_dir(), reason=f"no data in {folder}")


def pair(source: str, target: str, *tags: str) -> Pair:
    return Pair(tuple(source), tuple(target), tags)


def accuracy(splits: Splits, predictions: list[tuple[str, ...]]) -> float:
    texts = [splits.target.join(units) for units in predictions]
    targets = [splits.target.join(p.target) for p in splits.test["test"]]
    return 100 * score(texts, targets).accuracy


def test_the_longest_suffix_wins() -> None:
    table = learn_suffixes(
        [
            pair("walk", "walked", "PST"),
            pair("bake", "baked", "PST"),
            pair("walk", "walks", "PRS"),
            pair("go", "went", "PST"),
        ]
    )
    # "" -> "ed" of walk beats nothing; "e" -> "ed" of bake is longer.
    assert inflect(table, "jump", ("PST",)) == "jumped"
    assert inflect(table, "hike", ("PST",)) == "hiked"
    assert inflect(table, "jump", ("PRS",)) == "jumps"
    # "go" and "went" share the mark of the start alone: cut there, all of it is replaced.
    assert inflect(table, "go", ("PST",)) == "went"
    assert inflect(table, "ago", ("PST",)) == "awent"
    assert inflect(table, "jump", ("FUT",)) == "jump"


def test_the_commonest_replacement_wins_and_of_equals_the_first() -> None:
    several = [pair("ab", "abx"), pair("cb", "cby"), pair("db", "dby")]
    assert inflect(learn_suffixes(several), "eb", ()) == "eby"
    assert inflect(learn_suffixes(several[:2]), "eb", ()) == "ebx"
    assert inflect(learn_suffixes(several[1::-1]), "eb", ()) == "eby"


@needs("sigmorphon2018_inflection")
def test_the_suffix_table_has_its_known_accuracy() -> None:
    expected = {
        ("english", "low"): "79.8",
        ("english", "medium"): "91.3",
        ("german", "medium"): "75.8",
        ("turkish", "low"): "14.7",
        ("finnish", "medium"): "35.3",
        ("finnish", "high"): "51.3",
    }
    found = {}
    for task in expected:
        splits = read_splits(DATA, "inflection", *task)
        learned = LEARN["suffix_table"](Cell("inflection", *task, "suffix_table"), splits)
        found[task] = f"{accuracy(splits, learned.rewrite(splits.test['test'])):.1f}"
    assert found == expected


def test_look_up_by_hand() -> None:
    answers = learn_answers([pair("vnd", "und"), pair("vnd", "vnd"), pair("vnd", "und")])
    assert look_up(answers, tuple("vnd")) == tuple("und")
    assert look_up(answers, tuple("vns")) == tuple("vns")


@pytest.mark.slow
@needs("histnorm")
# The German corpus has a line without a tab, and two with two.
@pytest.mark.filterwarnings("ignore:.*german-ridges.* without two columns. [12],")
def test_look_up_has_its_known_accuracy() -> None:
    # "memorise" in the README of the data.
    expected = {
        ("german-ridges", "all"): "82.18",
        ("icelandic-icepahc", "all"): "83.00",
        ("german-ridges", "25000"): "78.34",
        ("icelandic-icepahc", "25000"): "78.85",
    }
    found = {}
    for task in expected:
        splits = read_splits(DATA, "normalisation", *task)
        assert len(splits.train) == 25_000 or task[1] == "all"
        answers = learn_answers(splits.train)
        predictions = [look_up(answers, p.source) for p in splits.test["test"]]
        found[task] = f"{accuracy(splits, predictions):.2f}"
    assert found == expected


def test_korean_is_read_as_jamo() -> None:
    splits = split_examples({"train": [Example("가발", "k a̠ b a̠ ɭ")]}, "whitespace")
    (found,) = splits.train
    assert len(found.source) == 5  # two jamo and three
    assert found.target == ("k", "a̠", "b", "a̠", "ɭ")
    assert splits.source.join(found.source) == "가발"


def test_maths_are_the_problems_of_the_data_module(monkeypatch: pytest.MonkeyPatch) -> None:
    import yaml

    from lightning_modules import MathsDataModule

    monkeypatch.chdir(ROOT)
    config = Path("conf/maths.yaml")
    splits = split_examples(generate_maths(config), "codepoints")
    data = MathsDataModule(**yaml.safe_load(config.read_text())["data"]["init_args"])
    texts = {name: ["".join(p.source) for p in pairs] for name, pairs in splits.test.items()}
    texts["train"] = ["".join(p.source) for p in splits.train]
    assert texts == {name: [e.source for e in found] for name, found in data.splits.items()}
    held_out = [text for name in splits.test for text in texts[name]]
    assert len(held_out) == len(set(held_out)) > 0
    assert not set(held_out) & set(texts["train"])


def test_scores_by_hand() -> None:
    # A letter with its mark counts once, however it is written.
    assert score(["abc", "u\u0308"], ["abd", "u"]) == (2, 0.0, 0.5, None)
    phones = TextUnits("whitespace")
    assert score(["a b c", "t͡ʃ"], ["a b d", "t͡ʃ"], phones) == (2, 0.5, 0.25, None)


SMALL = TaggerOptions(
    max_steps=120, batch_size=16, lr=1e-2, channels=16, hidden=16, layers=1, checks=4
)


def plural(stem: str) -> list[Pair]:
    return [pair(stem, stem + "s", "PL"), pair(stem, stem, "SG"), pair(stem, "re" + stem, "RE")]


def test_the_tagger_learns_a_tiny_task() -> None:
    draw = random.Random(0)
    stems = ["".join(draw.choices("abcde", k=draw.randint(2, 5))) for _ in range(60)]
    train, dev = ([p for stem in part for p in plural(stem)] for part in (stems[:50], stems[50:]))
    trained = train_tagger(train, dev, SMALL, log=lambda line: None)
    assert rewrite(trained, dev, size=7) == [p.target for p in dev]
    # An unknown unit and an unknown tag are no error; the unit itself is kept.
    ((first, *_),) = rewrite(trained, [pair("ñab", "", "XX", "SG")])
    assert first in "ñr"


def test_the_tagger_needs_no_tags_and_no_dev_set_and_is_deterministic() -> None:
    train = [pair("ab", "b"), pair("cb", "b"), pair("b", "b")]
    options = SMALL._replace(max_steps=60, dropout=0.0)
    trained = train_tagger(train, [], options, log=lambda line: None)
    assert rewrite(trained, train) == [("b",)] * 3
    again = train_tagger(train, [], options, log=lambda line: None)
    states = (t.model.state_dict() for t in (trained, again))
    assert all((a == b).all() for a, b in zip(*(s.values() for s in states), strict=True))


def test_the_tagger_can_change_the_case_where_that_is_possible() -> None:
    train = [pair(stem, stem.capitalize()) for stem in ("ab", "ba", "bb", "aa", "abab", "baab")]
    trained = train_tagger(train, [], SMALL, log=lambda line: None)
    assert rewrite(trained, [pair("bab", ""), pair("1ab", "")]) == [tuple("Bab"), tuple("1ab")]
