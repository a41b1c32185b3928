"""The classes over several updates and processes."""

import pickle
from itertools import product

import pytest
import torch
from torch import Tensor
from torchmetrics import Metric, MetricCollection

from pyg_grapheme.metrics import (
    METRICS,
    ClusteringScore,
    TrackMLScore,
    TrackRate,
    clustering_score,
    track_rates,
    trackml_score,
)

MAKE = {
    "pair_f1": lambda **options: ClusteringScore("pair_f1", **options),
    "recovered": lambda **options: ClusteringScore("recovered", min_size=2, **options),
    "fake_rate": lambda **options: TrackRate("fake_rate", match="lhc", **options),
    "trackml": TrackMLScore,
}


def arguments(name: str, cluster: Tensor, y: Tensor) -> list[Tensor]:
    return [cluster, y, 1.0 / (1 + cluster)] if name == "trackml" else [cluster, y]


def test_the_mean_over_graphs(draw_clusterings) -> None:
    cluster, y, batch, _ = draw_clusterings(40)
    weight = 1.0 / (1 + cluster)
    graphs = {"batch": batch, "batch_size": 40}
    by_graph = {
        "pair_f1": clustering_score(cluster, y, "pair_f1", **graphs),
        "recovered": clustering_score(cluster, y, "recovered", min_size=2, **graphs),
        "fake_rate": track_rates(cluster, y, match="lhc", **graphs).fake_rate,
        "trackml": trackml_score(cluster, y, weight, **graphs),
    }
    for name, make in MAKE.items():
        metric = make()
        for half, start, size in ((batch < 15, 0, 15), (batch >= 15, 15, 25)):
            metric.update(*arguments(name, cluster[half], y[half]), batch[half] - start, size)
        torch.testing.assert_close(metric.compute(), by_graph[name].mean())


def test_pooled_sums_are_those_of_one_graph(draw_clusterings) -> None:
    cluster, y, batch, _ = draw_clusterings(40)
    # No cluster or label is in two graphs, so sums over graphs are those of one large graph.
    one = 10 * batch + cluster, torch.where(y < 0, y, 10 * batch + y)
    for name, make in MAKE.items():
        metric = make(pooled=True)
        for part in (batch < 15, batch >= 15):
            metric.update(*arguments(name, cluster[part], y[part]), batch[part])
        weight = 1.0 / (1 + cluster)
        expected = {
            "pair_f1": lambda: clustering_score(*one, "pair_f1"),
            "recovered": lambda: clustering_score(*one, "recovered", min_size=2),
            "fake_rate": lambda: track_rates(*one, match="lhc").fake_rate,
            "trackml": lambda weight=weight: trackml_score(*one, weight),
        }[name]()
        torch.testing.assert_close(metric.compute(), expected[0])


def test_pairs_in_different_graphs_do_not_count() -> None:
    # By pairs: 2 of 3 in the first graph, 1 of 1 in the second; of entropy only the first has any.
    cluster, y = torch.tensor([0, 0, 1, 0, 0]), torch.tensor([0, 0, 0, 1, 1])
    batch = torch.tensor([0, 0, 0, 1, 1])
    for metric, expected in (("rand", 2 / 4), ("pair_recall", 2 / 4), ("completeness", 0)):
        score = ClusteringScore(metric, pooled=True)
        score.update(cluster, y, batch)
        assert score.compute().item() == pytest.approx(expected)


@pytest.mark.parametrize("pooled", [False, True])
def test_two_processes_equal_one(draw_clusterings, pooled: bool) -> None:
    parts = [draw_clusterings(5), draw_clusterings(20)]
    for name, make in MAKE.items():
        others = [make(pooled=pooled) for _ in parts]

        def gather(state: Tensor, group: object, others: list = others) -> list[Tensor]:
            """The states of all processes, as torchmetrics gathers them."""
            return [
                other.total if state.is_floating_point() else other.num_graphs for other in others
            ]

        one = make(pooled=pooled)
        synced = make(pooled=pooled, dist_sync_fn=gather, distributed_available_fn=lambda: True)
        for other, (cluster, y, batch, _) in zip(others, parts, strict=True):
            for metric in (other, one):
                metric.update(*arguments(name, cluster, y), batch)
        synced.update(*arguments(name, parts[0].cluster, parts[0].y), parts[0].batch)
        torch.testing.assert_close(synced.compute(), one.compute())
        assert one.compute() != others[0].compute()


def test_a_collection_keeps_apart_what_is_equal_at_first() -> None:
    def make() -> dict[str, Metric]:
        options = [{}, {"min_size": 2}, {"unlabelled": "other"}]
        scores = {
            f"{name} {pooled} {option}": ClusteringScore(name, pooled=pooled, **option)
            for name, pooled, option in product(("recovered", "rand"), (False, True), options)
        }
        return scores | {name: TrackRate(name) for name in ("efficiency", "fake_rate")}

    apart, together = make(), MetricCollection(make())
    equal, other = torch.tensor([0, 0, 1, 1]), torch.tensor([0, 0, 0, -1])
    for y in (equal, other):
        together.update(equal, y)
        for metric in apart.values():
            metric.update(equal, y)
    found = together.compute()
    assert len({float(value) for value in found.values()}) > 4
    for name, metric in apart.items():
        assert found[name] == metric.compute(), name


def test_a_metric_can_be_reset_and_pickled() -> None:
    cluster = torch.tensor([0, 0, 1])
    metric = ClusteringScore("bcubed")
    # The value of a step, as Lightning asks for it.
    assert metric(cluster, cluster).item() == 1
    assert metric(torch.zeros(2).long(), torch.tensor([0, 1])).item() == pytest.approx(2 / 3)
    assert pickle.loads(pickle.dumps(metric)).compute().item() == pytest.approx(5 / 6)
    metric.reset()
    metric.update(cluster, cluster)
    assert metric.compute().item() == 1


def test_refused() -> None:
    for make, message in [
        (lambda: ClusteringScore("f1"), f"'metric' to be one of {str(list(METRICS))[1:-1]}"),
        (lambda: ClusteringScore("rand", unlabelled="drop"), "'unlabelled' to be one of"),
        (lambda: ClusteringScore("rand", min_size=0), "'min_size' to be at least 1"),
        (lambda: ClusteringScore("rand", pooled=1), "'pooled' to be True or False"),
        (lambda: TrackRate("purity"), "'metric' to be one of 'efficiency', 'fake_rate', 'dup"),
        (lambda: TrackRate(match="LHC"), "'match' to be one of"),
    ]:
        with pytest.raises(ValueError, match=f"Expected {message}"):
            make()
