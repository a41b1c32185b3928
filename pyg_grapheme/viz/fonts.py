"""Fonts for any script."""

from matplotlib import font_manager


def find_fonts(text: str) -> list[str]:
    """Name the default fonts, then installed ones that have the characters they lack.

    Args:
        text: Any text.

    Returns:
        Families, such as ``fontfamily`` of ``Axes.text`` takes. A character that no installed font
        has is drawn as an empty box.

    Cost: the default font alone is read, unless it lacks a character.
    """
    default = font_manager.FontProperties()
    families = [*default.get_family()]
    missing = set(map(ord, text)) - _characters(default)
    for name in sorted(font_manager.get_font_names()):
        if not missing:
            break
        if name.startswith("Last Resort"):
            continue  # It has a box for every character.
        found = missing & _characters(font_manager.FontProperties(family=name))
        if found:
            families.append(name)
            missing -= found
    return families


def _characters(font: font_manager.FontProperties) -> set[int]:
    """Return the characters of the style that would be drawn: others of a family may have more."""
    try:
        return set(font_manager.get_font(font_manager.findfont(font)).get_charmap())
    except (OSError, RuntimeError):  # An installed font may be one that matplotlib cannot read.
        return set()
