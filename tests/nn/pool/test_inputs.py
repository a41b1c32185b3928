"""A table of inputs of every kind, each pooled as the oracle says."""

from collections.abc import Callable, Collection, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from itertools import chain, combinations, pairwise, product
from typing import NamedTuple, get_args

import pytest
import torch
from scipy.special import expit
from torch import Tensor
from torch_geometric import EdgeIndex, Index
from torch_geometric.utils import scatter

from pyg_grapheme.nn.pool import Cuts, ThresholdMergePool
from pyg_grapheme.testing.oracle import Clustering, cosine, enumerate_clusterings
from pyg_grapheme.typing import CandidatesName, MergeName

CANDIDATES = get_args(CandidatesName)
MERGES = get_args(MergeName)
ESTIMATORS = ("none", "gate", "straight_through")
TAU, TEMPERATURE = 0.5, 0.1  # a raw threshold of 0, so exactly 0.5

Pair = tuple[int, int]


class Case(NamedTuple):
    """The arguments of an entry point of the pool."""

    x: Tensor
    edge_index: Tensor
    edge_attr: Tensor | None = None
    batch: Tensor | None = None
    batch_size: int | None = None


def plain(tensor: Tensor) -> Tensor:
    """Return a tensor without what PyG adds to it."""
    return tensor.as_tensor() if isinstance(tensor, EdgeIndex | Index) else tensor


class Oracle:
    """The definition of the pool, applied to one case in float64."""

    def __init__(self, case: Case, candidates: str, merge: str) -> None:
        self.x = case.x.detach().double()
        self.edges: list[Pair] = list(zip(*plain(case.edge_index).tolist(), strict=True))
        attr = torch.zeros(len(self.edges)) if case.edge_attr is None else case.edge_attr
        self.edge_attr = attr.double()
        self.batch = [0] * len(self.x) if case.batch is None else plain(case.batch).tolist()
        found = 1 if case.batch is None else max(self.batch, default=-1) + 1
        self.num_graphs = found if case.batch_size is None else case.batch_size
        pairs = self.edges if candidates == "edges" else combinations(range(len(self.x)), 2)
        inside = {tuple(sorted(p)) for p in pairs if self.batch[p[0]] == self.batch[p[1]]}
        rows = self.x.tolist()
        self.score = {(u, v): cosine(rows[u], rows[v]) for u, v in inside if u != v}
        self.merge = merge
        self.steps = [self.enumerate(graph, candidates) for graph in range(self.num_graphs)]
        assert all(abs(c.high - TAU) > 1e-3 for steps in self.steps for c in steps)
        at_tau = (next(c for c in steps if c.low <= TAU < c.high) for steps in self.steps)
        self.clusters = [part for clustering in at_tau for part in clustering.clusters]
        self.label = {node: k for k, part in enumerate(self.clusters) for node in part}

    def enumerate(self, graph: int, candidates: str) -> list[Clustering]:
        """Clusterings of a graph, in nodes of the batch."""
        first, size = sum(b < graph for b in self.batch), self.batch.count(graph)
        edges = [(u - first, v - first) for u, v in self.edges if self.batch[u] == graph]
        found = enumerate_clusterings(
            self.x[first : first + size].tolist(), edges, candidates=candidates, merge=self.merge
        )
        return [
            c._replace(clusters=[[first + i for i in part] for part in c.clusters]) for c in found
        ]

    def heights(self, graph: int, nodes: Collection[int] | None = None) -> list[float]:
        """Heights of the merges of a graph, or of those of some nodes of it."""

        def count(clusters: list[list[int]]) -> int:
            return sum(nodes is None or part[0] in nodes for part in clusters)

        steps = pairwise(self.steps[graph])
        return [c.high for b, c in steps for _ in range(count(b.clusters) - count(c.clusters))]

    def above(self, graph: int) -> list[float]:
        """Probability of each merge of a graph: that its score is above the threshold."""
        return [expit((height - TAU) / TEMPERATURE) for height in self.heights(graph)]

    def quotient(self, clusters: list[list[int]]) -> tuple[Tensor, list[Pair], Tensor]:
        """Mean of each cluster, the edges between them, sorted, and the sums of attributes."""
        label = {node: k for k, part in enumerate(clusters) for node in part}
        total: dict[Pair, Tensor] = {}
        for (u, v), attr in zip(self.edges, self.edge_attr, strict=True):
            if u in label and label[u] != label[v]:
                total[label[u], label[v]] = attr + total.get((label[u], label[v]), 0)
        x, attr = self.x.new_empty(len(clusters), self.x.size(1)), self.edge_attr[: len(total)]
        for row, part in zip(x, clusters, strict=True):
            row.copy_(self.x[part].mean(0))
        return x, sorted(total), torch.stack([total[e] for e in sorted(total)]) if total else attr

    def soft_membership(self) -> Tensor:
        """Mean over the merges of each cluster; of components, over all pairs above TAU."""
        w = []
        for part in self.clusters:
            heights = self.heights(self.batch[part[0]], part)
            if self.merge == "components":
                heights = [s for (u, _), s in self.score.items() if u in part]
            above = [expit((h - TAU) / TEMPERATURE) for h in heights if h > TAU]
            w.append(sum(above) / len(above) if above else 1.0)
        return torch.tensor(w, dtype=torch.double)


ROUNDING = {torch.half: 4e-3, torch.bfloat16: 3e-2, torch.float: 1e-5, torch.double: 1e-10}


def assert_near(found: Tensor, expected: Tensor) -> None:
    """Compare up to rounding, relative to the largest entry; NaN equals NaN."""
    largest = expected.nan_to_num(0, 0, 0).abs().max().item() if expected.numel() else 0
    tolerance = ROUNDING.get(found.dtype, 0) * largest
    torch.testing.assert_close(found.double(), expected, atol=tolerance, rtol=0, equal_nan=True)


def assert_quotient(
    found: tuple[Tensor, Tensor, Tensor | None], expected: tuple[Tensor, list[Pair], Tensor]
) -> None:
    assert type(found[1]) is Tensor
    assert found[1].dtype == torch.long
    assert [tuple(e) for e in found[1].T.tolist()] == expected[1]
    assert_near(found[0], expected[0])
    if found[2] is not None:
        assert_near(found[2], expected[2])


def check_forward(pool: ThresholdMergePool, case: Case, oracle: Oracle) -> None:
    x, edge_index, edge_attr, batch, history = pool(*case)
    mean, *rest = oracle.quotient(oracle.clusters)
    gated = repr(pool.estimator) == "Gate()"
    expected = mean * oracle.soft_membership()[:, None] if gated else mean
    assert_quotient((x, edge_index, edge_attr), (expected, *rest))
    assert x.dtype == case.x.dtype
    assert history.weight.dtype == torch.promote_types(case.x.dtype, torch.float)
    assert history.log_prob.shape == (oracle.num_graphs,)
    given = getattr(case.edge_attr, "dtype", None)
    assert getattr(edge_attr, "dtype", None) == (torch.int64 if given == torch.uint8 else given)
    assert batch.tolist() == [oracle.batch[part[0]] for part in oracle.clusters]
    assert history.cluster.tolist() == [oracle.label[i] for i in range(len(case.x))]
    assert (history.num_clusters, history.num_graphs) == (len(oracle.clusters), oracle.num_graphs)


def check_select(pool: ThresholdMergePool, case: Case, oracle: Oracle) -> None:
    found = pool.select(*case)
    assert found.cluster.tolist() == [oracle.label[i] for i in range(len(case.x))]
    assert found.num_clusters == len(oracle.clusters)


def check_dendrogram(pool: ThresholdMergePool, case: Case, oracle: Oracle) -> None:
    found = pool.dendrogram(*case)
    heights = [oracle.heights(graph) for graph in range(oracle.num_graphs)]
    assert found.num_steps.shape == (oracle.num_graphs,)
    assert found.graph.tolist() == [g for g, of_graph in enumerate(heights) for _ in of_graph]
    expected = list(chain.from_iterable(heights))
    assert found.height.tolist() == pytest.approx(expected, abs=1e-5)


def check_cuts(pool: ThresholdMergePool, case: Case, oracle: Oracle) -> None:
    cuts = pool.cuts(*case)
    x, edge_index, edge_attr, batch, _ = cuts.output
    sizes = batch.bincount(minlength=cuts.num_cuts).tolist()
    probability = dict(
        zip(zip(cuts.graph.tolist(), sizes, strict=True), cuts.weight.tolist(), strict=True)
    )
    expected = {}
    for g in range(oracle.num_graphs):
        for k, (a, b) in enumerate(pairwise([1.0, *oracle.above(g), 0.0])):
            expected[g, oracle.batch.count(g) - k] = a - b
    # Pairs that tie are one step, and no cut stands between them.
    assert probability.keys() <= expected.keys()
    for key, value in expected.items():
        assert probability.get(key, 0) == pytest.approx(value, abs=1e-5)
    for r, g in enumerate(cuts.graph.tolist()):
        if all(a - b > 1e-4 for a, b in pairwise(oracle.heights(g))):
            parts = next(c.clusters for c in oracle.steps[g] if len(c.clusters) == sizes[r])
            mine = batch[edge_index[0]] == r
            edges, attr = edge_index[:, mine] - sum(sizes[:r]), edge_attr
            found = (x[batch == r], edges, attr if attr is None else attr[mine])
            assert_quotient(found, oracle.quotient(parts))


def check_expectation(pool: ThresholdMergePool, case: Case, oracle: Oracle) -> None:
    """Expect one cluster less per merge, times its probability."""
    cuts = pool.cuts(*case)
    count = cuts.output.batch.bincount(minlength=cuts.num_cuts).to(cuts.weight.dtype)
    expected = [oracle.batch.count(g) - sum(oracle.above(g)) for g in range(oracle.num_graphs)]
    assert cuts.expectation(count).tolist() == pytest.approx(expected, abs=1e-5)


X = torch.tensor(
    [
        [-7, -22, -11],
        [0, -5, -17],
        [-10, -8, -1],
        [7, -18, 7],
        [8, -1, 3],
        [-12, 9, 2],
        [-12, 15, 20],
    ]
).div(10)
EDGES = torch.tensor([[0, 1, 2, 3, 2, 4, 5], [1, 2, 3, 0, 1, 5, 6]])
ATTR = torch.arange(1.0, 15.0).view(7, 2)
BATCH = torch.tensor([0, 0, 0, 0, 1, 1, 1])
WHOLE = Case(X, EDGES, ATTR, BATCH)
NONE = torch.empty(2, 0, dtype=torch.long)
NO_NODES = Case(X[:0], NONE, None, BATCH[:0])
PAIR, PATH = torch.tensor([[0], [1]]), torch.tensor([[0, 1], [1, 2]])
ONE_WAY = EDGES[:, [0, 1, 2, 3, 5, 6]]
BOTH_WAYS = torch.cat([ONE_WAY, ONE_WAY.flip(0)], 1)
LENGTHS = torch.tensor([1e-30, 1e30, 1e-20, 1.0, 1e30, 1e-30, 1e15])[:, None]
# As long as a sum over a cluster allows.
LONG_IN_HALF = X / X.abs().amax(1, keepdim=True) * torch.tensor([[6e4]] + [[900.0]] * 6)


def edge_index_of_pyg(edges: Tensor, sort_order: str, **options: bool) -> EdgeIndex:
    edges = edges[:, edges[("row", "col").index(sort_order)].argsort(stable=True)]
    own = EdgeIndex(edges, sparse_size=(7, 7), sort_order=sort_order, **options)
    return own.fill_cache_()


CASES = {
    "ordinary": WHOLE,
    "no nodes": Case(X[:0], NONE),
    "no nodes, edge_attr": Case(X[:0], NONE, ATTR[:0]),
    "one node": Case(X[:1], NONE),
    "two nodes": Case(torch.tensor([[1.0, 2.0], [3.0, 6.0]]), PAIR),
    "two nodes, no edge": Case(X[:2], NONE),
    "no edges": WHOLE._replace(edge_index=NONE, edge_attr=ATTR[:0]),
    "isolated nodes": WHOLE._replace(edge_index=EDGES[:, [0, 6]], edge_attr=ATTR[:2]),
    "self-loops only": WHOLE._replace(edge_index=EDGES[[0, 0]]),
    "self-loops besides": Case(X, torch.cat([EDGES, EDGES[[0, 0]]], 1), ATTR.repeat(2, 1), BATCH),
    "duplicate edges": Case(X, EDGES.repeat(1, 3), ATTR.repeat(3, 1), BATCH),
    "one way": Case(X, ONE_WAY, ATTR[:6], BATCH),
    "other way": Case(X, ONE_WAY.flip(0), ATTR[:6], BATCH),
    "both ways": Case(X, BOTH_WAYS, ATTR[:6].repeat(2, 1), BATCH),
    "empty graphs at the start": WHOLE._replace(batch=BATCH + 2),
    "empty graphs in the middle": WHOLE._replace(batch=BATCH * 3),
    "empty graphs at the end": WHOLE._replace(batch_size=5),
    "empty graphs anywhere": WHOLE._replace(batch=BATCH * 2 + 1, batch_size=6),
    "all graphs empty": NO_NODES._replace(batch_size=3),
    "no graph": NO_NODES,
    "no graph, batch_size": NO_NODES._replace(batch=None, batch_size=0),
    "batch_size without batch": Case(X, EDGES, ATTR, None, 3),
    "x: transposed": WHOLE._replace(x=X.t().contiguous().t()),
    "x: strided rows": WHOLE._replace(x=X.repeat_interleave(2, 0)[::2]),
    "x: strided columns": WHOLE._replace(x=X.repeat_interleave(2, 1)[:, ::2]),
    "x: expanded": Case(X[:1].expand(4, 3), PAIR + PATH[0] * 2, None, torch.tensor([0, 0, 1, 1])),
    "x: F = 0": Case(torch.ones(2, 0), PAIR),
    "x: F = 1": Case(torch.tensor([[1.0], [2.0], [-3.0]]), PATH),
    "x: a zero vector": Case(torch.tensor([[1.0, 2.0], [2.0, 3.0], [0.0, 0.0]]), PATH),
    "x: zero": Case(torch.zeros(2, 2), PAIR),
    "x: float16": WHOLE._replace(x=X.half(), edge_attr=ATTR.half()),
    "x: bfloat16": WHOLE._replace(x=X.bfloat16(), edge_attr=ATTR.bfloat16()),
    "x: float64": WHOLE._replace(x=X.double(), edge_attr=ATTR.double()),
    "x: long": WHOLE._replace(x=X * 1e30),
    "x: short": WHOLE._replace(x=X * 1e-30),
    "x: long and short": WHOLE._replace(x=X * LENGTHS),
    "x: long in float16": WHOLE._replace(x=LONG_IN_HALF.half()),
    "x: short in float16": WHOLE._replace(x=(X * 1e-4).half()),
    "x: long in float64": WHOLE._replace(x=X.double() * 1e300),
    "edge_index: transposed": WHOLE._replace(edge_index=EDGES.t().contiguous().t()),
    "edge_index: strided": WHOLE._replace(edge_index=EDGES.repeat_interleave(2, 1)[:, ::2]),
    "edge_index: expanded": Case(X, PAIR.expand(2, 4), ATTR[:4]),
    "edge_index: int32": WHOLE._replace(edge_index=EDGES.int()),
    "edge_index: EdgeIndex": WHOLE._replace(edge_index=EdgeIndex(EDGES)),
    "edge_index: EdgeIndex by row": WHOLE._replace(edge_index=edge_index_of_pyg(EDGES, "row")),
    "edge_index: EdgeIndex by column": WHOLE._replace(edge_index=edge_index_of_pyg(EDGES, "col")),
    "edge_index: EdgeIndex, undirected": Case(
        X, edge_index_of_pyg(BOTH_WAYS, "row", is_undirected=True), None, BATCH
    ),
    "edge_attr: none": WHOLE._replace(edge_attr=None),
    "edge_attr: [E]": WHOLE._replace(edge_attr=ATTR[:, 1]),
    "edge_attr: [E, 0]": WHOLE._replace(edge_attr=ATTR[:, :0]),
    "edge_attr: transposed": WHOLE._replace(edge_attr=ATTR.t().contiguous().t()),
    "edge_attr: expanded": WHOLE._replace(edge_attr=ATTR[:1].expand(7, 2)),
    "edge_attr: int64": WHOLE._replace(edge_attr=ATTR.long()),
    "edge_attr: uint8": WHOLE._replace(edge_attr=ATTR[:, 0].byte()),
    "edge_attr: float64 beside float32": WHOLE._replace(edge_attr=ATTR.double()),
    "batch: strided": WHOLE._replace(batch=BATCH.repeat_interleave(2)[::2]),
    "batch: expanded": WHOLE._replace(batch=BATCH[:1].expand(7)),
    "batch: int32": WHOLE._replace(batch=BATCH.int()),
    "batch: Index": WHOLE._replace(batch=Index(BATCH, is_sorted=True)),
}


SETTINGS = list(product(CANDIDATES, MERGES))
ENTRY_POINTS = {
    "forward": (check_forward, ESTIMATORS),
    "select": (check_select, ("gate",)),
    "dendrogram": (check_dendrogram, ("gate",)),
    "cuts": (check_cuts, ("gate",)),
    "expectation": (check_expectation, ("gate",)),
}


def make_pool(
    candidates: str, merge: str, estimator: str = "gate", **options: object
) -> ThresholdMergePool:
    options |= {"candidates": candidates, "merge": merge, "estimator": estimator}
    # The blocks are small, so that graphs of four nodes take several.
    return ThresholdMergePool(TAU, temperature=TEMPERATURE, block_size=3, **options)


@contextmanager
def named(*names: str) -> Iterator[None]:
    """Say in an error which combination it is about."""
    try:
        yield
    except Exception as error:
        error.add_note(", ".join(names))
        raise


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_accepted(case: Case) -> None:
    for candidates, merge in SETTINGS:
        oracle = Oracle(case, candidates, merge)
        for check in (check_forward, check_cuts):
            with named(check.__name__, candidates, merge):
                check(make_pool(candidates, merge), case, oracle)


def test_attributes_that_are_not_finite_are_added_up_where_they_are_not_refused() -> None:
    attr = torch.tensor([torch.nan, 1.0, torch.inf, 2.0, 3.0, torch.nan, torch.nan])
    case = WHOLE._replace(edge_attr=attr)
    for candidates, merge in SETTINGS:
        pool = make_pool(candidates, merge, check_finite=False)
        for check in (check_forward, check_cuts):
            check(pool, case, Oracle(case, candidates, merge))


@pytest.mark.parametrize("name", ENTRY_POINTS)
def test_every_entry_point_with_every_option(name: str) -> None:
    check, estimators = ENTRY_POINTS[name]
    for (candidates, merge), estimator in product(SETTINGS, estimators):
        for case in (WHOLE, CASES["empty graphs anywhere"], CASES["no graph"]):
            with named(candidates, merge, estimator):
                check(
                    make_pool(candidates, merge, estimator), case, Oracle(case, candidates, merge)
                )


def test_the_ordinary_case_by_hand() -> None:
    """The highest scores of pairs are 02 0.78, 56 0.76, 01 0.66, 03 0.51."""
    for setting, expected in {
        ("edges", "components"): [0, 0, 1, 0, 2, 3, 3],
        ("edges", "average"): [0, 0, 1, 0, 2, 3, 3],
        ("edges", "complete"): [0, 0, 1, 0, 2, 3, 3],
        ("edges", "matching"): [0, 0, 1, 2, 3, 4, 4],
        ("all", "components"): [0, 0, 0, 0, 1, 2, 2],
        ("all", "average"): [0, 1, 0, 2, 3, 4, 4],
        ("all", "complete"): [0, 1, 0, 2, 3, 4, 4],
        ("all", "matching"): [0, 1, 0, 2, 3, 4, 4],
    }.items():
        assert make_pool(*setting)(*WHOLE).history.cluster.tolist() == expected, setting


CONTEXTS: dict[str, Callable[[], AbstractContextManager]] = {
    "autocast": partial(torch.autocast, "cpu", dtype=torch.bfloat16),
    "no_grad": torch.no_grad,
    "inference_mode": torch.inference_mode,
}


@pytest.mark.parametrize("context", CONTEXTS.values(), ids=CONTEXTS.keys())
def test_inside(context: Callable[[], AbstractContextManager]) -> None:
    for candidates, merge in SETTINGS:
        oracle = Oracle(WHOLE, candidates, merge)
        for check, estimators in ENTRY_POINTS.values():
            for estimator in estimators:
                with named(check.__name__, candidates, merge, estimator), context():
                    case = Case(*(tensor.clone() for tensor in WHOLE[:4]))
                    check(make_pool(candidates, merge, estimator), case, oracle)


def read_out(cuts: Cuts) -> Tensor:
    """A value per cut that depends on the features."""
    x = cuts.output.x.sin().sum(1)
    return scatter(x, cuts.output.batch, dim_size=cuts.num_cuts)


def expectation(pool: ThresholdMergePool, case: Case) -> Tensor:
    cuts = pool.cuts(*case)
    return cuts.expectation(read_out(cuts))


DIFFERENTIABLE = {
    **{f"forward, {estimator}": estimator for estimator in ESTIMATORS},
    "expectation": "gate",
}


def gradients(method: str, setting: tuple[str, str], case: Case) -> tuple[Tensor, Tensor]:
    """Gradients in x and in the raw threshold."""
    pool = make_pool(*setting, DIFFERENTIABLE[method])
    case = case._replace(x=case.x.detach().requires_grad_())
    value = expectation(pool, case) if method == "expectation" else pool(*case).x.sin()
    value.sum().backward()
    return case.x.grad, pool.raw_threshold.grad


WITHOUT_PAIRS = ["no nodes", "one node", "two nodes, no edge", "no edges", "self-loops only"]
WITHOUT_PAIRS += ["all graphs empty", "no graph"]
WITHOUT_DIRECTION = ["x: a zero vector", "x: zero", "x: F = 0"]


@pytest.mark.parametrize("name", WITHOUT_PAIRS + WITHOUT_DIRECTION)
def test_gradients_are_finite(name: str) -> None:
    for setting, method in product(SETTINGS, DIFFERENTIABLE):
        of_x, of_threshold = gradients(method, setting, CASES[name])
        assert of_x.shape == CASES[name].x.shape, (setting, method)
        assert of_x.isfinite().all(), (setting, method)
        assert of_threshold.isfinite(), (setting, method)
        if not Oracle(CASES[name], *setting).score:
            assert of_threshold == 0, (setting, method)


@pytest.mark.parametrize(
    "name", ["x: transposed", "x: strided rows", "x: strided columns", "x: expanded"]
)
def test_gradients_of_views(name: str) -> None:
    dense = CASES[name]._replace(x=CASES[name].x.clone(memory_format=torch.contiguous_format))
    for setting, method in product(SETTINGS, DIFFERENTIABLE):
        found, expected = (gradients(method, setting, case) for case in (CASES[name], dense))
        with named(*setting, method):
            assert expected[0].abs().min() > 0
            torch.testing.assert_close(found, expected)


def test_tensors_from_inference_mode_train_as_others_do() -> None:
    with torch.inference_mode():
        inferred = WHOLE._replace(**{n: getattr(WHOLE, n).clone() for n in WHOLE._fields[1:4]})
    for setting, method in product(SETTINGS, DIFFERENTIABLE):
        found, expected = (gradients(method, setting, case) for case in (inferred, WHOLE))
        with named(*setting, method):
            torch.testing.assert_close(found, expected)


@pytest.mark.parametrize("merge", MERGES)
def test_the_order_of_edges_does_not_matter(merge: str, draw_graphs: Callable[..., Case]) -> None:
    graphs = draw_graphs(0, [12, 0, 8])
    order = torch.randperm(len(graphs.edge_attr), generator=torch.Generator().manual_seed(0))
    shuffled = graphs._replace(
        edge_index=graphs.edge_index[:, order], edge_attr=graphs.edge_attr[order]
    )
    for candidates, estimator in product(CANDIDATES, ESTIMATORS):
        pool = make_pool(candidates, merge, estimator).double()
        first, second = pool(*graphs), pool(*shuffled)
        with named(candidates, estimator):
            assert 2 < first.history.num_clusters < 20
            assert second.history.cluster.equal(first.history.cluster)
            assert second.edge_index.equal(first.edge_index)
            torch.testing.assert_close(second.x, first.x)
            torch.testing.assert_close(second.edge_attr, first.edge_attr)
            torch.testing.assert_close(expectation(pool, shuffled), expectation(pool, graphs))


@pytest.mark.parametrize("merge", MERGES)
def test_the_order_of_nodes_in_their_graph_does_not_matter(
    merge: str, draw_graphs: Callable[..., Case]
) -> None:
    graphs = draw_graphs(0, [12, 0, 8])
    generator = torch.Generator().manual_seed(0)
    place = torch.cat([torch.randperm(12, generator=generator), torch.arange(12, 20).flip(0)])
    moved = graphs._replace(x=graphs.x[place.argsort()], edge_index=place[graphs.edge_index])
    for candidates, estimator in product(CANDIDATES, ESTIMATORS):
        pool = make_pool(candidates, merge, estimator).double()
        first, second = pool(*graphs), pool(*moved)
        label, other = first.history.cluster, second.history.cluster[place]
        with named(candidates, estimator):
            assert torch.equal(other[:, None] == other, label[:, None] == label)
            torch.testing.assert_close(second.x[other], first.x[label])
            torch.testing.assert_close(expectation(pool, moved), expectation(pool, graphs))
