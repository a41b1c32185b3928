"""Published results on the test sets, in percent; the READMEs of the data give details.

Inflection: results of the CoNLL-SIGMORPHON 2018 shared task (Cotterell et al. 2018), word accuracy.
Grapheme to phoneme: Gorman et al. 2020, tables 2 and 3; CLUZH's single models (a mean): Makarov and
Clematide 2020, table 1; WER and PER. Normalisation: Bollmann 2019, table 6, word accuracy, the
scored split is not stated.
"""

from collections.abc import Callable, Iterable
from typing import NamedTuple


class Bar(NamedTuple):
    """A published row: its name, and one or more values per column."""

    name: str
    values: dict[str, tuple[float, ...]]


def _row(name: str, columns: str, values: str) -> Bar:
    """Read a row as the published tables write it: "6.22/1.32" is WER and PER, "-" is no value."""
    cells = zip(columns.split(), values.split(), strict=True)
    return Bar(name, {c: tuple(map(float, v.split("/"))) for c, v in cells if v != "-"})


_INFLECTION = "english german turkish finnish hebrew hindi greek"
_HIGH = "english german turkish finnish"
INFLECTION = {
    "low": (
        _row("organisers' rules", _INFLECTION, "77.6 49.2 13.2 17.3 24.4 31.8 25.3"),
        _row("uzh-01", _INFLECTION, "90.3 62.4 39.0 25.7 39.1 78.0 32.3"),
        _row("best entry", _INFLECTION, "91.8 67.1 39.5 25.7 56.7 78.0 32.3"),
    ),
    "medium": (
        _row("organisers' rules", _INFLECTION, "90.5 71.7 32.8 44.1 38.1 86.5 59.3"),
        _row("uzh-01", _INFLECTION, "94.5 80.1 90.7 82.8 85.4 97.5 75.3"),
        _row("best entry", _INFLECTION, "94.5 80.1 90.7 82.8 85.4 97.6 75.5"),
    ),
    "high": (
        _row("organisers' rules", _HIGH, "95.9 81.1 73.2 78.0"),
        _row("uzh-01", _HIGH, "97.0 89.7 98.1 95.4"),
        _row("best entry", _HIGH, "97.1 90.2 98.5 95.4"),
    ),
}

_G2P = "fre hun dut kor"
G2P = (
    _row("LSTM", _G2P, "6.22/1.32 5.33/1.18 16.44/2.94 46.89/16.78"),
    _row("transformer", _G2P, "6.89/1.72 5.33/1.28 15.78/2.89 43.78/17.50"),
    _row("best submission", _G2P, "5.11 4.00 13.56 24.00"),
    _row("CLUZH, single model", _G2P, "8.12 4.77 18.30 28.26"),
)

NORMALISATION = _row("cSMTiser+LM", "german-ridges icelandic-icepahc", "85.86 81.76")
"""Trained on the first 25,000 tokens."""


def best(bars: tuple[Bar, ...], column: str, choose: Callable[[Iterable[float]], float]) -> float:
    """Return the best value of a column: ``max`` of accuracies, ``min`` of error rates."""
    return choose(bar.values[column][0] for bar in bars)
