"""Files of data, by a path inside a folder that is named once."""

from pathlib import Path

import pytest

from lightning_modules import TextDataModule, evaluate
from lightning_modules.datamodules.data_files import find_file


@pytest.fixture(autouse=True)
def working_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A working directory, beside two folders of data."""
    for folder, name in (("work", "own.tsv"), ("one", "set/a.tsv"), ("two", "set/a.tsv")):
        (tmp_path / folder / name).parent.mkdir(parents=True)
        (tmp_path / folder / name).write_text(f"{folder}\tx\n")
    monkeypatch.chdir(tmp_path / "work")
    monkeypatch.delenv("PYG_GRAPHEME_DATA", raising=False)


def test_the_root_counts_before_the_variable_and_the_working_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    assert find_file("set/a.tsv", "x", str(one)) == one / "set/a.tsv"
    monkeypatch.setenv("PYG_GRAPHEME_DATA", str(two))
    assert find_file("set/a.tsv", "x") == two / "set/a.tsv"
    assert find_file("set/a.tsv", "x", str(one)) == one / "set/a.tsv"
    # What is in the working directory alone, has an absolute path or is bundled is still found.
    assert find_file("own.tsv", "x") == Path("own.tsv")
    assert find_file("../one/set/a.tsv", "x") == two / "../one/set/a.tsv"
    assert find_file(str(one / "set/a.tsv"), "x") == one / "set/a.tsv"
    assert find_file("bundled:kindergarten.jsonl", "x").is_file()
    assert find_file("-", "x") == Path("-")


def test_a_missing_file_is_one_line_that_names_file_option_and_page(tmp_path: Path) -> None:
    for root, message in (
        (None, "a.tsv: no such file, named by '--data.val'; PYG_GRAPHEME_DATA or '--data.root' "),
        (str(tmp_path), f"{tmp_path}/a.tsv: no such file, named by '--data.val', nor 'a.tsv' here"),
    ):
        with pytest.raises(FileNotFoundError) as error:
            TextDataModule(val="a.tsv", root=root).read_splits()
        assert str(error.value).startswith(message)
        assert "\n" not in str(error.value)
        assert "docs/data.md" in str(error.value)


def test_a_folder_of_data_is_named_by_an_option_where_there_is_one() -> None:
    with pytest.raises(FileNotFoundError, match=r"'--data.records'; PYG_GRAPHEME_DATA can name"):
        find_file("a.csv", "--data.records")


def test_evaluate_reads_from_the_folder_of_data(
    checkpoint: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("PYG_GRAPHEME_DATA", str(tmp_path / "one"))
    evaluate.main(["--ckpt_path", str(checkpoint), "set/a.tsv"])
    assert capsys.readouterr().out.splitlines()[1].split()[:2] == ["set/a.tsv", "1"]
