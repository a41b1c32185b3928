"""What the examples of a task agree on."""

from collections import Counter, defaultdict
from collections.abc import Iterable

from pyg_grapheme.text.readers.examples import Example
from pyg_grapheme.text.typing import NormalForm, UnitsName
from pyg_grapheme.text.units import as_written


def find_known_targets(
    examples: Iterable[Example],
    form: NormalForm = "NFC",
    source_units: UnitsName = "graphemes",
    target_units: UnitsName = "graphemes",
) -> dict[str, str]:
    """Find the sources of which more than half of the examples have the same target.

    Args:
        examples: Of which those with tags are passed over.
        form: Unicode normal form of all texts.
        source_units: What a node of a source is.
        target_units: What a node of a target is.

    Returns:
        The target of each such source, both in the form in which units are joined.

    Cost: O(examples).

    >>> find_known_targets([Example("vn", "und")] * 2 + [Example("vn", "un"), Example("d", "dt")])
    {'vn': 'und', 'd': 'dt'}
    >>> find_known_targets([Example("vn", "und"), Example("vn", "un")])
    {}
    """
    targets: dict[str, Counter[str]] = defaultdict(Counter)
    for source, target, tags in examples:
        if not tags:
            known = as_written(source, source_units, form)
            targets[known][as_written(target, target_units, form)] += 1
    usual = {source: counts.most_common(1)[0] for source, counts in targets.items()}
    return {
        source: target
        for source, (target, count) in usual.items()
        if 2 * count > targets[source].total()
    }
