"""The merges in a report against those of the pool."""

import unicodedata

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch_geometric.data import Batch

from lightning_modules import TransformModule
from lightning_modules.report.merge_html import show_merges
from lightning_modules.report.merges import describe_merges
from pyg_grapheme.nn import ThresholdMergePool
from pyg_grapheme.text import Example, text_graph
from pyg_grapheme.text.model import default_pool

EXAMPLES = [Example("How many legs cat have?", "4"), Example("sing", "sang", ("V",))]


class Alike(nn.Module):
    """Finds all neighbours half alike."""

    def forward(self, x_i: Tensor, x_j: Tensor, edge_attr: Tensor | None) -> Tensor:
        return x_i.new_full((x_i.size(0),), 0.5)


def module_with(pool: ThresholdMergePool) -> TransformModule:
    torch.manual_seed(3)
    module = TransformModule(["a", "b"], channels=16, layers=1, dropout=0.0)
    module.net.pool = pool
    return module


@pytest.mark.parametrize(
    "pool",
    [default_pool(16), ThresholdMergePool(0.5), ThresholdMergePool(0.2, merge="matching")],
    ids=["learned", "cosine", "matching"],
)
def test_neighbours_are_together_where_the_score_says_so(pool: ThresholdMergePool) -> None:
    module = module_with(pool)
    described = describe_merges(module, EXAMPLES)
    for example, text in zip(EXAMPLES, described, strict=True):
        assert text.units == list(example.source)
        joined = [i for i in range(len(text.score)) if text.cluster[i] == text.cluster[i + 1]]
        above = [i for i, s in enumerate(text.score) if s > pool.threshold.item()]
        if pool.merge == "matching":
            assert set(joined) < set(above)
        else:
            assert joined == above
        assert module([example.source], [example.tags]) == [text.rewritten]


def test_merges_may_stay_inside_grapheme_clusters() -> None:
    """The pool would merge all. "ü" is two units, "e" with a dot below and a tilde is three."""
    text = "\u00fcb e\u0323\u0303"
    for limited, clusters in ((False, [0] * 7), (True, [0, 0, 1, 2, 3, 3, 3])):
        module = TransformModule(
            ["a"], source_form="NFD", channels=16, layers=1, merge_graphemes=limited
        )
        module.net.pool = ThresholdMergePool(0.01, score=Alike())
        (described,) = describe_merges(module, [Example(text, "a", ("V",))])
        assert described.units == list(unicodedata.normalize("NFD", text))
        assert described.cluster == clusters
        assert described.score == [0.5] * 6
        assert described.grapheme == [0, 0, 1, 2, 3, 3, 3]
        # All but the first unit of a cluster are marked.
        html = show_merges(described)
        assert html.count('<b class="part">') == 3
        assert html.count("<strong>") == len(clusters) - len(set(clusters))


def test_what_is_known_is_written_by_the_model_all_the_same() -> None:
    module = module_with(default_pool(16))
    module.lookup = {"ab": "known"}
    (text,) = describe_merges(module, [Example("ab", "known")])
    assert module(["ab"]) == ["known"]
    assert text.rewritten == module.net(["ab"])[0] != "known"


def test_the_cosine_of_features_is_their_cosine() -> None:
    module = module_with(ThresholdMergePool(0.5))
    (text,) = describe_merges(module, EXAMPLES[:1])
    with torch.no_grad():
        x = module.net.encode(Batch.from_data_list([text_graph(EXAMPLES[0].source)])).x
    torch.testing.assert_close(torch.tensor(text.score), F.cosine_similarity(x[:-1], x[1:]))


def test_a_text_of_one_unit_has_no_neighbours() -> None:
    (text,) = describe_merges(module_with(default_pool(16)), [Example("a", "b")])
    assert (text.cluster, text.score) == ([0], [])
