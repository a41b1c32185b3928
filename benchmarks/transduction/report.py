"""The tables, from whatever records there are."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from statistics import fmean, stdev

from benchmarks.pools.tables import format_table
from benchmarks.transduction import published
from benchmarks.transduction.cells import (
    BASELINES,
    CORPORA,
    G2P_LANGUAGES,
    INFLECTION_LANGUAGES,
    INFLECTION_SIZES,
    VARIANTS,
    Cell,
)
from benchmarks.transduction.data import NORMALISATION_SIZES
from benchmarks.transduction.records import Record
from benchmarks.transduction.scoring import PLAIN, RECALLED, Score
from benchmarks.transduction.speed import (
    epoch_table,
    prediction_table,
    speed_table,
    total_time,
)

Records = Mapping[Cell, Record]

NAMES = {
    "suffix_table": "suffix table",
    "look_up": "look-up",
    "tagger": "LSTM tagger",
    "ours": "ours",
    "without_pool": "ours, without the pool",
    "fixed_threshold": "ours, with a fixed threshold",
}
NOT_RUN = "not run"

FINAL = ("test", RECALLED.format("test"))
"""Scores of a baseline that ours is to be past."""

VARIANTS_OF = {"low": VARIANTS[:1], "medium": VARIANTS}
"""Rows of the text model beside its own, by size."""

MERGED = 0.95
"""Of C/N; a run above it counts as one without the pool."""

NOTES = f"""\
Text into text on real data: `python -m benchmarks.transduction run`, then `... table`.

Weights are chosen by the dev set alone. Mean and standard deviation where there are several seeds.
**Bold**: ours, past the first published row, the suffix table, the tagger and the look-up (in
whichever share of the training tokens). †: a run with C/N, coarse over fine nodes of
the test texts, above {MERGED}: counts as without the pool. With a fixed threshold the scores that
are compared with it are still learned. With recall, a spelling that was trained on is answered as
more than half of its training tokens are, and only others by the model; in normalisation, that is
part of ours. Published rows and their sources:
`benchmarks/transduction/published.py`."""


def report(records: Records) -> str:
    """Lay out all tables."""
    tables = [
        *(inflection_table(records, size) for size in INFLECTION_SIZES),
        *(merging_table(records, size) for size in INFLECTION_SIZES),
        stems_table(records),
        g2p_table(records),
        *(normalisation_table(records, size) for size in ("25000", "all")),
        maths_table(records),
        epoch_table(records),
        prediction_table(records),
        speed_table(records),
    ]
    return "\n\n".join([NOTES, total_time(records), checkouts(records), *tables]) + "\n"


def checkouts(records: Records) -> str:
    """Say what was run with which code, as far as it is known."""
    found = Counter(r.versions.get("checkout", "unknown") for r in records.values())
    named = (f"{name} ({count})" for name, count in found.most_common())
    return f"Checkouts, and cells run with them: {', '.join(named) or 'none'}."


def runs(records: Records, table: str, language: str, size: str, row: str) -> list[Record]:
    """Pick the records of all seeds."""
    return [r for cell, r in sorted(records.items()) if cell[:4] == (table, language, size, row)]


def show(values: Sequence[float], decimals: int = 1) -> str:
    """Write a number, or mean and spread of several.

    >>> show([90.0]), show([90.0, 92.0]), show([])
    ('90.0', '91.0 ± 1.4', 'not run')
    """
    if not values:
        return NOT_RUN
    mean = f"{fmean(values):.{decimals}f}"
    return mean if len(values) == 1 else f"{mean} ± {stdev(values):.{decimals}f}"


def is_ours(row: str) -> bool:
    """Whether a row is of the text model."""
    return row == "ours" or row in VARIANTS


def mark(text: str, row: str, passed: bool, found: Sequence[Score]) -> str:
    """Put ours in bold where it is past the bar, and mark what does not merge."""
    if not is_ours(row):
        return text
    bold = f"**{text}**" if passed else text
    alone = any(s.coarse_share is not None and s.coarse_share > MERGED for s in found)
    return f"{bold} †" if alone else bold


def highest_floor(
    records: Records, published_one: float, baselines: Iterable[tuple[str, str, str, str]]
) -> float:
    """The best of a published row and some baselines, in percent."""
    found = [published_one]
    for baseline in baselines:
        scores = [
            max(r.scores[split].accuracy for split in r.scores if split in FINAL)
            for r in runs(records, *baseline)
        ]
        found += [100 * fmean(scores)] if scores else []
    return max(found)


def accuracy_cell(
    records: Records, task: tuple[str, str, str], row: str, bar: float | None, split: str = "test"
) -> str:
    """Write the word accuracy of a row, in percent."""
    found = [r.scores[split] for r in runs(records, *task, row) if split in r.scores]
    values = [100 * score.accuracy for score in found]
    passed = bool(values) and bar is not None and fmean(values) > bar
    return mark(show(values), row, passed, found)


def inflection_table(records: Records, size: str) -> str:
    """Published rows, then what was run here; the variants at medium."""
    bars = published.INFLECTION[size]
    variants = VARIANTS_OF.get(size, ())
    lines = [[b.name, *(f"{b.values[c][0]:.1f}" for c in INFLECTION_LANGUAGES)] for b in bars]
    for row in ("suffix_table", "tagger", *variants, "ours"):
        cells = []
        for language in INFLECTION_LANGUAGES:
            task = ("inflection", language, size)
            baselines = [(*task, row) for row in BASELINES]
            bar = highest_floor(records, bars[0].values[language][0], baselines)
            cells.append(accuracy_cell(records, task, row, bar))
        lines.append([NAMES[row], *cells])
    title = f"Inflection 2018, {size}: word accuracy, %"
    return format_table(title, ["", *INFLECTION_LANGUAGES], lines)


def merging_table(records: Records, size: str) -> str:
    """How much the variants merge."""
    lines = []
    for row in (*VARIANTS_OF.get(size, ()), "ours"):
        cells = []
        for language in INFLECTION_LANGUAGES:
            found = runs(records, "inflection", language, size, row)
            shares = [r.scores["test"].coarse_share for r in found]
            cells.append(show([share for share in shares if share is not None], 2))
        lines.append([NAMES[row], *cells])
    return format_table(f"Inflection 2018, {size}: C/N", ["", *INFLECTION_LANGUAGES], lines)


def stems_table(records: Records) -> str:
    """Whether what is merged are stems."""
    lines = []
    for size in VARIANTS_OF:
        cells = []
        for language in INFLECTION_LANGUAGES:
            found = [r.stems for r in runs(records, "stems", language, size, "ours") if r.stems]
            cells.append(f"{found[0].found:.2f} / {found[0].chance:.2f}" if found else NOT_RUN)
        lines.append([size, *cells])
    title = "Inflection 2018: share of stems that end where a merged node does / would by chance"
    return format_table(title, ["", *INFLECTION_LANGUAGES], lines)


def g2p_table(records: Records) -> str:
    """WER and PER."""
    lines = []
    for bar in published.G2P:
        values = [" / ".join(f"{v:.2f}" for v in bar.values[c]) for c in G2P_LANGUAGES]
        lines.append([bar.name, *values])
    cells = []
    for language in G2P_LANGUAGES:
        found = [r.scores["test"] for r in runs(records, "g2p", language, "all", "ours")]
        wer, per = [100 - 100 * s.accuracy for s in found], [100 * s.error_rate for s in found]
        text = f"{show(wer, 2)} / {show(per, 2)}" if found else NOT_RUN
        passed = bool(found) and fmean(wer) < published.G2P[0].values[language][0]
        cells.append(mark(text, "ours", passed, found))
    lines.append([NAMES["ours"], *cells])
    title = "Grapheme to phoneme 2020: WER / PER, %, lower is better"
    return format_table(title, ["", *G2P_LANGUAGES], lines)


def normalisation_table(records: Records, size: str) -> str:
    """Published rows, then what was run here."""
    bars = published.NORMALISATION[size]
    (best,) = published.NORMALISATION["25000"]
    lines = [[bar.name, *(f"{bar.values[c][0]:.1f}" for c in CORPORA)] for bar in bars]
    recalled, plain = (name.format("test") for name in (RECALLED, PLAIN))
    rows = {
        NAMES["look_up"]: ("look_up", "test"),
        NAMES["tagger"]: ("tagger", "test"),
        f"{NAMES['tagger']}, with recall": ("tagger", recalled),
        f"{NAMES['ours']}, without recall": ("ours", plain),
        NAMES["ours"]: ("ours", "test"),
    }
    for name, (row, split) in rows.items():
        cells = []
        for corpus in CORPORA:
            task = ("normalisation", corpus, size)
            baselines = [(*task, row) for row in BASELINES]
            baselines += [(*task[:2], used, "look_up") for used in NORMALISATION_SIZES]
            bar = highest_floor(records, best.values[corpus][0], baselines)
            cells.append(accuracy_cell(records, task, row, bar, split))
        lines.append([name, *cells])
    used = "all training tokens" if size == "all" else f"first {int(size):,} training tokens"
    title = f"Historical normalisation, {used}: word accuracy, %"
    return format_table(title, ["", *CORPORA], lines)


def maths_table(records: Records) -> str:
    """Exact match of held-out problems, level by level."""
    task = ("maths", "curriculum", "all")
    levels = [f"level_{number}" for number in (1, 2, 3, 4)]
    lines = [
        [NAMES[row], *(accuracy_cell(records, task, row, None, level) for level in levels)]
        for row in ("tagger", "ours")
    ]
    return format_table("Maths curriculum: exact match, %", ["", *levels], lines)
