"""The layer against all rewirings of random graphs, one threshold after the other."""

import math
from collections.abc import Callable
from itertools import product

import pytest
import torch
from scipy.special import expit
from torch import Tensor, nn
from torch_geometric.utils import scatter

from pyg_grapheme.nn import Cuts, ReinforceLoss, RewireOutput, ThresholdMergePool, ThresholdRewire
from pyg_grapheme.testing import assert_gradients_match

SIZES = [6, 0, 1, 7, 3]
TAU, TEMPERATURE = 0.3, 0.2
SETTINGS = [
    {"candidates": candidates, "keep_edges": keep_edges, "directed": directed}
    | ({"k": 2} if candidates == "knn" else {})
    for candidates, keep_edges, directed in product(
        ("edges", "knn", "all"), (False, True), (False, True)
    )
    if not (candidates == "edges" and keep_edges)
]


def make(setting: dict, **options: object) -> ThresholdRewire:
    if setting["candidates"] == "edges":
        options.pop("new_edge_attr", None)
    options = {"temperature": TEMPERATURE} | options
    return ThresholdRewire(TAU, **setting, **options).double()


def found_edges(output: RewireOutput) -> list[tuple[int, int, int]]:
    return list(zip(*output.edge_index.tolist(), output.history.edge.tolist(), strict=True))


def loss_per_cut(cuts: Cuts[RewireOutput], x: Tensor) -> Tensor:
    """Per cut: the sum over edges of sin(x_u + 2 x_v) (1 + attr), and its square."""
    (u, v), attr, _ = cuts.output
    z = x[cuts.node]
    term = (z[u] + 2 * z[v]).sum(1).sin() * (1 + attr.sum(1))
    total = scatter(term, cuts.batch[u], dim_size=cuts.num_cuts)
    return total + total.square() / 10


def reference_loss(edges: list, x: list, attrs: list, new: float) -> float:
    total = 0.0
    for u, v, e in edges:
        attr = sum(attrs[e]) if e >= 0 else 2 * new
        total += math.sin(sum(x[u]) + 2 * sum(x[v])) * (1 + attr)
    return total + total**2 / 10


@pytest.mark.parametrize("setting", SETTINGS, ids=lambda s: " ".join(map(str, s.values())))
def test_every_threshold_gives_the_graph_of_the_definition(
    setting: dict, draw_graphs: Callable, rewirings_of: Callable, directional: type
) -> None:
    """Of 200 graphs, 20 per setting: structure, probability, expectation, forward, closed form."""
    for seed in range(4):
        graphs = draw_graphs(seed, SIZES)
        options = {"new_edge_attr": 0.5}
        score = None
        if seed % 2:
            module = directional()
            options["score"], score = module, module.of
        given = setting | ({"score": score} if score else {})
        listed = [rewirings_of(graphs, g, **given) for g in range(len(SIZES))]
        rewire = make(setting, **options)
        cuts = rewire.cuts(*graphs)
        tau = rewire.threshold.item()
        r, expected = 0, torch.zeros(len(SIZES), dtype=torch.double)
        data = graphs.x.tolist(), graphs.edge_attr.tolist(), 0.5
        probability: dict[tuple, float] = {}
        for g, rewirings in enumerate(listed):
            for rewiring in rewirings:
                mine = cuts.batch[cuts.output.edge_index[0]] == r
                node = cuts.node[cuts.output.edge_index[:, mine]]
                edge = cuts.output.history.edge[mine].tolist()
                assert list(zip(*node.tolist(), edge, strict=True)) == rewiring.edges
                nodes = cuts.node[cuts.batch == r]
                assert nodes.tolist() == (graphs.batch == g).nonzero().view(-1).tolist()
                high, low = ((s - tau) / TEMPERATURE for s in rewiring[:2])
                p = expit(high) - expit(low)
                assert (cuts.graph[r], cuts.weight[r].item()) == (g, pytest.approx(p, abs=1e-9))
                expected[g] += p * reference_loss(rewiring.edges, *data)
                for e in rewiring.edges:
                    probability[e] = probability.get(e, 0) + p
                r += 1
        assert cuts.num_cuts == r
        value = cuts.expectation(loss_per_cut(cuts, graphs.x))
        torch.testing.assert_close(value, expected, rtol=1e-9, atol=1e-9)
        closed = rewire.edge_probability(*graphs)
        keys = zip(*closed.edge_index.tolist(), closed.edge.tolist(), strict=True)
        assert dict(zip(keys, closed.probability.tolist(), strict=True)) == pytest.approx(
            probability, abs=1e-9
        )
        for level in range(max(map(len, listed))):
            now = [rewirings[min(level, len(rewirings) - 1)] for rewirings in listed]
            middle = [(min(s.high, 9.0) + max(s.low, -9.0)) / 2 for s in now]
            given = {"threshold": torch.tensor(middle).double()}
            output = rewire(*graphs, **given)
            assert found_edges(output) == [edge for s in now for edge in s.edges]
            is_new = output.history.edge < 0
            attr = graphs.edge_attr[output.history.edge].masked_fill(is_new[:, None], 0.5)
            assert torch.equal(output.edge_attr, attr)
            selection = rewire.select(*graphs, **given)
            edge_index, edge_attr = rewire.connect(selection, graphs.x, graphs.edge_attr)
            assert torch.equal(edge_index, output.edge_index)
            assert torch.equal(edge_attr, output.edge_attr)


class Product(nn.Module):
    """Attributes of new edges."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.tensor([[0.3, -0.2], [0.1, 0.7], [-0.4, 0.2]]).double())

    def forward(self, x_i: Tensor, x_j: Tensor) -> Tensor:
        return (x_i - 2 * x_j) @ self.weight


@pytest.mark.parametrize("setting", SETTINGS, ids=lambda s: " ".join(map(str, s.values())))
def test_gradcheck_of_all_that_decides(
    setting: dict, draw_graphs: Callable, directional: type
) -> None:
    graphs, logits = draw_graphs(2, [4, 0, 1, 3]), setting["directed"]
    options = {"score": directional(logits), "logits": logits, "temperature": 0.4}
    rewire = make(setting, **options, new_edge_attr=Product())

    def through(call: str, x: Tensor, attr: Tensor, given: dict) -> Tensor:
        same = (x, graphs.edge_index, attr, *graphs[3:])
        if call == "edge_probability":
            (u, v), attr, probability, _ = rewire.edge_probability(*same, **given)
            return probability @ (x[u] - 2 * x[v]).sum(1).sin() + probability @ attr.sin()
        torch.manual_seed(0)
        bounds = {"cuts": {}, "levels": {"levels": 2}, "sampled": {"max_cuts": 2}}[call]
        cuts = rewire.cuts(*same, **bounds, **given)
        if call == "sampled":
            # The weight of a sampled cut is a number of draws: the estimate is constant in it.
            is_drawn = cuts.half_weights.sum(1) > 0
            weight = torch.where(is_drawn, cuts.weight.detach(), cuts.weight)
            return weight @ loss_per_cut(cuts, x)
        return cuts.expectation(loss_per_cut(cuts, x))

    inputs = (graphs.x.clone().requires_grad_(), graphs.edge_attr.clone().requires_grad_())
    parameters = list(rewire.parameters())
    assert len(parameters) == 2 + (setting["candidates"] != "edges")
    for call in ("cuts", "levels", "sampled", "edge_probability"):

        def by_parameters(x: Tensor, attr: Tensor, *_: Tensor, call: str = call) -> Tensor:
            return through(call, x, attr, {})

        used = parameters if call != "sampled" else parameters[2:]
        assert torch.autograd.gradcheck(by_parameters, (*inputs, *used), fast_mode=True), call
        if setting["keep_edges"]:
            continue
        generator = torch.Generator().manual_seed(1)
        score = torch.rand(graphs.edge_index.size(1), generator=generator).double()
        threshold = torch.rand(graphs.batch_size, generator=generator).double()

        def by_arguments(x: Tensor, attr: Tensor, e: Tensor, t: Tensor, call: str = call) -> Tensor:
            return through(call, x, attr, {"edge_score": e, "threshold": t})

        leaves = (score.requires_grad_(), threshold.requires_grad_())
        if call != "sampled":
            assert torch.autograd.gradcheck(by_arguments, (*inputs, *leaves), fast_mode=True), call


def test_gradcheck_of_the_cosine(draw_graphs: Callable) -> None:
    graphs = draw_graphs(2, [4, 0, 1, 3])
    for setting in SETTINGS:
        rewire = make(setting, new_edge_attr=Product())

        def value(x: Tensor, *_: Tensor, rewire: ThresholdRewire = rewire) -> Tensor:
            cuts = rewire.cuts(x, *graphs[1:])
            return cuts.expectation(loss_per_cut(cuts, x))

        inputs = (graphs.x.clone().requires_grad_(), *rewire.parameters())
        assert torch.autograd.gradcheck(value, inputs), setting


def gradient(rewire: ThresholdRewire, graphs: tuple, copies: int = 1, **options: int) -> Tensor:
    """Expectations per copy, and gradients in x and all parameters summed over the copies."""
    x = graphs.x.clone().requires_grad_()
    same = graphs._replace(x=x).repeat(copies)
    cuts = rewire.cuts(*same, **options)
    value = cuts.expectation(loss_per_cut(cuts, same.x))
    parts = torch.autograd.grad(value.sum() / copies, [x, *rewire.parameters()])
    mean = value.detach().view(copies, -1).mean(0)
    return torch.cat([mean, *(part.flatten() for part in parts)])


@pytest.mark.parametrize("max_cuts", [2, 5])
def test_sampled_cuts_are_unbiased(max_cuts: int, draw_graphs: Callable, directional: type) -> None:
    """Value and gradient of 20,000 draws, in 40 batches of 500."""
    torch.manual_seed(max_cuts)
    graphs = draw_graphs(4, [5, 4])
    rewire = make(SETTINGS[2], score=directional(), new_edge_attr=Product())
    exact = gradient(rewire, graphs)
    drawn = torch.stack([gradient(rewire, graphs, 500, max_cuts=max_cuts) for _ in range(40)])
    error = drawn.std(0) / len(drawn) ** 0.5
    assert bool(((drawn.mean(0) - exact).abs() <= 4 * error + 1e-9).all())
    assert (error > 1e-6).sum() > 20
    assert bool((error < 0.1 * exact.abs().max()).all())


def test_reinforce_is_unbiased(draw_graphs: Callable, directional: type) -> None:
    """Gradient of 20,000 draws; the log-probability is that of the cut that was drawn."""
    torch.manual_seed(0)
    graphs = draw_graphs(4, [5, 4])
    setting = {"estimator": "reinforce", "score": directional(), "new_edge_attr": Product()}
    rewire = make(SETTINGS[2], **setting)
    exact = gradient(rewire, graphs)[2:]
    same, loss_fn = graphs.repeat(500), ReinforceLoss()
    source = torch.arange(same.batch_size) % 2
    steps, drawn = rewire.cuts(*graphs), []
    sizes = torch.bincount(steps.batch[steps.output.edge_index[0]], minlength=steps.num_cuts)
    for _ in range(40):
        x = graphs.x.clone().requires_grad_()
        inputs = (x.repeat(500, 1), *same[1:])
        output = rewire(*inputs)
        ones = torch.ones(same.batch_size)
        whole = Cuts(output, ones, torch.arange(len(same.x)), same.batch, ones, 0, ones)
        loss = loss_fn(
            loss_per_cut(whole._replace(graph=source), inputs[0]), output.history, source
        )
        parts = torch.autograd.grad(loss.sum() / 500, [x, *rewire.parameters()])
        drawn.append(torch.cat([part.flatten() for part in parts]))
    found = torch.stack(drawn)
    error = found.std(0) / len(found) ** 0.5
    assert bool(((found.mean(0) - exact).abs() <= 4 * error).all())
    counts = torch.bincount(same.batch[output.edge_index[0]], minlength=same.batch_size)
    for g, count, log_prob in zip(source, counts, output.history.log_prob, strict=True):
        (r,) = ((steps.graph == g) & (sizes == count)).nonzero()
        torch.testing.assert_close(log_prob.exp(), steps.weight[r[0]])
    rewire.eval()
    assert rewire(*graphs).history.log_prob.tolist() == [0, 0]


@pytest.mark.parametrize("order", ["rewire first", "merge first"])
def test_nested_with_the_pool(order: str, draw_graphs: Callable) -> None:
    """The double sum of the definition, graph by graph, and its gradient."""
    graphs = draw_graphs(5, [4, 0, 1, 3])
    rewire = make({"candidates": "knn", "k": 1}, new_edge_attr=0.5)
    pool = ThresholdMergePool(0.4, temperature=0.3).double()
    layers = [rewire, pool] if order == "rewire first" else [pool, rewire]

    def rows(cuts: Cuts, x: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor, int]:
        output = cuts.output
        if isinstance(output, RewireOutput):
            return x[cuts.node], output.edge_index, output.edge_attr, cuts.batch, cuts.num_cuts
        return *output[:4], cuts.num_cuts

    def value(graphs: tuple) -> Tensor:
        x, (u, v), attr, batch, size = graphs
        node = scatter(x.sum(1).sin(), batch, dim_size=size)
        edge = scatter((x[u] + 2 * x[v]).sum(1).sin() * (1 + attr.sum(1)), batch[u], dim_size=size)
        return (node + edge).square()

    def nested(x: Tensor, *_: Tensor) -> Tensor:
        outer = layers[0].cuts(x, *graphs[1:])
        middle = rows(outer, x)
        middle = ((middle[0] * 1.5).sin(), *middle[1:])
        inner = layers[1].cuts(*middle)
        return outer.expectation(inner.expectation(value(rows(inner, middle[0]))))

    expected = torch.zeros(graphs.batch_size, dtype=torch.double)
    outer = layers[0].cuts(*graphs)
    x, edge_index, attr, batch, _ = rows(outer, graphs.x)
    for r, g in enumerate(outer.graph.tolist()):
        mine = batch == r
        inside, start = mine[edge_index[0]], int((batch < r).sum())
        alone = ((x[mine] * 1.5).sin(), edge_index[:, inside] - start, attr[inside])
        inner = layers[1].cuts(*alone)
        values = value(rows(inner, alone[0]))
        for weight, each in zip(inner.weight.tolist(), values.tolist(), strict=True):
            expected[g] += outer.weight[r].item() * weight * each
    torch.testing.assert_close(nested(graphs.x), expected)
    parameters = [layer.raw_threshold for layer in layers]
    assert_gradients_match(nested, [graphs.x, *parameters], step=1e-5)


def test_deletion_keeps_a_dag_a_dag(draw_graphs: Callable) -> None:
    for seed in range(20):
        graphs = draw_graphs(seed, [8, 5], edges_per_node=3.0)
        forward = graphs.edge_index[0] < graphs.edge_index[1]
        for directed in (False, True):
            setting = {"candidates": "edges", "directed": directed}
            inputs = (graphs.x, graphs.edge_index[:, forward], None, graphs.batch)
            cuts = make(setting).cuts(*inputs)
            u, v = cuts.output.edge_index
            assert bool((u < v).all())
            assert u.numel() > 10


def test_both_directions_and_repeats_follow_their_pair_at_any_size() -> None:
    generator = torch.Generator().manual_seed(0)
    edges = torch.randint(2000, (2, 9000), generator=generator)
    edges = torch.cat([edges, edges.flip(0), edges[:, :3000]], 1)
    edges = edges[:, torch.randperm(edges.size(1), generator=generator)]
    x = torch.randn(2000, 16, generator=generator)
    for threshold in torch.linspace(-0.5, 0.5, 5):
        kept = ThresholdRewire()(x, edges, threshold=threshold.view(1)).edge_index
        assert 0 < kept.size(1) < edges.size(1)
        key, back = kept[0] * 2000 + kept[1], kept[1] * 2000 + kept[0]
        assert torch.equal(key.unique(), back.unique())
        everything = edges[0] * 2000 + edges[1]
        assert torch.equal(torch.isin(everything, key.unique()).sum(), torch.tensor(key.numel()))


def test_thresholds_of_graphs_and_scores_of_edges(draw_graphs: Callable) -> None:
    """The scores of all edges of a pair are averaged; directed, those of one direction."""
    x = torch.ones(3, 1)
    edge_index = torch.tensor([[0, 1, 0, 1, 2], [1, 0, 1, 2, 2]])
    score = torch.tensor([0.9, 0.3, 0.9, 0.6, 0.0])
    for directed, expected in ((False, [0.7, 0.6]), (True, [0.9, 0.6, 0.3])):
        rewire = ThresholdRewire(directed=directed, candidates="all")
        found = rewire.scores(x, edge_index, edge_score=score)
        assert found.score.sort(descending=True).values.tolist() == pytest.approx(expected)
        kept = rewire(x, edge_index, edge_score=score, threshold=torch.tensor([0.65])).history
        assert kept.edge.tolist() == ([0, 2, 4] if directed else [0, 1, 2, 4])
        assert kept.threshold.tolist() == pytest.approx([0.65])


def test_ties_are_one_step_and_share_its_gradient() -> None:
    edge_index = torch.tensor([[0, 1, 2, 0], [1, 2, 3, 3]])
    score = torch.tensor([0.5, 0.5, 0.5, 0.2], dtype=torch.double, requires_grad=True)
    cuts = (
        ThresholdRewire(0.4).double().cuts(torch.ones(4, 1).double(), edge_index, edge_score=score)
    )
    assert torch.bincount(cuts.batch[cuts.output.edge_index[0]], minlength=3).tolist() == [0, 3, 4]
    (found,) = torch.autograd.grad(cuts.weight[1:].sum(), score)
    p = expit((0.5 - 0.4) / 0.1)
    assert found.tolist() == pytest.approx([p * (1 - p) / 0.1 / 3] * 3 + [0])


def test_min_mass_and_levels_bound_the_cuts(draw_graphs: Callable) -> None:
    graphs = draw_graphs(0, [8, 5])
    rewire = make({"candidates": "all"})
    all_cuts, coarse = rewire.cuts(*graphs), rewire.cuts(*graphs, levels=3)
    assert coarse.graph.tolist() == [0] * 4 + [1] * 4
    # Of 28 pairs in three groups, 9, 18 and 28 are above the lowest height of each.
    ranked = rewire.scores(*graphs).score[:28].sort(descending=True).values
    heights = torch.stack([ranked[8], ranked[17], ranked[27]])
    above = torch.sigmoid((heights - TAU) / TEMPERATURE)
    torch.testing.assert_close(coarse.weight[:4].flip(0).cumsum(0).flip(0)[1:], above)
    some = rewire.cuts(*graphs, min_mass=0.9)
    assert some.num_cuts < all_cuts.num_cuts
    assert bool((some.dropped <= 0.1).all())
    assert bool((some.dropped > 0).all())


def test_the_history_lifts_to_the_same_nodes(draw_graphs: Callable) -> None:
    graphs = draw_graphs(0, [4, 3])
    history = make({"candidates": "edges"})(*graphs).history
    z = torch.randn(7, 2)
    assert torch.equal(history.lift(z), z)
    with pytest.raises(ValueError, match=r"'z' to have one row for each of the 7 nodes"):
        history.lift(z[1:])
