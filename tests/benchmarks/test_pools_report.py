"""The tables of the comparison of pooling layers."""

from benchmarks.pools.layers import FORWARD
from benchmarks.pools.measure import Cell
from benchmarks.pools.report import list_reasons, result_tables


def read_lines(table: str) -> dict[str, str]:
    """Map the name of each line of a table with one column to its number."""
    cells = [line.strip("| ").split("|") for line in table.splitlines()[4:]]
    return {name.strip(): number.strip() for name, number in cells}


def test_tables_have_medians_without_the_warm_up_and_ratios_to_topk() -> None:
    results = {
        "chain": {
            "ours": Cell([9.0, 0.003, 0.001, 0.002], 0.5),
            "TopKPooling": Cell([9.0, 0.004, 0.004], 0.25),
            "dense": Cell(reason="too large"),
        }
    }
    tables = result_tables(results, with_memory=False)
    names = ("ours", "TopKPooling", "dense")
    for table, values in zip(tables, ("2 4 -", "0.50 1.00 -", "0.50 0.25 -"), strict=True):
        assert read_lines(table) == dict(zip(names, values.split(), strict=True))
    assert list_reasons(results) == 'Not run ("-"):\n\n- dense, chain: too large'


def test_trees_are_compared_with_the_layer_in_time_and_memory() -> None:
    clusters = "ours clusters"
    results = {"chain": {FORWARD: Cell([0.02], 0.5, 400.0), clusters: Cell([0.03], 0.001, 1000.0)}}
    _, _, time, _, memory, ratio = result_tables(results, with_memory=True)
    assert read_lines(time) == {clusters: "1.50"}
    assert read_lines(memory) == {FORWARD: "400", clusters: "1000"}
    assert read_lines(ratio) == {clusters: "2.50"}
