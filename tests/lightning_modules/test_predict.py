"""Rewriting texts from the command line: a line out for each line in."""

import io
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from lightning_modules import TransformModule, load_module, predict
from lightning_modules.modules.text import predict as text_predict
from lightning_modules.modules.text.predict import rewrite
from lightning_modules.modules.text.requests import Request, read_batches, requests_of_lines
from pyg_grapheme.text import generate_problems, read_examples, write_problems
from pyg_grapheme.text.model import Rewrite
from pyg_grapheme.text.readers.text_input import open_text

ROOT = Path(__file__).parents[2]

Feed = Callable[[bytes], None]
Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def feed(monkeypatch: pytest.MonkeyPatch) -> Feed:
    """Make bytes the standard input, of a terminal that speaks ASCII alone."""

    def set_input(content: bytes) -> None:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content), "ascii"))

    return set_input


@pytest.fixture
def run(checkpoint: Path, capsysbinary: pytest.CaptureFixture[bytes]) -> Run:
    """Run the command and return its status, output and errors."""

    def predicted(*arguments: str) -> tuple[int, str, str]:
        status = 0
        try:
            predict.main(["--ckpt_path", str(checkpoint), *arguments])
        except SystemExit as stop:
            status = stop.code if isinstance(stop.code, int) else 1
        out, err = capsysbinary.readouterr()
        return status, out.decode(), err.decode()

    return predicted


@pytest.fixture
def module(checkpoint: Path) -> TransformModule:
    """The model itself."""
    return load_module(checkpoint)


def lines(answers: list[str]) -> str:
    return "".join(f"{answer}\n" for answer in answers)


def test_texts_may_be_arguments(run: Run, module: TransformModule) -> None:
    expected = module(["What color is sky?", "é"])
    assert run("What color is sky?", "e\u0301") == (0, lines(expected), "")


def test_texts_may_be_lines_of_standard_input(run: Run, feed: Feed, module) -> None:
    feed("\ufeffone\r\né\nthree".encode())
    assert run() == (0, lines(module(["one", "é", "three"])), "")


def test_texts_may_be_lines_of_a_file(
    run: Run, feed: Feed, module: TransformModule, tmp_path: Path
) -> None:
    path = tmp_path / "in.txt"
    path.write_bytes(b"one\ntwo\n")
    assert run("--input", str(path)) == (0, lines(module(["one", "two"])), "")
    feed(b"one\n")
    assert run("--input", "-") == (0, lines(module(["one"])), "")


def test_each_line_may_have_tags(run: Run, feed: Feed, module) -> None:
    feed(b"one\tV;PST\ntwo\nthree\t\n")
    tags = [("N", "V", "PST"), ("N",), ("N",)]
    assert run("--tags", "N") == (0, lines(module(["one", "two", "three"], tags)), "")


def test_tags_are_split_and_put_behind_those_of_all_lines() -> None:
    requests = requests_of_lines("f", ["a\tPST;\n", "b\r\r\n", "\tX\r\n"], tags="V;")
    assert [(r.text, r.tags) for r in requests] == [
        ("a", ("V", "PST")),
        ("b", ("V",)),
        ("", ("V", "X")),
    ]


EXAMPLES = {
    "questions": '{"input": "walk", "target": "x"}\n{"input": "to be", "target": "y"}\n',
    "table": "target,input\nx,walk\ny,to be\n",
    "inflection": "walk\tx\tV;PST\nto be\ty\tV\n",
    "pairs": "walk\tx\nto be\ty\n",
}


def test_the_inputs_of_examples_are_rewritten(
    run: Run, feed: Feed, module: TransformModule, tmp_path: Path
) -> None:
    path = tmp_path / "examples.txt"
    for content in EXAMPLES.values():
        tags = [["V", "PST"], ["V"]] if "PST" in content else []
        expected = (0, lines(module(["walk", "to be"], tags)), "")
        path.write_text(content)
        assert run("--format=examples", f"--input={path}") == expected, content
        feed(content.encode())
        assert run("--format=examples") == expected, content


def test_an_example_of_two_lines_is_named_after_the_answers_before_it(
    run: Run, feed: Feed, module: TransformModule
) -> None:
    feed(b'input,target\nwalk,x\n"a\nb",y\n"c d",z\n')
    where = "standard input, line 3"
    expected = f"error: {where}: expected a text of one line (got 'a\\nb')\n"
    assert run("--format=examples") == (2, lines(module(["walk"])), expected)


def test_maths_examples_are_rewritten(run: Run, module, tmp_path: Path) -> None:
    path = tmp_path / "maths.jsonl"
    write_problems(generate_problems(1, 3, seed=0), path)
    problems = [example.source for example in read_examples(path)]
    assert run("--format=examples", f"--input={path}") == (0, lines(module(problems)), "")


def test_bad_examples_are_named(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "examples.tsv"
    path.write_text("a\tb\nc\n")
    status, out, err = run("--format=examples", f"--input={path}")
    assert (status, out) == (2, "")
    assert f"{path}, line 2" in err


def test_texts_are_preprocessed_as_the_data_was(tmp_path: Path) -> None:
    plain = TransformModule(["a"], channels=8, layers=1).eval()
    module = TransformModule(
        ["a"], channels=8, layers=1, preprocess="historical", lookup={"vnd": "und"}
    ).eval()
    module.load_state_dict(plain.state_dict())
    requests = [Request("", text, ()) for text in ("VND ", "E\u0301n", ".,", "", " ")]
    assert rewrite(module, requests) == ["und", *plain(["én"]), ".,", "", " "]
    assert module(["Vnd"], [["V"]]) == plain(["vnd"], [["V"]])


def test_an_empty_line_gives_an_empty_line(run: Run, feed: Feed, module) -> None:
    one, two = module(["one", "two"])
    feed(b"\none\n\r\n\tV\n\ntwo\n\n")
    assert run() == (0, lines(["", one, "", "", "", two, ""]), "")
    assert run("one", "", "two") == (0, lines([one, "", two]), "")


def test_an_empty_input_gives_an_empty_output(run: Run, feed: Feed) -> None:
    feed(b"")
    assert run() == (0, "", "")


def test_the_size_of_batches_decides_nothing(run: Run, feed: Feed, module: TransformModule) -> None:
    texts = [f"text {i}" for i in range(7)]
    for size in (1, 2, 7, 100):
        feed("\n".join(texts).encode())
        assert run("--batch_size", str(size)) == (0, lines(module(texts)), ""), size


def test_the_lines_before_a_bad_one_are_answered(run: Run, feed: Feed, module) -> None:
    expected = lines(module(["one", "two", "three"]))
    feed(b"one\ntwo\nthree\nf\xffour\nfive\n")
    status, out, err = run("--batch_size", "2")
    assert (status, out) == (2, expected)
    assert err == (
        "error: standard input, line 4: expected a text file in UTF-8 "
        "(got byte 0xff, which is not UTF-8)\n"
    )


def test_a_bad_line_of_a_file_is_named(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "in.txt"
    for content, message in (
        (b"\xe9\n", "in.txt, line 1: expected a text file in UTF-8 (got byte 0xe9"),
        (b"a\nb\0\n", "in.txt, line 2: expected a text file in UTF-8 (got a NUL byte"),
        (b"a\nb\tV\tPST\n", "in.txt, line 2: expected a text, or a text, a tab and tags (got 3"),
    ):
        path.write_bytes(content)
        status, out, err = run("--input", str(path))
        assert (status, len(out.splitlines())) == (2, content.count(b"\n") - 1)
        assert message in err


def test_the_output_may_be_a_file(run: Run, feed: Feed, module, tmp_path: Path) -> None:
    path = tmp_path / "out.txt"
    feed("one\né\n".encode())
    assert run("--output", str(path)) == (0, "", "")
    assert path.read_bytes().decode() == lines(module(["one", "é"]))


def test_what_the_output_is_stays_what_it_is(run: Run, feed: Feed, tmp_path: Path) -> None:
    """A link leads where it led, a pipe is written into."""
    file, link, pipe = (tmp_path / name for name in ("file", "link", "pipe"))
    file.touch()
    link.symlink_to(file)
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    feed(b"")
    for path in (link, pipe):
        assert run("--output", str(path), "text") == (0, "", "")
    assert link.is_symlink()
    assert pipe.is_fifo()
    assert os.read(reader, 100) == file.read_bytes() != b""
    os.close(reader)


def test_an_output_file_is_written_whole_or_not_at_all(
    run: Run, feed: Feed, tmp_path: Path
) -> None:
    path = tmp_path / "out.txt"
    feed(b"one\n\xff\n")
    assert run("--output", str(path), "--batch_size", "1")[0] == 2
    assert list(tmp_path.iterdir()) == []


def test_what_can_not_be_done_is_named(run: Run) -> None:
    for arguments, message in (
        (["--batch_size", "0"], "Expected '--batch_size' to be at least 1 (got 0)"),
        (["--beam", "0", "text"], "Expected '--beam' to be at least 1 (got 0)"),
        (["--beam", "101", "text"], "Expected '--beam' to be at most 100 (got 101)"),
        (["--beam", "many", "text"], "argument --beam: invalid int value: 'many'"),
        (["--input", "in.txt", "text"], "Expected texts or '--input', not both"),
        (["--input", "nowhere.txt"], "error: nowhere.txt: no such file"),
        (["--input", "."], "error: .: expected a file (got a directory)"),
        (["--output", ".", "text"], "error: .: expected a file to write (got a directory)"),
        (["--output", "no/where", "text"], f"{Path.cwd()}/no (got none)"),
        (["text", "\udcff"], r"error: text 2: expected a text in UTF-8 (got '\udcff')"),
        (["--format=examples", "text"], "'--format examples' to come with an input"),
        (["a\tb\tc"], "error: text 1: expected a text, or a text, a tab and tags (got 3 columns)"),
        (["a", "b\nc"], r"error: text 2: expected a text of one line (got 'b\nc')"),
        (["--output", "/dev/full", "a"], "No space left on device: '/dev/full'"),
    ):
        status, _, err = run(*arguments)
        assert status == 2
        assert message in err


@pytest.mark.parametrize("stream", ["stdin", "stdout"])
def test_a_closed_stream_is_named(
    stream: str, run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(sys, stream, None)
    options = ["--output", str(tmp_path / "out")] if stream == "stdin" else ["a"]
    status, _, err = run(*options)
    expected = {"stdin": "a standard input", "stdout": "a standard output, or '--output'"}[stream]
    assert (status, err.count("\n")) == (2, 1)
    assert f"Expected {expected} (got n" in err
    assert not (tmp_path / "out").exists()


def test_a_full_disk_is_one_line_and_leaves_nothing(checkpoint: Path, tmp_path: Path) -> None:
    """A limit on the size of files stands for the disk; buffers are written when files close."""
    code = (
        "import resource, signal, sys, tempfile\n"
        "import torch.distributed.nn  # Older versions write a file when they are imported.\n"
        "from lightning_modules import evaluate, predict\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "tempfile.gettempdir()  # It looks for a folder to write into once.\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))\n"
        "checkpoint, out, pairs = sys.argv[1:]\n"
        "try:\n"
        "    predict.main(['--ckpt_path', checkpoint, '--output', out, 'a'])\n"
        "except SystemExit as end:\n"
        "    print(end.code, file=sys.stderr)\n"
        "evaluate.main(['--ckpt_path', checkpoint, pairs])\n"
    )
    out, pairs = tmp_path / "out", tmp_path / "pairs.tsv"
    pairs.write_text("a\ta\n")
    with (tmp_path / "stdout").open("wb") as stdout:
        done = subprocess.run(
            [sys.executable, "-c", code, checkpoint, out, pairs],
            cwd=ROOT,
            stdout=stdout,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    lines = [f"error: [Errno 27] File too large: '{name}'\n" for name in (out, "standard output")]
    assert done.stderr == "2\n".join(lines)
    assert done.returncode == 2
    assert list(tmp_path.glob("out*")) == []


def test_an_answer_of_two_lines_is_refused(
    run: Run, feed: Feed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(text_predict, "rewrite", lambda module, batch: ["a", "b\nc", "d"])
    feed(b"one\ntwo\nthree\n")
    status, out, err = run()
    assert (status, out) == (2, "a\n")
    where = "standard input, line 2"
    assert err == f"error: {where}: expected an answer of one line (got 'b\\nc')\n"


def test_an_answer_with_a_tab_is_refused_beside_scores_alone(
    run: Run, feed: Feed, monkeypatch: pytest.MonkeyPatch
) -> None:
    ranked = [[Rewrite("a", 0.5)], [Rewrite("b\tc", 0.25)], [Rewrite("d", 1.0)]]
    monkeypatch.setattr(text_predict, "rank", lambda module, batch: ranked)
    feed(b"one\ntwo\nthree\n")
    where = "standard input, line 2"
    message = f"error: {where}: expected an answer of one line, without tabs (got 'b\\tc')\n"
    assert run("--scores") == (2, "a\t0.5000\n", message)
    monkeypatch.setattr(text_predict, "rewrite", lambda module, batch: ["a", "b\tc", "d"])
    feed(b"one\ntwo\nthree\n")
    assert run() == (0, "a\nb\tc\nd\n", "")


def test_a_full_batch_does_not_wait_for_the_end_of_a_pipe(monkeypatch: pytest.MonkeyPatch) -> None:
    read, write = os.pipe()
    with os.fdopen(read, "rb") as pipe, os.fdopen(write, "wb", buffering=0) as source:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(pipe))
        with open_text("-") as (name, rows):
            batches = read_batches(requests_of_lines(name, rows), 2)
            for lap in range(3):
                source.write(b"one\ntwo\n")
                line_numbers = 2 * lap + 1, 2 * lap + 2
                assert next(batches) == [
                    Request(f"standard input, line {n}", text, ())
                    for n, text in zip(line_numbers, ("one", "two"), strict=True)
                ]
            source.write(b"last")
            source.close()
            assert [[r.text for r in batch] for batch in batches] == [["last"]]


def test_a_reader_that_has_seen_enough_is_no_error(checkpoint: Path, tmp_path: Path) -> None:
    path = tmp_path / "in.txt"
    path.write_text("one\n" * 100)
    command = [sys.executable, "-m", "lightning_modules.predict", "--ckpt_path", str(checkpoint)]
    with subprocess.Popen(
        [*command, "--input", str(path), "--batch_size", "1"],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONWARNINGS": "ignore"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        first = process.stdout.readline()
        process.stdout.close()
        errors = process.stderr.read()
    assert first.endswith(b"\n")
    assert (process.returncode, errors) == (0, b"")
