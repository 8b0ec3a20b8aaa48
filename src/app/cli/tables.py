"""What commands show, in columns and in units for people.

The one rule: text from elsewhere cannot do anything to the terminal, and moves no column.
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Collection, Iterable, Sequence
from typing import Any

from ...domain.terminal_text import sanitize, width

#: Between two columns.
_GAP = 2
_NARROWEST = 8
_UNITS = (("d", 86_400), ("h", 3600), ("min", 60))
_MINUTE = 60
_DECIMAL = 1000
_LARGEST_WHOLE = 1e12
_LARGEST_PLAIN = 1e6
_LEAST_PLAIN = 1e-4
_FOUR_DIGITS = 9999.5


def table(
    rows: Iterable[Sequence[Any]],
    *,
    longest: int | None = None,
    whole: Collection[int] = (0,),
    columns: int | None = None,
) -> str:
    """*rows* with their columns aligned; a cell of more than *longest* characters is cut.

    On a terminal, or where *columns* says how wide the table may be, the widest cells are cut until each row is a line.
    Those in the columns *whole*, such as an ID, are not.
    """
    shown = [[_cut(sanitize(str(cell)), longest) for cell in row] for row in rows]
    widths = [max(map(width, column)) for column in zip(*shown, strict=True)]
    columns = terminal_columns() if columns is None else columns
    if columns is not None:
        most = _widest_that_fits(widths, whole, columns)
        limits = [None if place in whole else most for place in range(len(widths))]
        shown = [[_cut(cell, limit) for cell, limit in zip(row, limits, strict=True)] for row in shown]
        widths = [max(map(width, column)) for column in zip(*shown, strict=True)]
    return "\n".join(
        "  ".join(cell + " " * (wide - width(cell)) for cell, wide in zip(row, widths, strict=True)).rstrip()
        for row in shown
    )


def terminal_columns() -> int | None:
    """How wide the terminal is that stdout is; ``None`` where it is none."""
    try:
        is_terminal = sys.stdout.isatty()
    except (AttributeError, ValueError):  # there is no stdout, or it is closed
        return None
    return shutil.get_terminal_size().columns if is_terminal else None


def _widest_that_fits(widths: Sequence[int], whole: Collection[int], columns: int) -> int:
    """The width at which to cut cells, so that a row of *widths* and the gaps between them has *columns* at most."""

    def needed(most: int) -> int:
        cut = (wide if place in whole else min(wide, most) for place, wide in enumerate(widths))
        return sum(cut) + _GAP * (len(widths) - 1)

    return next((most for most in range(columns, _NARROWEST, -1) if needed(most) <= columns), _NARROWEST)


def pairs(rows: Iterable[tuple[str, Any]]) -> str:
    """Names and what belongs to them, uncut; several values of one name are a row each."""
    shown = list(rows)
    wide = max(len(name) for name, _ in shown) + 2
    return "\n".join(f"{name.ljust(wide)}{sanitize(str(value))}".rstrip() for name, value in shown)


def ago(seconds: float) -> str:
    """How long ago. What is a minute in the future was noted by a clock that was wrong."""
    if seconds < -_MINUTE:
        return "in the future"
    return f"{age(seconds)} ago"


def age(seconds: float) -> str:
    """How long that is."""
    return next(
        (f"{seconds / length:.0f} {unit}" for unit, length in _UNITS if seconds >= length), f"{max(seconds, 0):.0f} s"
    )


def number(value: float) -> str:
    """A metric's value in four digits that matter, as the HUB's pages have it."""
    length = abs(value)
    if value == int(value) and length < _LARGEST_WHOLE:
        return f"{int(value):,}"
    if length >= _LARGEST_PLAIN or length < _LEAST_PLAIN:
        digits, _, power = f"{value:.3e}".partition("e")
        return f"{digits}e{int(power)}"
    return f"{value:#.4g}".removesuffix(".") if length < _FOUR_DIGITS else f"{value:.0f}"


def size(number: float) -> str:
    """Bytes in decimal units."""
    for unit in ("B", "kB", "MB", "GB"):
        if number < _DECIMAL:
            return f"{number:.0f} {unit}" if unit == "B" else f"{number:.1f} {unit}"
        number /= _DECIMAL
    return f"{number:.1f} TB"


def _cut(text: str, longest: int | None) -> str:
    """*text*, with an ellipsis in place of what does not fit into *longest* columns of a terminal."""
    if longest is None or width(text) <= longest:
        return text
    left, kept = longest - 1, 0
    for char in text:
        left -= width(char)
        if left < 0:
            break
        kept += 1
    return f"{text[:kept]}…"
