"""The pool's table of inputs, rewired as the definition says, and input that is refused."""

import copy
import runpy
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest
import torch
from scipy.special import expit
from torch import Tensor, nn
from torch_geometric.utils import scatter

from pyg_grapheme.nn import ThresholdRewire

CASES = runpy.run_path(str(Path(__file__).parents[1] / "pool" / "test_inputs.py"))["CASES"]
TAU, TEMPERATURE = 0.5, 0.1
SETTINGS: list[dict[str, Any]] = [
    {},
    {"directed": True},
    {"candidates": "knn", "k": 2},
    {"candidates": "knn", "k": 1, "keep_edges": True},
    {"candidates": "knn", "k": 9, "directed": True},
    {"candidates": "all"},
    {"candidates": "all", "keep_edges": True, "directed": True},
]


def num_graphs_of(case: Any) -> int:
    batch = [0] * len(case.x) if case.batch is None else case.batch.tolist()
    found = 1 if case.batch is None else max(batch, default=-1) + 1
    return found if case.batch_size is None else case.batch_size


def plain(case: Any) -> Any:
    """The case as the reference reads it: int64 indices and float64 features."""
    edges = torch.tensor(case.edge_index.tolist()).long().view(2, -1)
    batch = torch.zeros(len(case.x)) if case.batch is None else torch.tensor(case.batch.tolist())
    return case._replace(x=case.x.double(), edge_index=edges, batch=batch.long())


def check(rewire: ThresholdRewire, case: Any, rewirings_of: Callable, setting: dict) -> None:
    size, reference = num_graphs_of(case), plain(case)
    listed = [rewirings_of(reference, graph, **setting) for graph in range(size)]
    assert all(abs(r.high - TAU) > 1e-3 for rewirings in listed for r in rewirings)
    output = rewire(*case)
    at_tau = [next(r.edges for r in rewirings if r.low <= TAU < r.high) for rewirings in listed]
    edges = [edge for of_graph in at_tau for edge in of_graph]
    assert type(output.edge_index) is Tensor
    found = [*output.edge_index.tolist(), output.history.edge.tolist()]
    assert list(zip(*found, strict=True)) == edges
    assert output.history.num_nodes == len(case.x)
    assert output.history.log_prob.shape == (size,)
    if case.edge_attr is None:
        assert output.edge_attr is None
    else:
        padded = torch.cat([case.edge_attr, torch.zeros_like(case.edge_attr[:1])])
        if not len(case.edge_attr):
            padded = case.edge_attr.new_zeros(1, *case.edge_attr.shape[1:])
        expected = padded[[edge for *_, edge in edges]]
        torch.testing.assert_close(output.edge_attr, expected, rtol=0, atol=0, equal_nan=True)
    probability: dict[tuple, float] = {}
    for rewirings in listed:
        for r in rewirings:
            p = expit((r.high - TAU) / TEMPERATURE) - expit((r.low - TAU) / TEMPERATURE)
            for edge in r.edges:
                probability[edge] = probability.get(edge, 0) + p
    closed = rewire.edge_probability(*case)
    keys = zip(*closed.edge_index.tolist(), closed.edge.tolist(), strict=True)
    found = dict(zip(keys, closed.probability.tolist(), strict=True))
    assert found == pytest.approx(probability, abs=1e-5)
    cuts = rewire.cuts(*case)
    owner = cuts.batch[cuts.output.edge_index[0]]
    count = torch.bincount(owner, minlength=cuts.num_cuts).to(cuts.weight)
    expected = torch.zeros(size)
    for (u, _, _), p in probability.items():
        expected[reference.batch[u]] += p
    torch.testing.assert_close(
        cuts.expectation(count).detach().float(), expected, atol=1e-4, rtol=1e-5
    )


@pytest.mark.parametrize("name", CASES)
def test_accepted(name: str, rewirings_of: Callable) -> None:
    for setting in SETTINGS:
        rewire = ThresholdRewire(TAU, temperature=TEMPERATURE, **setting)
        check(rewire, CASES[name], rewirings_of, setting)
        case = CASES[name]._replace(x=CASES[name].x.detach().clone().requires_grad_())
        cuts, closed = rewire.cuts(*case), rewire.edge_probability(*case)
        value = torch.arange(cuts.num_cuts).to(cuts.weight)
        (cuts.expectation(value).sum() + closed.probability.sum()).backward()
        assert case.x.grad is None or bool(case.x.grad.isfinite().all())
        assert bool(rewire.raw_threshold.grad.isfinite())


@pytest.mark.parametrize("context", ["autocast", "no_grad", "inference_mode"])
def test_inside(context: str, rewirings_of: Callable) -> None:
    make = {
        "autocast": lambda: torch.autocast("cpu", dtype=torch.bfloat16),
        "no_grad": torch.no_grad,
        "inference_mode": torch.inference_mode,
    }.get(context, nullcontext)
    for setting in SETTINGS:
        with make():
            case = CASES["ordinary"]
            case = case._replace(x=case.x.clone(), edge_attr=case.edge_attr.clone())
            rewire = ThresholdRewire(TAU, temperature=TEMPERATURE, **setting)
            check(rewire, case, rewirings_of, setting)


def test_a_score_at_the_threshold_keeps_nothing() -> None:
    x, edges = torch.tensor([[1.0, 0.0, 0.0, 0.0], [1.0, 1.0, 1.0, 1.0]]), torch.tensor([[0], [1]])
    rewire = ThresholdRewire(0.5)
    assert rewire.scores(x, edges).score.item() == rewire.threshold.item() == 0.5
    assert rewire(x, edges).edge_index.size(1) == 0
    assert rewire(x, edges, threshold=torch.tensor([0.5 - 1e-7])).edge_index.size(1) == 1


def test_nan_is_not_above_without_the_check() -> None:
    x = torch.tensor([[1.0, 0.0], [1.0, 0.0], [torch.nan, 0.0]])
    edges = torch.tensor([[0, 1, 2], [1, 2, 2]])
    for setting in SETTINGS:
        rewire = ThresholdRewire(0.5, check_finite=False, **setting)
        found = rewire(x, edges).edge_index.T.tolist()
        assert [0, 1] in found
        assert [2, 2] in found
        assert ([1, 2] in found) == rewire.keep_edges
        weight = rewire.cuts(x, edges, levels=2).weight
        assert bool(weight.isnan().any())
    with pytest.raises(ValueError, match=r"'x' to be finite \(got NaN or infinity\)"):
        ThresholdRewire()(x, edges)


def test_the_zero_gradient_of_the_threshold() -> None:
    case = CASES["ordinary"]
    for setting in SETTINGS:
        rewire = ThresholdRewire(**setting)
        attr = case.edge_attr.clone().requires_grad_()
        output = rewire(case.x, case.edge_index, attr, case.batch)
        output.edge_attr.square().sum().backward()
        assert rewire.raw_threshold.grad.item() == 0
        assert all(parameter.grad is not None for parameter in rewire.parameters())
        kept = output.history.edge[output.history.edge >= 0]
        expected = torch.zeros_like(attr).index_add(0, kept, 2 * case.edge_attr[kept])
        assert torch.equal(attr.grad, expected)


class Returns(nn.Module):
    """A score, or attributes, of a fixed value."""

    def __init__(self, make: Callable[[Tensor], Any]) -> None:
        super().__init__()
        self.make = make

    def forward(self, x_i: Tensor, *_: Tensor) -> Any:
        return self.make(x_i)


def ones(x_i: Tensor) -> Tensor:
    return torch.ones(len(x_i))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"threshold": 1.0}, r"'threshold' to be in \(0, 1\), .* \(got 1.0\)"),
        ({"score": "dot"}, r"'score' to be one of 'cosine' or a module \(got 'dot'\)"),
        ({"candidates": "none"}, r"'candidates' to be one of 'edges', 'knn', 'all' \(got 'none'\)"),
        ({"candidates": "knn"}, r"'k' to be an int with candidates='knn' \(got None\)"),
        ({"candidates": "knn", "k": 0}, r"'k' to be at least 1 \(got 0\)"),
        ({"candidates": "knn", "k": 1.5}, r"'k' to be an int \(got 1.5\)"),
        ({"k": 3}, r"'k' to be None with candidates='edges' \(got 3\)"),
        ({"candidates": "all", "k": 3}, r"'k' to be None with candidates='all' \(got 3\)"),
        ({"keep_edges": 1}, r"'keep_edges' to be True or False \(got 1\)"),
        ({"keep_edges": True}, r"'keep_edges' to be left out with candidates='edges', .*got True"),
        ({"new_edge_attr": 2.0}, r"'new_edge_attr' to be left out with candidates='edges'"),
        ({"directed": "no"}, r"'directed' to be True or False \(got 'no'\)"),
        ({"logits": 0}, r"'logits' to be True or False \(got 0\)"),
        ({"check_finite": None}, r"'check_finite' to be True or False \(got None\)"),
        ({"temperature": 0}, r"'temperature' to be positive \(got 0\)"),
        ({"estimator": "gate"}, r"'estimator' to be one of 'none', 'reinforce' \(got 'gate'\)"),
        (
            {"candidates": "all", "new_edge_attr": "one"},
            r"'new_edge_attr' to be None, a number, a tensor \[D\] or a module \(got 'one'\)",
        ),
        (
            {"candidates": "all", "new_edge_attr": torch.ones(2, 2)},
            r"'new_edge_attr' to be .*\(got shape \(2, 2\)\)",
        ),
    ],
)
def test_options_that_do_not_fit_are_refused(options: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        ThresholdRewire(**options)


def test_an_unknown_option_is_refused() -> None:
    with pytest.raises(TypeError, match="unexpected keyword argument 'candidate'"):
        ThresholdRewire(candidate="all")


@pytest.mark.parametrize(
    ("options", "change", "message"),
    [
        ({"score": Returns(lambda x: ones(x) - 1.5)}, {}, r"'score' to return numbers in \[0, 1\], "
         r"or logits with logits=True \(got -0.5 to -0.5\)"),
        ({"score": Returns(lambda x: ones(x) * 1.5)}, {}, r"numbers in \[0, 1\], .*1.5 to 1.5"),
        ({"score": Returns(lambda x: ones(x) * torch.nan)}, {}, r"'score' to return finite"),
        ({"score": Returns(lambda x: ones(x)[1:])}, {}, r"'score' to return one number per row"),
        ({"logits": True}, {}, r"'edge_score', or a module as 'score', with logits=True"),
        ({}, {"edge_index": torch.tensor([[0, 7], [1, 2]])},
         r"'edge_index' to hold nodes in \[0, 7\) \(got 0 to 7\)"),
        ({}, {"edge_index": torch.tensor([[0, -1], [1, 2]])}, r"nodes in \[0, 7\) \(got -1 to 2\)"),
        ({}, {"edge_index": torch.tensor([[0], [5]])}, r"join nodes of one graph"),
        ({}, {"x": torch.full((7, 3), torch.nan)}, r"'x' to be finite \(got NaN or infinity\)"),
        ({}, {"edge_attr": torch.full((7, 1), torch.inf)}, r"'edge_attr' to be finite"),
        ({}, {"edge_score": torch.ones(2)}, r"'edge_score' to be a float tensor \[7\], one number"),
        ({}, {"edge_score": torch.full((7,), torch.nan)}, r"'edge_score' to be finite"),
        ({}, {"threshold": torch.ones(3)}, r"'threshold' to be a float tensor \[2\]"),
        ({"candidates": "all", "keep_edges": True}, {"edge_score": torch.ones(7)},
         r"'edge_score' to be None with keep_edges=True"),
    ],
)  # fmt: skip
def test_input_that_does_not_fit_is_refused(options: dict, change: dict, message: str) -> None:
    case = CASES["edge_attr: none"]
    inputs = {"x": case.x, "edge_index": case.edge_index, "batch": case.batch} | change
    rewire = ThresholdRewire(**options)
    methods = ["forward", "cuts", "edge_probability", "select", "scores"]
    if "threshold" in change:
        methods.pop()
    for method in methods:
        with pytest.raises(ValueError, match=message):
            getattr(rewire, method)(**inputs)


def test_logits_may_be_any_numbers() -> None:
    case = CASES["ordinary"]
    rewire = ThresholdRewire(0.5, score=Returns(lambda x: x[:, 2] * 9), logits=True)
    pairs, score = rewire.scores(*case)
    assert rewire.temperature == 1.0
    assert score.min() < -1
    assert score.max() > 1
    kept = rewire(*case).edge_index
    expected = {tuple(p) for p, s in zip(pairs.T.tolist(), score.tolist(), strict=True) if s > 0}
    found = {tuple(sorted(e)) for e in kept.T.tolist() if e[0] != e[1]}
    assert found == expected


@pytest.mark.parametrize(
    ("new", "attr", "message"),
    [
        (1.0, None, r"'edge_attr' to be given, as 'new_edge_attr' is \(got None\)"),
        (0.5, torch.ones(7).long(), r"'new_edge_attr' to be a whole number .* int64 \(got 0.5\)"),
        (
            300,
            torch.ones(7).byte(),
            r"whole number in \[0, 255\], as 'edge_attr' is uint8 \(got 300",
        ),
        (torch.tensor(2.5), torch.ones(7).long(), r"whole numbers, .* is int64 \(got float32\)"),
        (torch.ones(3), torch.ones(7, 2), r"'new_edge_attr' to have the shape .*\(2,\) \(got \(3"),
        (Returns(ones), torch.ones(7, 2), r"'new_edge_attr' to return one row per row of x_i, \("),
        (Returns(lambda x: 1.0), torch.ones(7), r"'new_edge_attr' to return .* \(got float\)"),
    ],
)
def test_attributes_that_do_not_fit_are_refused(new: Any, attr: Any, message: str) -> None:
    case = CASES["ordinary"]
    rewire = ThresholdRewire(0.1, candidates="all", new_edge_attr=new)
    for method in (rewire, rewire.cuts, rewire.edge_probability):
        with pytest.raises(ValueError, match=message):
            method(case.x, case.edge_index, attr, case.batch)


@pytest.mark.parametrize(
    ("new", "shape", "expected"),
    [
        (None, (2,), [0.0, 0.0]),
        (3, (2,), [3.0, 3.0]),
        (torch.tensor([1.0, 2.0]), (2,), [1.0, 2.0]),
        (nn.Parameter(torch.tensor([1.0, 2.0])), (2,), [1.0, 2.0]),
        (torch.tensor(4.0), (), 4.0),
        (Returns(lambda x: x[:, :2].double() * 0 + 5), (2,), [5.0, 5.0]),
    ],
)
def test_attributes_of_new_edges(new: Any, shape: tuple, expected: Any) -> None:
    case = CASES["ordinary"]
    rewire = ThresholdRewire(0.1, candidates="all", new_edge_attr=new)
    attr = torch.full((7, *shape), 7.0)
    output = rewire(case.x, case.edge_index, attr, case.batch)
    is_new = output.history.edge < 0
    assert 0 < is_new.sum() < len(is_new)
    for row, inserted in zip(output.edge_attr.tolist(), is_new.tolist(), strict=True):
        assert row == (expected if inserted else attr[0].tolist())
    state = copy.deepcopy(rewire).state_dict()
    assert ("new_edge_attr" in state) == isinstance(new, Tensor)
    rewire.load_state_dict(state)


def test_repr_says_every_option_and_reset_restores(directional: type) -> None:
    rewire = ThresholdRewire(0.25, candidates="knn", k=4, new_edge_attr=nn.Bilinear(3, 3, 2))
    assert repr(rewire) == (
        "ThresholdRewire(threshold=0.25, score='cosine', candidates='knn', k=4, keep_edges=False, "
        "directed=False, new_edge_attr=Bilinear(in1_features=3, in2_features=3, out_features=2, "
        "bias=True), logits=False, estimator='none', temperature=0.1, check_finite=True)"
    )
    before = rewire.new_edge_attr.weight.detach().clone()
    rewire.raw_threshold.data.fill_(3.0)
    rewire.reset_parameters()
    assert rewire.threshold.item() == pytest.approx(0.25)
    assert not torch.equal(rewire.new_edge_attr.weight, before)


@torch.no_grad()
def test_compiled_as_it_is() -> None:
    case = CASES["ordinary"]
    rewire = ThresholdRewire(0.5, candidates="all")

    @torch.compile(backend="eager")
    def run(x: Tensor) -> Tensor:
        edge_index, attr, _ = rewire(x, case.edge_index, case.edge_attr, case.batch)
        return scatter(attr * 2, edge_index[0], dim_size=7)

    edge_index, attr, _ = rewire(*case)
    expected = scatter(attr * 2, edge_index[0], dim_size=7)
    torch.testing.assert_close(run(case.x), expected)
