"""Time and memory of ``predict`` on made records."""

from collections import Counter
from pathlib import Path

import pytest

from benchmarks.records import scale


@pytest.mark.slow
def test_made_records_are_as_described() -> None:
    rows = scale.make_rows(500, seed=1)
    assert len({row[0] for row in rows}) == 500
    assert rows == scale.make_rows(500, seed=1) != scale.make_rows(500, seed=2)
    sizes = Counter(row[1] for row in rows)
    assert set(sizes.values()) == {1, 2, 3, 4}
    names: dict[str, list[str]] = {}
    for _, entity, name, _, _ in rows:
        names.setdefault(entity, []).append(name)
    for first, *others in names.values():
        # Each has an error of its own.
        assert all(sum(a != b for a, b in zip(first, o, strict=True)) <= 2 for o in others)


def test_a_process_is_measured() -> None:
    cost = scale.run("timeit", "-n1", "-r1", "b = bytearray(200 * 2**20)")
    assert cost.process_seconds > 0
    assert cost.seconds > 0
    assert cost.megabytes > 200
    with pytest.raises(SystemExit, match="error: timeit ended with 1"):
        scale.run("timeit", "-n1", "raise ValueError")


def test_each_size_has_a_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def run(command: str, *options: str) -> scale.Cost:
        """Put all records in pairs, in the order of the table, instead of the commands."""
        if command.endswith("predict"):
            output = next(o for o in options if o.startswith("--output=")).removeprefix("--output=")
            ids = [line.split(",")[0] for line in Path(options[-1]).read_text().split()[1:]]
            lines = [f"{id_},{row // 2},0.5" for row, id_ in enumerate(ids)]
            Path(output).write_text("\n".join(["id,cluster,probability", *lines]) + "\n")
        return scale.Cost(1.0, 2.0, 3.0)

    def make_rows(size: int, seed: int) -> list[tuple[str, ...]]:
        return [(f"r{row}", f"e{row // 4}", "name", "city", "") for row in range(size)]

    monkeypatch.setattr(scale, "run", run)
    monkeypatch.setattr(scale, "make_rows", make_rows)
    output = tmp_path / "scale.md"
    scale.main(["--output", str(output)], sizes=(8,))
    cells = [cell.strip() for cell in output.read_text().splitlines()[-1].split("|")[1:-1]]
    # Four of the twelve pairs are found, and nothing else: precision 1, recall 1 / 3.
    assert cells == ["8", "1", "2", "3", "0.500"]
