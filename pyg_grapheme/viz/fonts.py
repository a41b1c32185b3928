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
    missing = set(map(ord, text)) - _characters(font_manager.findfont(default))
    for font in sorted(font_manager.fontManager.ttflist, key=lambda font: font.name):
        if not missing:
            break
        found = missing & _characters(font.fname)
        # A font of last resort has a box for every character.
        if found and not font.name.startswith("Last Resort"):
            families.append(font.name)
            missing -= found
    return families


def _characters(path: str) -> set[int]:
    try:
        return set(font_manager.get_font(path).get_charmap())
    except (OSError, RuntimeError):  # An installed font may be one that matplotlib cannot read.
        return set()
