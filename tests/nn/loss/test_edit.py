"""Cross-entropy of edits against a loop over every decision."""

import torch
from torch_geometric.data import Batch

from pyg_grapheme.data import Example, Vocabulary, compute_edits, graph_pair
from pyg_grapheme.data.graph import IGNORE_LABEL
from pyg_grapheme.nn.heads import EditHeads
from pyg_grapheme.nn.loss import edit_cross_entropy

EXAMPLES = [
    Example("cat", "carts!"),
    Example("x", "x"),
    Example("hope", "hoping"),
    Example("ab", "zb"),
]


def make(examples: list[Example]) -> tuple[EditHeads, Batch, torch.Tensor, torch.Tensor]:
    """Heads, labels, and random features of the graphemes."""
    torch.manual_seed(0)
    vocabulary = Vocabulary.from_edits(compute_edits(e.source, e.target) for e in EXAMPLES)
    heads = EditHeads(6, len(vocabulary)).double().eval()
    batch = Batch.from_data_list([graph_pair(e, vocabulary).source for e in examples])
    x = torch.randn(sum(len(e.source) for e in EXAMPLES), 6, dtype=torch.float64)
    return heads, batch, x[: batch.num_nodes], batch.batch


def literal_loss(heads: EditHeads, x: torch.Tensor, graph: Batch, number: int) -> float:
    """Negative log-likelihood of one text's edits, one decision after the other."""
    data = graph.get_example(number)
    mine = x[graph.batch == number]
    total = torch.zeros((), dtype=torch.float64)
    for node, label in zip(mine, data.operation, strict=True):
        total -= heads.operation(node).log_softmax(-1)[label]
    sides = [heads.start, *mine, heads.end]
    written = data.insert_grapheme.tolist()
    for i, length in enumerate(data.insert_length.tolist()):
        gap = heads.gap(torch.cat([sides[i], sides[i + 1]]))
        total -= torch.nn.functional.logsigmoid(heads.opens(gap) * (1 if length else -1)).sum()
        if length:
            labels, written = written[:length], written[length:]
            state, last = torch.tanh(gap)[None, None], heads.vocabulary_size
            for label in [*labels, heads.vocabulary_size]:
                step = torch.cat([heads.written(torch.tensor(last)), gap])
                output, state = heads.speller(step[None, None], state)
                total -= heads.spelled(output[0, 0]).log_softmax(-1)[label]
                last = label
    return float(total)


def test_equals_a_loop_over_every_decision() -> None:
    heads, graph, x, batch = make(EXAMPLES)
    logits = heads(x, batch, len(EXAMPLES))
    with torch.no_grad():
        loss = edit_cross_entropy(
            heads,
            logits,
            graph.operation,
            graph.insert_length,
            graph.insert_grapheme,
            len(EXAMPLES),
        )
        expected = [literal_loss(heads, x, graph, i) for i in range(len(EXAMPLES))]
    torch.testing.assert_close(loss, torch.tensor(expected).double())


def test_no_insertion_at_all() -> None:
    heads, graph, x, batch = make([EXAMPLES[1]])
    logits = heads(x, batch, 1)
    loss = edit_cross_entropy(
        heads, logits, graph.operation, graph.insert_length, graph.insert_grapheme, 1
    )
    with torch.no_grad():
        assert abs(loss.item() - literal_loss(heads, x, graph, 0)) < 1e-12


def test_unknown_labels_count_as_nothing() -> None:
    heads, graph, x, batch = make([EXAMPLES[3]])
    logits = heads(x, batch, 1)
    labels = graph.operation.clone()
    labels[0] = IGNORE_LABEL
    arguments = (graph.insert_length, graph.insert_grapheme, 1)
    whole = edit_cross_entropy(heads, logits, graph.operation, *arguments)
    part = edit_cross_entropy(heads, logits, labels, *arguments)
    left_out = -heads.operation(x[0]).log_softmax(-1)[graph.operation[0]]
    torch.testing.assert_close(whole - part, left_out[None])


def test_the_speller_writes_what_it_scores_best() -> None:
    heads, _, x, _ = make([EXAMPLES[0]])
    gap = heads.gap(torch.cat([x[:2], x[1:3]], dim=1))
    with torch.no_grad():
        written = heads.write(gap, max_length=5)
        for row, numbers in enumerate(written.tolist()):
            inserted = [n for n in numbers if n != heads.vocabulary_size]
            length = torch.tensor([len(inserted)])
            logits = heads.spell(
                gap[row : row + 1], length, torch.tensor(inserted, dtype=torch.long)
            )
            best = logits.argmax(-1).tolist()
            assert best[: len(inserted)] == inserted
            assert len(inserted) == 5 or best[len(inserted)] == heads.vocabulary_size
