"""How run sets are told apart: by colour, and by dashes for who sees no colours or has them printed in grey.

The hues are those of Okabe and Ito (2008), "Color universal design", darker for white pages and lighter for dark ones
where needed: each has a contrast of at least 3 : 1 with the page.
"""

ON_LIGHT = ("#0072b2", "#c44e00", "#00795a", "#a8478a", "#8f6a00", "#4a4f57", "#1a86a4", "#882255")
ON_DARK = ("#56b4e9", "#ff8a4c", "#3ecf9f", "#e79fc8", "#f0c24a", "#c3c9d1", "#7fdcf0", "#d986a8")
DASHES: tuple[tuple[float, ...], ...] = ((), (7, 3), (2, 2.5), (9, 3, 2, 3))
"""Lengths of strokes and gaps, in units of a drawing; the first is a whole line."""


def hue(number: int) -> int:
    """Which of the colours the run set has."""
    return number % len(ON_LIGHT)


def dash(number: int) -> int:
    """Which of the dashes: another one, too, when the colours begin again."""
    return (number + number // len(ON_LIGHT)) % len(DASHES)
