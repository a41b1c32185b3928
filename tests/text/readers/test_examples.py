"""File formats: what is read, and what each refused file is told."""

import json
from pathlib import Path

import pytest

from pyg_grapheme.text import Example, ExampleError, read_examples

SHARED = Path(__file__).resolve().parents[3].parent / "shared" / "data"
needs_shared = pytest.mark.skipif(
    not SHARED.is_dir(), reason=f"no data in {SHARED}: docs/data.md says where to get it"
)

QUESTIONS = [Example("Hi, you?", "Yes"), Example("é", "")]


def write(folder: Path, content: str | bytes, name: str = "examples.txt") -> Path:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (
            '{"input": "Hi, you?", "target": "Yes", "id": 3}\n{"target": "", "input": "\\u00e9"}\n',
            QUESTIONS,
        ),
        ("input\ttarget\nHi, you?\tYes\né\t\n", QUESTIONS),
        ("id\ttarget\tinput\n1\tYes\tHi, you?\n2\t\té\n", QUESTIONS),
        ('input,target\n"Hi, you?",Yes\né,\n', QUESTIONS),
        (
            'input,target\n"two\nlines","say ""x"""\nb,c\n',
            [Example("two\nlines", 'say "x"'), Example("b", "c")],
        ),
        (
            "walk\twalked\tV;PST\nice cream\tice creams\tN;PL\nx\ty\t\n",
            [
                Example("walk", "walked", ("V", "PST")),
                Example("ice cream", "ice creams", ("N", "PL")),
                Example("x", "y"),
            ],
        ),
        ("Hi, you?\tYes\né\t\n", QUESTIONS),
        ("aai\taː i\nvnd\tund\n", [Example("aai", "aː i"), Example("vnd", "und")]),
        ("answer\tanswer\nid\tanswer\n", [Example("answer", "answer"), Example("id", "answer")]),
        ("answer\tˈænsə\n", [Example("answer", "ˈænsə")]),
    ],
    ids=[
        "jsonl",
        "tsv",
        "tsv reordered",
        "csv",
        "csv quoted newline",
        "inflection",
        "pairs",
        "pairs, phones",
        "pairs, twice a header's name",
        "pairs, once a header's name",
    ],
)
def test_formats_are_told_by_the_first_line(
    tmp_path: Path, content: str, expected: list[Example]
) -> None:
    """A byte order mark and empty lines at the end change nothing."""
    for whole in (content, f"\ufeff{content}", f"{content}\n\n\n", f"\ufeff{content}\n\n\n"):
        path = write(tmp_path, whole)
        assert read_examples(path) == read_examples(str(path)) == expected


def test_windows_line_ends_are_no_part_of_the_text(tmp_path: Path) -> None:
    for content in (
        '{"input": "a", "target": "b"}\r\n{"input": "c", "target": "d"}\r\n\r\n',
        "input\ttarget\r\na\tb\r\nc\td\r\n\r\n",
        "input,target\r\na,b\r\nc,d\r\n\r\n",
        "a\tb\t\r\nc\td\t\r\n\r\n",
        "a\tb\r\nc\td\r\n\r\n",
    ):
        expected = [Example("a", "b"), Example("c", "d")]
        assert read_examples(write(tmp_path, content)) == expected, content


def test_maths_answers_become_text(tmp_path: Path) -> None:
    answers: list[tuple[dict[str, object], str]] = [
        ({"expected_result": 25.0}, "25"),
        ({"expected_result": -4}, "-4"),
        ({"expected_result": 2.5}, "2.5"),
        ({"expected_result": 0.1, "expected_symbolic": None}, "0.1"),
        ({"expected_result": 3.46, "expected_symbolic": "(* 2 (sqrt 3))"}, "(* 2 (sqrt 3))"),
        ({"expected_symbolic": "x"}, "x"),
        ({"expected_result": 2**53 + 1}, "9007199254740993"),
    ]
    for answer, target in answers:
        path = write(tmp_path, json.dumps({"input_polish": "(f x)", **answer}))
        assert read_examples(path) == [Example("(f x)", target)]


@needs_shared
def test_kindergarten_files_are_read_whole() -> None:
    for name in ("simple_qa", "level_1"):
        path = SHARED / "grapheme" / "kindergarten" / f"{name}.jsonl"
        records = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
        assert len(records) == 10
        assert read_examples(path) == [Example(r["input"], r["target"]) for r in records]


@needs_shared
def test_generated_maths_is_read_whole() -> None:
    path = SHARED / "grapheme" / "generated" / "level_1.jsonl"
    examples = read_examples(path)
    assert len(examples) == 100
    assert examples[0] == Example("(+ 16 9)", "25")
    for source, target, _ in examples:
        operator, left, right = source.strip("()").split()
        assert int(target) == int(eval(f"{left} {operator} {right}"))


@needs_shared
@pytest.mark.parametrize("language", ["english", "finnish", "german", "turkish"])
def test_inflection_files_are_read_whole(language: str) -> None:
    for split, count in (("dev", 1000), ("train-low", 100)):
        path = SHARED / "sigmorphon2018_inflection" / language / f"{split}.tsv"
        examples = read_examples(path)
        lines = [f"{e.source}\t{e.target}\t{';'.join(e.tags)}\n" for e in examples]
        assert len(examples) == count
        assert "".join(lines) == path.read_text(encoding="utf-8")


@needs_shared
@pytest.mark.parametrize("language", ["dut", "fre", "hun", "kor"])
def test_pronunciation_files_are_read_whole(language: str) -> None:
    for split, count in (("train", 3600), ("dev", 450), ("test", 450)):
        path = SHARED / "sigmorphon2020_g2p" / f"{language}_{split}.tsv"
        examples = read_examples(path)
        assert len(examples) == count
        assert "".join(f"{e.source}\t{e.target}\n" for e in examples) == path.read_text("utf-8")


GOOD = '{"input": "a", "target": "b"}\n'
MATHS = '{"input_polish": "a", "expected_result": 1}\n'

REFUSED = {
    "empty file": ("", r"at least one example \(got an empty file\)"),
    "only blank lines": ("\ufeff\n \n", r"at least one example \(got an empty file\)"),
    "header only": ("input\ttarget\n", r"line 2: .*at least one example \(got a header and"),
    "csv header only": ("input,target\n\n", r"line 2: .*at least one example \(got a header and"),
    "NUL": (b"a\tb\tc\nd\te\0\tf\n", "line 2: expected a text file in UTF-8 .*NUL byte"),
    "not UTF-8": (b"a\tb\tc\nd\te\tf\n\xff\n", "line 3: expected a text file in UTF-8 .*0xff"),
    "UTF-16": ("a\tb\tc\n".encode("utf-16"), "line 1: expected a text file in UTF-8 .*0xff"),
    "one column": (
        "hello\nyou\n",
        r"line 1: expected questions .*got 1 field\(s\) \['hello'\]\)",
    ),
    "four columns": ("a\tb\tc\td\n", r"line 1: .*got 4 field\(s\) \['a', 'b', 'c', 'd'\]\)"),
    "not UTF-8 behind a BOM": (b"\xef\xbb\xbfa\xe9\tb\n", "line 1: expected .*got byte 0xe9"),
    "UTF-8 cut short": ("a\tb\tc\né".encode()[:-1], "line 2: expected a text file .*got byte 0xc3"),
    "pairs, header": (
        "Question\tAnswer\na\tb\n",
        r"line 1: expected questions .* \(got 2 field\(s\) \['Question', 'Answer'\]\)",
    ),
    "pairs, columns": (
        "a\tb\nc\td\te\n",
        r"line 2: expected 2 columns as in line 1: input, target "
        r"\(got 3 field\(s\) \['c', 'd', 'e'\]\)",
    ),
    "pairs, blank line": ("a\tb\n\nc\td\n", r"line 2: expected 2 .* \(got an empty line\)"),
    "pairs, empty input": ("a\tb\n\td\n", "line 2: .*got an empty input text"),
    "long first line": ("a" * 99 + "\n", r"got 1 field\(s\) \['a{59}…'\]"),
    "blank first line": ("\na\tb\tc\n", r"line 1: expected questions .* \(got an empty line\)"),
    "inflection, columns": (
        "a\tb\tc\nd\te\n",
        r"line 2: expected 3 columns as in line 1: lemma, form, features "
        r"\(got 2 field\(s\) \['d', 'e'\]\)",
    ),
    "inflection, blank line": ("a\tb\tc\n\nd\te\tf\n", r"line 2: .* \(got an empty line\)"),
    "tsv, columns": (
        "input\ttarget\na\tb\nc\n",
        r"line 3: expected 2 columns: \['input', 'target'\] \(got 1: \['c'\]\)",
    ),
    "tsv, blank line": ("input\ttarget\na\tb\n\nc\td\n", r"line 3: .*got 0: \[\]"),
    "csv, columns": ("input,target\na,b,c\n", r"line 2: .*got 3: \['a', 'b', 'c'\]"),
    "csv, late line": ('input,target\n"a\nb",c\nd\n', r"line 4: .*got 1: \['d'\]"),
    "csv, quoting": ('input,target\na,"b"c\n', r"line 2: expected 2 columns \(got broken quoting"),
    "csv, open quote": ('input,target\na,"b\n', r"line 2: expected 2 columns \(got broken quoting"),
    "csv, quote within a name": (
        'input,target",x\na,b,c\n',
        r"line 1: expected a header with the columns 'input' and 'target' "
        r"\(got \['input', 'target\"', 'x'\]\)",
    ),
    "tsv, quote within a name": ('target\t"input\na\tb\n', "line 1: expected .*got broken quoting"),
    "json, broken first": ("{'input': 1}\n", "line 1: expected a JSON object .*is not JSON"),
    "json, broken": (GOOD + '{"input": \n', "line 2: expected a JSON object .*is not JSON"),
    "json, blank line": (GOOD + "\n" + GOOD, r"line 2: expected a JSON object \(got '', which"),
    "json, non-object": (GOOD + "[1, 2]\n", r"line 2: expected a JSON object \(got '\[1, 2\]'\)"),
    "csv, a column twice": (
        "input,input,target\na,b,c\n",
        r"line 1: expected one column 'input' and one 'target' \(got \['input', 'input', 'targ",
    ),
    "json, a name twice": (
        GOOD + '{"input": "a", "target": "b", "input": "c"}\n',
        r"line 2: expected a JSON object .*\('input' is there twice\)",
    ),
    "json, deep": ('{"input":' + "[" * 100_000, "line 1: expected a JSON object .*is not JSON"),
    "json, first fields": (
        '{"question": 1, "answer": 2}\n',
        r"line 1: expected questions .* \(got 2 field\(s\) \['answer', 'question'\]\)",
    ),
    "json, fields": (
        GOOD + '{"input": "a"}\n',
        r"line 2: expected 'input' and 'target' \(got 1 field\(s\) \['input'\]\)",
    ),
    "json, number": (GOOD + '{"input": 1, "target": "b"}', "line 2: .*text .*got 1 in .*'input'"),
    "json, lone surrogate": (
        GOOD + '{"input": "\\ud800", "target": "b"}',
        r"line 2: expected a text without lone surrogates .*in field 'input'",
    ),
    "json, null": (GOOD + '{"input": "a", "target": null}', "line 2: .*got None in .*'target'"),
    "json, empty input": (
        GOOD + '{"input": "", "target": "b"}',
        r"line 2: expected at least one character to rewrite \(got an empty input text\)",
    ),
    "tsv, empty input": ("input\ttarget\n\tb\n", "line 2: .*got an empty input text"),
    "inflection, empty input": ("\tb\tV\n", "line 1: .*got an empty input text"),
    "maths, fields": (
        MATHS + GOOD,
        r"line 2: expected 'input_polish' \(got 2 field\(s\) \['input', 'target'\]\)",
    ),
    "inflection, old line ends": (
        "walk\twalked\rsee\tsaw\r\n",
        r"line 1: expected a line feed at its end \(got a carriage return inside it\)",
    ),
    "pairs, old line ends": ("a\tb\nc\td\re\tf\n", "line 2: expected a line feed at its end"),
    "maths, no answer": (
        MATHS + '{"input_polish": "a", "expected_result": null}',
        r"line 2: expected 'expected_result' or 'expected_symbolic' "
        r"\(got 1 field\(s\) \['input_polish'\]\)",
    ),
    "maths, input": ('{"input_polish": 5, "expected_result": 1}', "got 5 in field 'input_polish'"),
    "maths, symbolic": (
        '{"input_polish": "a", "expected_symbolic": [1]}',
        r"a text there \(got \[1\] in field 'expected_symbolic'",
    ),
}
RESULTS = {"true": "True", "NaN": "nan", "Infinity": "inf", "-1e999": "-inf", '"25"': "'25'"}


@pytest.mark.parametrize(("content", "message"), REFUSED.values(), ids=REFUSED.keys())
def test_files_that_do_not_fit_are_refused(
    tmp_path: Path, content: str | bytes, message: str
) -> None:
    path = write(tmp_path, content, "bad.txt")
    with pytest.raises(ExampleError, match=rf"(?s)bad\.txt\b.*{message}"):
        read_examples(path)


def test_results_that_are_no_finite_number_are_refused(tmp_path: Path) -> None:
    for result, shown in RESULTS.items():
        path = write(tmp_path, MATHS + f'{{"input_polish": "a", "expected_result": {result}}}')
        expected = rf"line 2: expected a finite number there \(got {shown} in field 'expected_res"
        with pytest.raises(ExampleError, match=expected):
            read_examples(path)


def read_or_refuse(path: Path) -> list[Example] | str:
    try:
        return read_examples(path)
    except ExampleError as error:
        return str(error)


def test_a_first_line_that_csv_cannot_split_is_no_csv_error(tmp_path: Path) -> None:
    for content in (
        'input,target,"abc\nq,a,x\n',  # open quote
        'input,target,"a"b\nq,a,x\n',  # broken quoting
        "input,target\rq,a\r",  # old Mac line ends
        "a\tb\rc\tV\n",  # stray carriage return
        "a" * 200_000 + "\tb\tV\n",
        '{"input_polish": "a", "expected_result": ' + "9" * 400 + "}",
        '{"input_polish": "a", "expected_result": ' + "9" * 5000 + "}",
    ):
        outcome = read_or_refuse(write(tmp_path, content))
        assert isinstance(outcome, list) or "examples.txt, line 1" in outcome, content[:60]


def test_the_message_names_the_fields_that_each_format_expects(tmp_path: Path) -> None:
    fields = "(?s)'input' and 'target'.*'input_polish'.*'expected_result'.*lemma, form, features"
    with pytest.raises(ExampleError, match=rf"{fields}.*: input, target"):
        read_examples(write(tmp_path, "hello\n"))


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"nowhere\.jsonl: no such file"):
        read_examples(tmp_path / "nowhere.jsonl")


def test_a_directory_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ExampleError, match=r"expected a file \(got a directory\)"):
        read_examples(tmp_path)


def test_example_errors_are_value_errors() -> None:
    assert issubclass(ExampleError, ValueError)
