"""The sums of all cuts against their definitions, cut by cut."""

from collections.abc import Callable

import pytest

from pyg_grapheme.nn.partition import partition_sums


def test_all_sums_of_all_cuts_are_their_definitions(draw_case: Callable, sums_of: Callable) -> None:
    for seed in range(400):
        case = draw_case(seed)
        found = partition_sums(
            case.tree, case.y, unlabelled=case.unlabelled, min_size=case.min_size
        )
        expected = [sums_of(cluster, label, case.min_size) for _, cluster, label in case.cuts()]
        assert case.tree.num_cuts == len(expected)
        for name, values in found._asdict().items():
            by_cut = [sums[name] for sums in expected]
            assert values.tolist() == pytest.approx(by_cut, abs=1e-9), (seed, name)
