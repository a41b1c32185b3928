"""Candidate pairs, against brute force."""

from itertools import combinations

import networkx as nx
import numpy as np
import pytest
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.metrics.pairwise import cosine_similarity

from pyg_grapheme.records.blocks import split_blocks
from pyg_grapheme.records.candidates import (
    candidate_pairs,
    candidate_recall,
    equal_in_a_row,
    equal_pairs,
)
from pyg_grapheme.records.table import Table
from pyg_grapheme.records.tfidf import cosines, count_terms, inverse_frequency, nearest_pairs, weigh

WORDS = ["alpha", "beta", "gamma", "delta", "gamut", "alphabet", "omega", "betamax"]


def draw_texts(seed: int, count: int = 60) -> list[str]:
    rng = np.random.default_rng(seed)
    return [" ".join(rng.choice(WORDS, rng.integers(0, 5))) for _ in range(count)]


@pytest.mark.parametrize("analyzer", ["characters", "words"])
def test_cosines_are_those_of_scikit_learn(analyzer: str) -> None:
    texts = draw_texts(0)
    counts = count_terms(texts, analyzer)
    vectors = weigh(counts, inverse_frequency(counts))
    options = (
        {"analyzer": "char_wb", "ngram_range": (3, 3)}
        if analyzer == "characters"
        else {"token_pattern": r"(?u)\w+"}
    )
    vectorizer = TfidfVectorizer(sublinear_tf=True, smooth_idf=True, **options)
    expected = cosine_similarity(vectorizer.fit_transform(texts))
    pairs = np.array(list(combinations(range(len(texts)), 2))).T
    assert cosines(vectors, pairs) == pytest.approx(expected[tuple(pairs)], abs=1e-5)


@pytest.mark.parametrize("count", [1, 3, 100])
def test_nearest_pairs_are_those_of_all_cosines(count: int) -> None:
    texts = draw_texts(1)
    counts = count_terms(texts, "words")
    vectors = weigh(counts, inverse_frequency(counts))
    # Distinct values: no neighbour is one by chance.
    vectors.data += np.random.default_rng(0).uniform(0, 0.01, vectors.data.size).astype(np.float32)
    similar = (vectors @ vectors.T).toarray()
    expected = set()
    for row, values in enumerate(similar):
        others = [column for column in values.argsort()[::-1] if column != row and values[column]]
        expected |= {(min(row, column), max(row, column)) for column in others[:count]}
    found = nearest_pairs(vectors, count, max_frequency=1000)
    assert list(map(tuple, found.T)) == sorted(expected)


def test_frequent_terms_find_no_neighbours() -> None:
    counts = count_terms(["x a", "x b", "x c", "y d", "y e"], "words")
    vectors = weigh(counts, inverse_frequency(counts))
    assert nearest_pairs(vectors, 5, max_frequency=2).T.tolist() == [[3, 4]]


def test_equal_pairs_and_recall_are_those_of_a_loop() -> None:
    rng = np.random.default_rng(2)
    cells = np.array([*rng.choice(["a", "A ", "b", "", "null"], 30), *["c"] * 7], dtype=object)
    known = [cell.strip().lower() for cell in cells]
    expected = [
        (i, j)
        for i, j in combinations(range(len(cells)), 2)
        if known[i] == known[j]
        and known[i] in "ab"
        and known[i]
        and sum(c == known[i] for c in known) <= 20
    ]
    found = equal_pairs(cells, 20)
    expected += list(combinations(range(30, 37), 2))
    assert sorted(map(tuple, found.T)) == sorted(expected)
    y = rng.integers(-1, 4, len(cells))
    same = {(i, j) for i, j in combinations(range(len(cells)), 2) if y[i] == y[j] >= 0}
    assert candidate_recall(found, y) == (len(same & set(expected)), len(same))


def test_candidates_are_all_of_them_once() -> None:
    texts = draw_texts(3)
    counts = count_terms(texts, "words")
    vectors = weigh(counts, inverse_frequency(counts))
    keys = np.array([text[:2] for text in texts], dtype=object)
    repeated = np.array([text[:1] for text in texts], dtype=object)
    found = candidate_pairs([vectors, vectors], [keys], 3, 1000, repeated)
    parts = [nearest_pairs(vectors, 3, 1000), equal_pairs(keys, 1000), equal_in_a_row(repeated)]
    assert list(map(tuple, found.T)) == sorted({tuple(p) for part in parts for p in part.T})


def test_equal_texts_are_linked_however_many_there_are() -> None:
    texts = np.array([["a b", "c d", ""][row % 3] for row in range(3000)], dtype=object)
    counts = count_terms(texts, "words")
    found = candidate_pairs([weigh(counts, inverse_frequency(counts))], [], 3, 500, texts)
    links = nx.empty_graph(3000)
    links.add_edges_from(found.T.tolist())
    parts = sorted(nx.connected_components(links), key=len)
    assert [len(part) for part in parts] == [1] * 1000 + [1000, 1000]
    assert {tuple({texts[row] for row in part}) for part in parts} == {("a b",), ("c d",), ("",)}


def test_blocks_agree_in_all_columns_up_to_case() -> None:
    table = Table({"a": ["x", "X", "y", "", ""], "b": ["1", "1", "1", "", "2"]}, 5)
    assert [block.tolist() for block in split_blocks(table, ["a"])] == [[0, 1], [2], [3, 4]]
    blocks = [block.tolist() for block in split_blocks(table, ["a", "b"])]
    assert blocks == [[0, 1], [2], [3], [4]]
    assert [block.tolist() for block in split_blocks(table, [])] == [[0, 1, 2, 3, 4]]
