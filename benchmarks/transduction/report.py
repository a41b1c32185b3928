"""The tables of the records."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from statistics import fmean, stdev

from benchmarks.pools.tables import format_table
from benchmarks.transduction import published
from benchmarks.transduction.cells import (
    BASELINES,
    CORPORA,
    G2P_LANGUAGES,
    HIGH_LANGUAGES,
    INFLECTION_LANGUAGES,
    INFLECTION_SIZES,
    MEMBERS,
    VARIANTS,
    Cell,
    differs,
)
from benchmarks.transduction.data import NORMALISATION_SIZES
from benchmarks.transduction.ensemble import BEAM
from benchmarks.transduction.goals import goals_table
from benchmarks.transduction.records import Record, mark_dirty, runs
from benchmarks.transduction.scoring import LOOKED_UP, PLAIN
from benchmarks.transduction.speed import epoch_table, prediction_table, speed_table, total_time

Records = Mapping[Cell, Record]

NAMES = {
    "suffix_table": "suffix table",
    "look_up": "look-up",
    "tagger": "LSTM tagger",
    "ours": "ours",
    "ensemble": "ours, ensemble",
    "graphemes": "ours, nodes are grapheme clusters",
    "composed": "ours, code points of composed text",
    "without_case": "ours, without edits of the case",
    "without_pool": "ours, without the pool",
}
NOT_RUN = "not run"
SAME = "as ours"

FINAL = ("test", LOOKED_UP.format("test"))
"""Scores of a baseline that ours is compared with."""

VARIANTS_OF = {
    "low": ["without_pool"],
    "medium": ["without_pool", *VARIANTS],
    "high": ["without_pool"],
}
"""Variants of the text model that are shown, by size."""

LANGUAGES_OF = {
    "low": INFLECTION_LANGUAGES,
    "medium": INFLECTION_LANGUAGES,
    "high": HIGH_LANGUAGES,
}
"""Languages of inflection, by size."""

MERGED = 0.95
"""Mean C/N above which a row counts as one without the pool."""

NOTES = f"""\
Text transduction on real data: `python -m benchmarks.transduction run`, then `... table`.

Only the dev set chooses weights. Ours is the mean and standard deviation over
{len(MEMBERS["g2p"])} seeds where there is an ensemble ({len(MEMBERS["normalisation"])} in
normalisation), all else is one seed. A single model takes the most probable edit at each step. An
ensemble is the mean probability of these models, found by a beam search of width {BEAM}, so what it
gains is due to both. The stems are of models of seed 0, mostly trained again for them.
On low, an epoch has 500 pairs, not 2,000. On high, a batch has 32 pairs, not
8: some 12,500 steps. "As ours": the variant changes next to nothing in this language.
**Bold**: ours, better than every published row, the suffix table, the tagger and the look-up (with
either number of training tokens). †: a row whose C/N (coarse over fine nodes of the test texts) is
above {MERGED} on average counts as one without the pool. ‡: run from a checkout with uncommitted
changes. With look-up, a spelling of the training set is rewritten as the majority of its tokens,
and the model rewrites only the others; in normalisation, ours includes that. Published rows and
their sources: `benchmarks/transduction/published.py`."""


def report(records: Records, stamp: str) -> list[str]:
    """Lay out all tables, below the notes.

    Raises:
        ValueError: if an ensemble is older than one of its models, so it had another one.
    """
    expect_own_members(records)
    return [
        NOTES,
        f"{total_time(records)} Tables: {stamp}",
        commits(records),
        goals_table(records),
        *(inflection_table(records, size) for size in INFLECTION_SIZES),
        *(merging_table(records, size) for size in INFLECTION_SIZES),
        stems_table(records),
        g2p_table(records),
        *(normalisation_table(records, size) for size in NORMALISATION_SIZES),
        maths_table(records),
        epoch_table(records),
        prediction_table(records),
        speed_table(records),
    ]


def expect_own_members(records: Records) -> None:
    """Refuse an ensemble with a model that was trained again since."""
    for cell, record in records.items():
        if cell.row != "ensemble" or not record.time:
            continue
        models = runs(records, *cell[:3], "ours")
        newer = [each for each in models if each.time and each.time > record.time]
        if newer:
            raise ValueError(
                f"Expected {record.cell} to be newer than its models "
                f"(got {newer[0].cell} of {newer[0].time}): run it again"
            )


def commits(records: Records) -> str:
    """List the commits that the cells were run with."""
    found = Counter(record.commit for record in records.values())
    named = (f"{name} ({count})" for name, count in found.most_common())
    return f"Commits, and number of cells run with them: {', '.join(named) or 'none'}."


def show(values: Sequence[float], decimals: int = 1) -> str:
    """Write a number, or the mean and standard deviation of several.

    >>> show([90.0]), show([90.0, 92.0]), show([])
    ('90.0', '91.0 ± 1.4', 'not run')
    """
    if not values:
        return NOT_RUN
    mean = f"{fmean(values):.{decimals}f}"
    return mean if len(values) == 1 else f"{mean} ± {stdev(values):.{decimals}f}"


def mark(text: str, row: str, passed: bool, found: Sequence[Record], split: str = "test") -> str:
    """Mark ours in bold if it is better, and add the signs of the notes."""
    if row in ("ours", "ensemble", *VARIANTS_OF["medium"]):
        shares = [record.scores[split].coarsening_ratio for record in found]
        text = f"**{text}**" if passed else text
        known = [share for share in shares if share is not None]
        text += " †" if known and fmean(known) > MERGED else ""
    return mark_dirty(text, found)


def highest_floor(
    records: Records, published_one: float, baselines: Iterable[tuple[str, str, str, str]]
) -> float:
    """Return the best of a published row and some baselines, in percent."""
    found = [published_one]
    for baseline in baselines:
        scores = [
            max(record.scores[split].accuracy for split in record.scores if split in FINAL)
            for record in runs(records, *baseline)
        ]
        found += [100 * fmean(scores)] if scores else []
    return max(found)


def accuracy_cell(
    records: Records, task: tuple[str, str, str], row: str, bar: float, split: str = "test"
) -> str:
    """Write the word accuracy of a row, in percent."""
    found = [record for record in runs(records, *task, row) if split in record.scores]
    values = [100 * record.scores[split].accuracy for record in found]
    return mark(show(values), row, bool(values) and fmean(values) > bar, found, split)


def inflection_table(records: Records, size: str) -> str:
    """Lay out the published rows, then ours and the baselines."""
    bars = published.INFLECTION[size]
    languages = LANGUAGES_OF[size]
    lines = [[b.name, *(f"{b.values[c][0]:.1f}" for c in languages)] for b in bars]
    ensemble = () if size == "high" else ("ensemble",)
    for row in ("suffix_table", "tagger", *VARIANTS_OF[size], "ours", *ensemble):
        cells = []
        for language in languages:
            task = ("inflection", language, size)
            baselines = [(*task, row) for row in BASELINES]
            bar = highest_floor(records, published.best(bars, language, max), baselines)
            is_other = differs(row, language)
            cells.append(accuracy_cell(records, task, row, bar) if is_other else SAME)
        lines.append([NAMES[row], *cells])
    title = f"Inflection 2018, {size}: word accuracy, %"
    return format_table(title, ["", *languages], lines)


def merging_table(records: Records, size: str) -> str:
    """Lay out the share of nodes that is left after merging."""
    lines = []
    for row in (*VARIANTS_OF[size], "ours"):
        cells = []
        for language in LANGUAGES_OF[size]:
            found = runs(records, "inflection", language, size, row)
            shares = [r.scores["test"].coarsening_ratio for r in found]
            text = show([share for share in shares if share is not None], 2)
            cells.append(mark_dirty(text, found) if differs(row, language) else SAME)
        lines.append([NAMES[row], *cells])
    return format_table(f"Inflection 2018, {size}: C/N", ["", *LANGUAGES_OF[size]], lines)


def stems_table(records: Records) -> str:
    """Lay out how often merged nodes end where stems end."""
    lines = []
    for size in ("low", "medium"):
        cells = []
        for language in INFLECTION_LANGUAGES:
            record = records.get(Cell("stems", language, size, "ours"))
            stems = record and record.stems
            text = f"{stems.found:.2f} / {stems.chance:.2f}" if stems else NOT_RUN
            cells.append(mark_dirty(text, [record] if record else []))
        lines.append([size, *cells])
    title = (
        "Inflection 2018: share of stems that end where a merged node ends / would end by chance"
    )
    return format_table(title, ["", *INFLECTION_LANGUAGES], lines)


def g2p_table(records: Records) -> str:
    """Lay out word and phone error rates."""
    lines = []
    for bar in published.G2P:
        values = [" / ".join(f"{v:.2f}" for v in bar.values[c]) for c in G2P_LANGUAGES]
        lines.append([bar.name, *values])
    for row in ("without_pool", "ours", "ensemble"):
        cells = []
        for language in G2P_LANGUAGES:
            found = runs(records, "g2p", language, "all", row)
            scores = [record.scores["test"] for record in found]
            wer = [100 - 100 * own.accuracy for own in scores]
            per = [100 * own.error_rate for own in scores]
            text = f"{show(wer, 2)} / {show(per, 2)}" if found else NOT_RUN
            passed = bool(found) and fmean(wer) < published.best(published.G2P, language, min)
            cells.append(mark(text, row, passed, found))
        lines.append([NAMES[row], *cells])
    title = "Grapheme to phoneme 2020: WER / PER, %, lower is better"
    return format_table(title, ["", *G2P_LANGUAGES], lines)


def normalisation_table(records: Records, size: str) -> str:
    """Lay out the published rows, then ours and the baselines."""
    best = published.NORMALISATION
    name = best.name if size == "25000" else f"{best.name}, 25,000 tokens"
    lines = [[name, *(f"{best.values[c][0]:.1f}" for c in CORPORA)]]
    looked_up, plain = (name.format("test") for name in (LOOKED_UP, PLAIN))
    rows = {
        NAMES["look_up"]: ("look_up", "test"),
        NAMES["tagger"]: ("tagger", "test"),
        f"{NAMES['tagger']}, with look-up": ("tagger", looked_up),
        f"{NAMES['ours']}, without look-up": ("ours", plain),
        NAMES["without_pool"]: ("without_pool", "test"),
        NAMES["ours"]: ("ours", "test"),
        **({NAMES["ensemble"]: ("ensemble", "test")} if size == "all" else {}),
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
    """Lay out the exact match of held-out problems by level."""
    task = ("maths", "curriculum", "all")
    levels = [f"level_{level}" for level in (1, 2, 3, 4)]
    lines = [
        [NAMES[row], *(accuracy_cell(records, task, row, 100.0, level) for level in levels)]
        for row in ("tagger", "without_pool", "ours")
    ]
    return format_table("Arithmetic: exact match, %", ["", *levels], lines)
