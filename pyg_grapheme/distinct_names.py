"""JSON objects whose names are distinct."""

from typing import Any


def distinct_names(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Make an object of its names and values; an ``object_pairs_hook`` of ``json.loads``.

    Without it, the last value of a repeated name would replace the others.

    Raises:
        ValueError: if a name is repeated.
    """
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        repeated = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"{repeated[:60]!r} is there twice")
    return found
