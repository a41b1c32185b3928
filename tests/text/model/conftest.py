"""Merges that a test asks for, and the probabilities of edits by enumeration."""

import math
from collections.abc import Callable, Sequence
from functools import cache
from typing import NamedTuple

import pytest
import torch
from rapidfuzz.distance import Prefix
from torch import Tensor

from pyg_grapheme.nn.pool import PoolOutput
from pyg_grapheme.nn.pool.history import make_history
from pyg_grapheme.text.graph import index_units, units_graph, units_graphs
from pyg_grapheme.text.grapheme import unit_info
from pyg_grapheme.text.model import GraphTransformNet, TextState
from pyg_grapheme.text.model.edit_decoder import (
    DELETE,
    INSERT,
    KEEP,
    LOWER,
    SUBSTITUTE,
    UNKNOWN_LOG_PROBABILITY,
    UPPER,
)
from pyg_grapheme.text.model.edit_likelihood import edit_likelihood, encode_target
from pyg_grapheme.text.model.edit_search import SourceUnits, search_edits
from pyg_grapheme.text.model.hypotheses import EditPath
from pyg_grapheme.text.model.lattice_rows import LatticeRows, lattice_rows
from pyg_grapheme.text.readers.pairs import GraphPair

MergeTexts = Callable[..., PoolOutput]

CHANNELS = 8


@pytest.fixture
def merge_texts() -> MergeTexts:
    """Make what a pool would, of texts that are merged into nodes of given sizes."""
    return _merge


def _merge(sizes: Sequence[Sequence[int]], channels: int = 3, seed: int = 0) -> PoolOutput:
    flat = torch.tensor([size for text in sizes for size in text], dtype=torch.long)
    nodes = torch.tensor([len(text) for text in sizes])
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(flat.numel(), channels, generator=generator, dtype=torch.double)
    history = make_history(
        torch.repeat_interleave(flat), flat.numel(), len(sizes), torch.tensor(0.5), x.dtype
    )
    edges = torch.empty(2, 0, dtype=torch.long)
    return PoolOutput(x, edges, None, torch.repeat_interleave(nodes), history)


Units = tuple[str, ...]

Edit = tuple[int, str]
"""An operation of the decoder, and the unit that it substitutes or inserts, or nothing."""


def map_first(unit: str, operation: int) -> str | None:
    """Map the case of the first code point; None if that is no other code point."""
    mapped = unit[0].upper() if operation == UPPER else unit[0].lower()
    return mapped + unit[1:] if len(mapped) == 1 and mapped != unit[0] else None


class EditTask(NamedTuple):
    """B merged texts, and a model of their edits.

    Attributes:
        net: The model; only its decoder and its embedding of units are used.
        texts: Units of each text.
        sizes: Units of each node.
        rows: The nodes and ends, with random features.
        context: [B, D], random features of the tags.
    """

    net: GraphTransformNet
    texts: list[Units]
    sizes: list[Sequence[int]]
    rows: LatticeRows
    context: Tensor

    def alone(self, number: int) -> "EditTask":
        """Return the task of one of the texts."""
        begin = sum(len(sizes) + 1 for sizes in self.sizes[:number])
        mine = slice(begin, begin + len(self.sizes[number]) + 1)
        x, _, size, start, first = (values[mine] for values in self.rows[:5])
        row = torch.arange(x.size(0))
        rows = LatticeRows(x, row * 0, size, start, first - first[0], row, row[-1:] + 1)
        return EditTask(
            self.net,
            [self.texts[number]],
            [self.sizes[number]],
            rows,
            self.context[number : number + 1],
        )

    def log_likelihood(self, targets: Sequence[Sequence[str]]) -> Tensor:
        """Return the log-probability [B] of a target of each text by the code under test."""
        source, target = units_graphs(self.texts), units_graphs(targets)
        target.unit = index_units((u for units in targets for u in units), self.net.vocabulary)
        text = torch.arange(len(self.texts))
        # The features are those of the rows; others must not be read.
        x, end = (
            torch.full((n, CHANNELS), math.nan, dtype=torch.double)
            for n in (source.batch.numel(), len(text))
        )
        state = TextState(x, source.edge_index, source.batch, len(text), self.context, end)
        encoded = encode_target(self.net, GraphPair(source, target), state)
        return edit_likelihood(self.net, encoded, self.rows, text)

    def search(self, max_insert: int, beam: int = 1) -> list[list[EditPath]]:
        """Search by the code under test."""
        units = [unit for text in self.texts for unit in text]
        copies = [units, *([map_first(u, o) or u for u in units] for o in (UPPER, LOWER))]
        case = [[_label(map_first(u, o)) for o in (UPPER, LOWER)] for u in units]
        source = SourceUnits(
            torch.tensor(case, dtype=torch.long).view(len(units), 2),
            torch.tensor([[_label(u) for u in row] for row in copies], dtype=torch.long),
            torch.tensor([[self.number(u) for u in row] for row in copies], dtype=torch.long),
            torch.stack([self.embed(row) for row in copies]),
        )
        written = self.net.vocabulary.units
        vocabulary = torch.tensor([_label(u) for u in written], dtype=torch.long)
        return search_edits(
            self.net.decoder,
            self.rows,
            self.context,
            (vocabulary, self.embed(written)),
            source,
            max_insert,
            beam,
        )

    def embed(self, units: Sequence[str]) -> Tensor:
        """Embed units, [n, D]."""
        graph = units_graph(units)
        features: Tensor = self.net.embedding(graph.hashes, graph.kind)
        return features

    def number(self, unit: str) -> int:
        """Return the index of a unit in the vocabulary, -1 if it is not there."""
        written = self.net.vocabulary.units
        return written.index(unit) if unit in written else -1

    def following(self, text: Units, written: Units) -> int:
        """Return the number of the unit that follows the last written one in a text.

        Only units of the vocabulary are found again; behind others, it is the first unit.
        """
        last = written[-1] if written and self.number(written[-1]) >= 0 else None
        place = text.index(last) + 1 if last in text else 0
        return self.number(text[place]) if place < len(text) else -1

    def nodes(self, number: int) -> list[Units]:
        """Return the units of the nodes of a text."""
        parts, start = [], 0
        for size in self.sizes[number]:
            parts.append(self.texts[number][start : start + size])
            start += size
        return parts

    def copies(self, node: Units) -> dict[int, Units]:
        """Return what the copies of a node write."""
        copies = {KEEP: node}
        if self.net.decoder.map_case:
            mapped = {operation: map_first(node[0], operation) for operation in (UPPER, LOWER)}
            copies |= {o: (unit, *node[1:]) for o, unit in mapped.items() if unit is not None}
        return copies

    def edit_probabilities(self, number: int, row: int, written: Units) -> dict[Edit, float]:
        """Return the probabilities of the edits at a row of a text, from the decoder's logits.

        The whole prefix is read again each time. The probabilities sum to 1.
        """
        decoder, text, nodes = self.net.decoder, self.texts[number], self.nodes(number)
        common = [Prefix.similarity(text, written[:j]) for j in range(len(written) + 1)]
        num_new = torch.tensor([[j - length for j, length in enumerate(common)]])
        context = decoder.decoder_context(
            self.context[number : number + 1], len(text) - torch.tensor([common]), num_new
        )
        prefix = decoder.encode_prefix(self.embed(written)[None], num_new[:, 1:], context)
        start = sum(map(len, nodes[:row]))
        begin = sum(len(sizes) + 1 for sizes in self.sizes[:number])
        logits, unit = decoder.logits(
            decoder.node(self.rows.x[begin + row]),
            prefix.state[0, -1],
            torch.tensor(len(written) - start),
            # What may be written again: the last unit, what follows it, the first of the node.
            torch.tensor(
                [
                    self.number(written[-1]) if written else -1,
                    self.following(text, written),
                    self.number(nodes[row][0]) if row < len(nodes) else -1,
                ]
            ),
        )
        copies = self.copies(nodes[row]) if row < len(nodes) else {}
        allowed = {DELETE, INSERT, *copies, *([SUBSTITUTE] if row < len(nodes) else [])}
        weight = [math.exp(value) for value in logits.tolist()]
        total = sum(weight[operation] for operation in allowed)
        shares = dict(zip(self.net.vocabulary.units, unit.softmax(0).tolist(), strict=True))
        probabilities = {(o, ""): weight[o] / total for o in (DELETE, *copies)}
        for operation in allowed & {SUBSTITUTE, INSERT}:
            for written_unit, share in shares.items():
                probabilities[operation, written_unit] = weight[operation] / total * share
        return probabilities

    def enumerate_outputs(
        self, number: int, max_insert: int, target: Units | None = None
    ) -> dict[Units, float]:
        """Return the probability of all that a text can become, summed over all edits.

        Args:
            number: Number of the text.
            max_insert: Maximum of units inserted in one place.
            target: Follow only edits that lead to this text.
        """
        nodes = self.nodes(number)
        found: dict[Units, float] = {}

        @cache
        def probabilities(row: int, written: Units) -> dict[Edit, float]:
            edits = self.edit_probabilities(number, row, written)
            behind = target[len(written) :] if target else ()
            if behind and behind[0] not in self.net.vocabulary.units:
                for operation in {operation for operation, unit in edits if unit}:
                    share = sum(p for (o, unit), p in edits.items() if o == operation and unit)
                    edits[operation, behind[0]] = share * math.exp(UNKNOWN_LOG_PROBABILITY)
            return edits

        def visit(row: int, inserted: int, written: Units, probability: float) -> None:
            if target is not None and target[: len(written)] != written:
                return
            for (operation, unit), share in probabilities(row, written).items():
                after = probability * share
                if operation == INSERT:
                    if inserted < max_insert:
                        visit(row, inserted + 1, (*written, unit), after)
                elif row == len(nodes):
                    found[written] = found.get(written, 0.0) + after
                elif operation == DELETE:
                    visit(row + 1, 0, written, after)
                elif operation == SUBSTITUTE:
                    visit(row + 1, 0, (*written, unit), after)
                else:
                    visit(row + 1, 0, written + self.copies(nodes[row])[operation], after)

        visit(0, 0, (), 1.0)
        return found


def _label(unit: str | None) -> int:
    return -1 if unit is None else unit_info(unit).id


DrawTask = Callable[..., EditTask]


@pytest.fixture
def draw_task() -> DrawTask:
    """Draw a model of strong opinions for texts that are merged into nodes of given sizes."""

    def draw(
        texts: Sequence[Sequence[str]],
        sizes: list[Sequence[int]],
        vocabulary: Sequence[str],
        seed: int = 0,
        map_case: bool = True,
        scale: float = 3.0,
    ) -> EditTask:
        torch.manual_seed(seed)
        net = GraphTransformNet(vocabulary, channels=CHANNELS, layers=1, map_case=map_case)
        net.double().eval()
        with torch.no_grad():
            for parameter in net.decoder.parameters():
                parameter.mul_(scale)
        pooled = _merge(sizes, CHANNELS, seed)
        end = torch.randn(len(texts), CHANNELS, dtype=torch.double)
        context = torch.randn(len(texts), CHANNELS // 4, dtype=torch.double)
        rows = lattice_rows(pooled.x, pooled, end)
        return EditTask(net, [tuple(text) for text in texts], sizes, rows, context)

    return draw
