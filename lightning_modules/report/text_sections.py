"""The sections of a report that only texts have."""

from collections.abc import Sequence

from lightning_modules.report.data import unseen_first
from lightning_modules.report.merge_html import show_merges
from lightning_modules.report.text_results import TextResults
from lightning_modules.report.text_tables import confusion_table, mistake_table


def text_sections(results: TextResults) -> dict[str, str]:
    """Return merges, confusions and mistakes as HTML by heading; empty ones if there is nothing."""
    splits = unseen_first(results.lines)
    confusions = [confusion_table(name, lines, results.gap) for name, lines in splits.items()]
    mistakes = [mistake_table(name, lines, results.gap) for name, lines in splits.items()]
    return {
        "Merges": _merges(results),
        "Confusions": _hint(_CONFUSIONS, confusions),
        "Mistakes": _hint(_MISTAKES, mistakes),
    }


_CONFUSIONS = "The edits that would repair the predictions, the most frequent first."
_MISTAKES = (
    "Most errors first. <del>Struck</del>: units of the prediction that are wrong; "
    "<ins>underlined</ins>: units of the target that are missing. · is a space, ␣ one that differs."
)


def _merges(results: TextResults) -> str:
    if not results.merges:
        return ""
    threshold = results.threshold
    above = "" if threshold is None else f" The threshold is {threshold:.3f}; bold scores merge."
    texts = "".join(map(show_merges, results.merges))
    return (
        "<p>A coloured box is one node of the merged graph; numbers are scores of neighbours. A "
        "unit with a line below belongs to the character before it."
        f'{above}</p>\n<ul class="merges">\n{texts}</ul>\n'
    )


def _hint(hint: str, tables: Sequence[str]) -> str:
    return f"<p>{hint}</p>\n{''.join(tables)}" if tables else ""
