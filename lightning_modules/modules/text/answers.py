"""Answers to texts: from a table where they are known, else from a model."""

from collections.abc import Callable, Sequence
from typing import NamedTuple, TypeVar

from pyg_grapheme.options import expect_count
from pyg_grapheme.text.model import GraphTransformNet, expect_rankable
from pyg_grapheme.text.model.graph_transform_net import expect_texts

Answer = TypeVar("Answer")

MAX_REWRITTEN = 20_000
"""Units of the longest text that commands rewrite, in some minutes."""

MAX_BEAM = 100
"""Hypotheses per text of the widest beam."""


class Known(NamedTuple):
    """A text as a model reads it, and its answer if that is known without the model."""

    text: str
    answer: str | None


def answer_texts(
    texts: Sequence[str],
    tags: Sequence[Sequence[str]],
    look_up: Callable[[str, Sequence[str]], Known],
    accept: Callable[[str], Answer],
    ask: Callable[[Sequence[str], Sequence[Sequence[str]]], list[Answer]],
) -> list[Answer]:
    """Answer texts: look up the known ones, and ask a model for all others at once.

    Args:
        texts: B texts.
        tags: Tags of each text, or nothing.
        look_up: Reads a text with its tags.
        accept: Turns a known answer into one like those of the model.
        ask: Returns the answers of the model to some texts with their tags.

    Raises:
        ValueError: if a text is empty, or the numbers of texts and tags differ.
    """
    expect_texts(texts, tags)
    given = tags or [()] * len(texts)
    found = list(map(look_up, texts, given))
    asked = [index for index, known in enumerate(found) if known.answer is None]
    answers = ask([found[i].text for i in asked], [given[i] for i in asked]) if asked else []
    by_model = dict(zip(asked, answers, strict=True))
    return [
        accept(known.answer) if known.answer is not None else by_model[index]
        for index, known in enumerate(found)
    ]


def expect_beam(width: int) -> int:
    """Refuse a beam that would take too much time.

    Raises:
        ValueError: if it is below 1 or too wide.
    """
    if expect_count("--beam", width) > MAX_BEAM:
        raise ValueError(f"Expected '--beam' to be at most {MAX_BEAM} (got {width})")
    return width


def expect_answerable(
    nets: Sequence[GraphTransformNet], text: str, where: str, ranks: bool
) -> None:
    """Refuse a text that would take too much time, or too much memory to rank its rewrites.

    Args:
        nets: The models.
        text: The text.
        where: Its place, for the error.
        ranks: Whether its rewrites are ranked.

    Raises:
        ValueError: if it has too many units.
    """
    if ranks:
        expect_rankable(nets, text, where)  # The lower limit of the two.
        return
    size = len(nets[0].source.split(text))
    if size > MAX_REWRITTEN:
        raise ValueError(f"{where}: expected at most {MAX_REWRITTEN} units (got {size})")
