"""The targets that most examples of a source agree on."""

from collections import Counter, defaultdict
from collections.abc import Iterable

from pyg_grapheme.text.readers.examples import Example
from pyg_grapheme.text.units import TextUnits


def find_known_targets(
    examples: Iterable[Example],
    source_units: TextUnits = TextUnits(),
    target_units: TextUnits = TextUnits(),
) -> dict[str, str]:
    """Find the sources that have the same target in more than half of their examples.

    Args:
        examples: The examples; those with tags are ignored.
        source_units: Units of the sources.
        target_units: Units of the targets.

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
            targets[source_units.canonical(source)][target_units.canonical(target)] += 1
    usual = {source: counts.most_common(1)[0] for source, counts in targets.items()}
    return {
        source: target
        for source, (target, count) in usual.items()
        if 2 * count > targets[source].total()
    }
