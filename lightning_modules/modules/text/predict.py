"""The command ``predict`` for the text model."""

from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack
from typing import TYPE_CHECKING, TypeVar

from lightning_modules.datamodules.data_files import find_file
from lightning_modules.errors import exit_on_input_error
from lightning_modules.modules.text.answers import expect_answerable, expect_beam
from lightning_modules.modules.text.requests import (
    Request,
    read_batches,
    requests_of_examples,
    requests_of_lines,
    requests_of_texts,
)
from pyg_grapheme.options import expect_count
from pyg_grapheme.text.model import Rewrite
from pyg_grapheme.text.readers.example_error import shorten
from pyg_grapheme.text.readers.read_examples import locate_examples
from pyg_grapheme.text.readers.text_input import STANDARD_INPUT, open_text

if TYPE_CHECKING:
    from lightning_modules.modules.transform_module import TransformModule

Answer = TypeVar("Answer")


def add_predict_arguments(parser: ArgumentParser) -> None:
    """Add the texts, or the input to read them from."""
    parser.add_argument(
        "--tags",
        default="",
        help='tags for all texts, such as "V;PST", in addition to those of a line',
    )
    parser.add_argument("--input", metavar="FILE", help="lines to rewrite (default: -, stdin)")
    parser.add_argument(
        "--format",
        choices=["lines", "examples"],
        default="lines",
        help="format of the input: lines to rewrite (a text, or a text, a tab and tags), or "
        "examples in any format that fit takes",
    )
    parser.add_argument("--batch_size", type=int, default=512, help="lines to rewrite at a time")
    parser.add_argument("--beam", type=int, default=1, help="width of the beam search (default: 1)")
    parser.add_argument(
        "--scores",
        action="store_true",
        help="write the --beam best answers of each text and their probabilities, with tabs "
        "between them",
    )
    parser.add_argument("texts", nargs="*", metavar="TEXT", help="instead of lines of an input")


def rewrite_lines(module: "TransformModule", options: Namespace) -> Iterator[Sequence[str]]:
    """Yield one rewritten text per text or line given, in order; with ``--scores``, its rewrites.

    Each batch is yielded as soon as it is full, or the input ends. An empty text gives an empty
    line. The inputs of examples are rewritten, in any format that one can train on.
    """
    with ExitStack() as stack:
        with exit_on_input_error():
            batch_size = _expect_consistent(options)
            module.beam = expect_beam(options.beam)
            name = options.input or STANDARD_INPUT
            if options.texts:
                requests = requests_of_texts(options.texts, options.tags)
            elif options.format == "examples":
                examples = list(locate_examples(find_file(name, "--input"), module.preprocess))
                requests = requests_of_examples(examples, options.tags)
            else:
                name, lines = stack.enter_context(open_text(name))
                requests = requests_of_lines(name, lines, options.tags)
        ranks = options.scores or module.is_searching
        for batch in read_batches(_check(requests, module, ranks), batch_size):
            if options.scores:
                yield from _write_scores(batch, rank(module, batch))
            else:
                yield from _write_answers(batch, rewrite(module, batch))


def _check(
    requests: Iterable[Request], module: "TransformModule", ranks: bool
) -> Iterator[Request]:
    for request in requests:
        expect_answerable(module.nets, request.text, request.where, ranks)
        yield request


def rewrite(module: "TransformModule", requests: Sequence[Request]) -> list[str]:
    """Rewrite the texts of requests in one batch; a text without a unit gives an empty text."""
    return _answer(requests, module, module, "")


def rank(module: "TransformModule", requests: Sequence[Request]) -> list[list[Rewrite]]:
    """Return the best answers per request, the most probable first; none to an empty text."""
    nothing: list[Rewrite] = []
    return [own[: module.beam] for own in _answer(requests, module, module.rank, nothing)]


def _answer(
    requests: Sequence[Request],
    module: "TransformModule",
    ask: Callable[[Sequence[str], Sequence[Sequence[str]]], list[Answer]],
    nothing: Answer,
) -> list[Answer]:
    asked = [i for i, r in enumerate(requests) if module.net.source.split(r.text)]
    answers = [nothing] * len(requests)
    if asked:
        texts, tags = [requests[i].text for i in asked], [requests[i].tags for i in asked]
        for i, answer in zip(asked, ask(texts, tags), strict=True):
            answers[i] = answer
    return answers


def _write_answers(requests: Sequence[Request], answers: Sequence[str]) -> Iterator[Sequence[str]]:
    return _up_to_separators(requests, answers, [[answer] for answer in answers], "\n\r")


def _write_scores(
    requests: Sequence[Request], ranked: Sequence[Sequence[Rewrite]]
) -> Iterator[Sequence[str]]:
    """Yield one line per request: answers and their probabilities, all separated by tabs."""
    lines = ["\t".join(f"{r.text}\t{r.probability:.4f}" for r in own) for own in ranked]
    texts = [[rewrite.text for rewrite in own] for own in ranked]
    return _up_to_separators(requests, lines, texts, "\n\r\t")


def _up_to_separators(
    requests: Sequence[Request],
    lines: Sequence[str],
    texts: Sequence[Sequence[str]],
    separators: str,
) -> Iterator[Sequence[str]]:
    """Yield one line per request, up to the first that holds a text with a separator; then exit."""
    for index, (request, own) in enumerate(zip(requests, texts, strict=True)):
        for text in own:
            if not set(separators).isdisjoint(text):
                yield lines[:index]
                expected = "one line, without tabs" if "\t" in text else "one line"
                with exit_on_input_error():
                    got = f"got {shorten(text)!r}"
                    raise ValueError(f"{request.where}: expected an answer of {expected} ({got})")
    yield lines


def _expect_consistent(options: Namespace) -> int:
    if options.texts and options.format != "lines":
        raise ValueError("Expected '--format examples' to come with an input (got texts)")
    if options.texts and options.input is not None:
        raise ValueError(f"Expected texts or '--input', not both (got {options.input} and texts)")
    return expect_count("--batch_size", options.batch_size)
