"""The examples that travel with the package."""

from pathlib import Path

import pytest

from benchmarks.english_forms import draw_forms
from pyg_grapheme.text import read_examples
from pyg_grapheme.text.bundled import resolve_path

SHARED = Path(__file__).resolve().parents[2].parent / "shared" / "data"


def test_no_verb_is_both_trained_on_and_unseen() -> None:
    train, unseen = (
        {example.source for example in read_examples(resolve_path(f"bundled:{name}.tsv"))}
        for name in ("english", "english_unseen")
    )
    assert train
    assert unseen
    assert not train & unseen


@pytest.mark.skipif(not SHARED.is_dir(), reason=f"no data in {SHARED}: see docs/data.md")
def test_the_english_forms_are_what_the_script_draws_and_none_of_the_task_s_test() -> None:
    files = [resolve_path(f"bundled:{name}.tsv") for name in ("english", "english_unseen")]
    bundled = tuple(file.read_text(encoding="utf-8").splitlines(keepends=True) for file in files)
    assert bundled == draw_forms(SHARED)
    assert [len(set(lines)) for lines in bundled] == [1000, 500]
    test = (SHARED / "sigmorphon2018_inflection/english/test.tsv").read_text(encoding="utf-8")
    assert not {*test.splitlines(keepends=True)} & {*bundled[0], *bundled[1]}
