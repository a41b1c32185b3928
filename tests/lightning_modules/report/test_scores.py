"""Tables of scores on the terminal."""

import pytest

from lightning_modules.report.scores import print_scores


def test_scores_are_printed_in_columns(capsys: pytest.CaptureFixture[str]) -> None:
    print_scores(
        {
            "dev": {"examples": 450, "exact_match": 0.8311, "edit_distance": 0.25},
            "a long name": {"examples": 1, "exact_match": 1.0, "unit_error_rate": None},
        }
    )
    header, *rows = capsys.readouterr().out.splitlines()
    assert header == "split        examples  exact match  edit distance  unit error rate"
    assert rows == [
        "dev               450      83.11 %          0.250                –",
        "a long name         1     100.00 %              –                –",
    ]
