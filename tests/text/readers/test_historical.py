"""Historical spellings: the usual preprocessing, against what is known of the corpora."""

import warnings
from collections import Counter, defaultdict
from pathlib import Path

import pytest

from pyg_grapheme.text import Example, ExampleError, read_examples
from pyg_grapheme.text.readers.historical import preprocess_historical

SHARED = Path(__file__).resolve().parents[3].parent / "shared" / "data" / "histnorm"
needs_shared = pytest.mark.skipif(
    not SHARED.is_dir(), reason=f"no data in {SHARED}: docs/data.md says where to get it"
)


def read(corpus: str, split: str) -> list[Example]:
    with warnings.catch_warnings():
        # The German corpus has a line without a tab, and two with two.
        warnings.filterwarnings("ignore", ".*german-ridges.* without two columns: [12],")
        return read_examples(SHARED / f"{corpus}.{split}.txt", preprocess="historical")


@needs_shared
@pytest.mark.parametrize(
    ("corpus", "counts"),
    [("german-ridges", (41868, 9712, 9590)), ("icelandic-icepahc", (49633, 6109, 6037))],
)
def test_as_many_pairs_are_left_as_published(corpus: str, counts: tuple[int, ...]) -> None:
    assert tuple(len(read(corpus, split)) for split in ("train", "dev", "test")) == counts


def percentage(hits: int, of: int) -> float:
    return round(100 * hits / of, 2)


@needs_shared
@pytest.mark.parametrize(
    ("corpus", "split", "identity", "memorised", "new", "identity_of_new"),
    [
        ("german-ridges", "dev", 43.59, 82.38, 15.19, 20.34),
        ("german-ridges", "test", 44.38, 82.18, 15.62, 19.96),
        ("icelandic-icepahc", "dev", 47.77, 82.44, 11.39, 31.47),
        ("icelandic-icepahc", "test", 47.62, 83.00, 11.10, 29.40),
    ],
)
def test_trivial_scores_are_those_known_of_the_corpora(
    corpus: str, split: str, identity: float, memorised: float, new: float, identity_of_new: float
) -> None:
    answers: dict[str, Counter[str]] = defaultdict(Counter)
    for source, target, _ in read(corpus, "train"):
        answers[source][target] += 1
    commonest = {source: counts.most_common(1)[0][0] for source, counts in answers.items()}
    tested = read(corpus, split)
    unseen = [e for e in tested if e.source not in commonest]
    copied = sum(e.source == e.target for e in tested)
    remembered = sum(commonest.get(e.source, e.source) == e.target for e in tested)
    assert percentage(copied, len(tested)) == identity
    assert percentage(remembered, len(tested)) == memorised
    assert percentage(len(unseen), len(tested)) == new
    assert percentage(sum(e.source == e.target for e in unseen), len(unseen)) == identity_of_new


def test_pairs_are_preprocessed_as_by_hand() -> None:
    for source, target, expected in (
        ("Diſem", "diesem", Example("diſem", "diesem")),
        (" dañ ", "dann", Example("dañ", "dann")),
        ("dan\u0303", "dann", Example("dañ", "dann")),
        ("Anno 1543", "anno 1543", Example("anno 0000", "anno 0000")),
        ("1.", "1", Example("1.", "1")),
        ("+", "plus", Example("+", "plus")),
        ("gieng's", "ging es", Example("gieng's", "ging es")),
        (".", "I.", None),
        ("vnd", "...", None),
        ("⸗", "⸗", None),
        ("vnd", " ", None),
        ("", "und", None),
    ):
        assert preprocess_historical(source, target) == expected, (source, target)


def write(folder: Path, content: str) -> Path:
    path = folder / "pairs.txt"
    path.write_text(content, encoding="utf-8")
    return path


def test_lines_without_a_pair_are_left_out(tmp_path: Path) -> None:
    content = "\n \r\nVnd\tUnd\r\n\n dañ\n.\tI.\tII.\n.\t.\nvorred\tVorrede\t1\ner\t\n"
    expected = [Example("vnd", "und"), Example("vorred", "vorrede")]
    message = r"pairs\.txt: lines without two columns: 3, the first is line 5; those without a tab"
    with pytest.warns(UserWarning, match=message):
        assert read_examples(write(tmp_path, content), preprocess="historical") == expected


def test_files_without_pairs_are_refused(tmp_path: Path) -> None:
    for content, message in (
        (
            "\ninput\ttarget\na\tb\n",
            r"line 2: expected an old and a modern spelling without a head",
        ),
        ("walk\twalked\tV;PST\n", r"line 1: expected an old .*got \['walk', 'walked', 'V;PST'\]"),
        ('{"input": "a", "target": "b"}\n', r"pairs\.txt: expected at least one pair"),
        (".\t.\n", r"pairs\.txt: expected at least one pair"),
        ("", r"pairs\.txt: expected at least one example \(got an empty file\)"),
    ):
        with pytest.raises(ExampleError, match=message):
            read_examples(write(tmp_path, content), preprocess="historical")


def test_an_unknown_preprocessing_is_refused(tmp_path: Path) -> None:
    message = r"Expected 'preprocess' to be one of 'none', 'historical' \(got 'modern'\)"
    with pytest.raises(ValueError, match=message):
        read_examples(write(tmp_path, "a\tb\n"), preprocess="modern")  # type: ignore[arg-type]
