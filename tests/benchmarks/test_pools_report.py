"""The tables of the comparison of pooling layers."""

from benchmarks.pools.measure import Cell
from benchmarks.pools.report import list_reasons, result_tables


def test_tables_have_medians_without_the_warm_up_and_ratios_to_topk() -> None:
    results = {
        "chain": {
            "ours": Cell([9.0, 0.003, 0.001, 0.002], 0.5),
            "TopKPooling": Cell([9.0, 0.004, 0.004], 0.25),
            "dense": Cell(reason="too large"),
        }
    }
    times, ratios, kept = result_tables(results, with_memory=False)
    lines = [
        [[cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines()[4:]]
        for table in (times, ratios, kept)
    ]
    names = ("ours", "TopKPooling", "dense")
    for found, values in zip(lines, ("2 4 -", "0.50 1.00 -", "0.50 0.25 -"), strict=True):
        assert found == [list(pair) for pair in zip(names, values.split(), strict=True)]
    assert list_reasons(results) == 'Not run ("-"):\n\n- dense, chain: too large'
