"""What commands show, in columns and in units for people.

The one rule: text from elsewhere cannot do anything to the terminal, and moves no column.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from ...domain.printable import printable, width

_LONGEST = 60
_UNITS = (("d", 86_400), ("h", 3600), ("min", 60))
_MINUTE = 60
_DECIMAL = 1000
_LARGEST_WHOLE = 1e12
_LARGEST_PLAIN = 1e6
_LEAST_PLAIN = 1e-4
_FOUR_DIGITS = 9999.5


def table(rows: Iterable[Sequence[Any]], *, longest: int = _LONGEST) -> str:
    """*rows* with their columns aligned; a cell of more than *longest* characters is cut."""
    shown = [[_cut(printable(str(cell)), longest) for cell in row] for row in rows]
    widths = [max(map(width, column)) for column in zip(*shown, strict=True)]
    return "\n".join(
        "  ".join(cell + " " * (wide - width(cell)) for cell, wide in zip(row, widths, strict=True)).rstrip()
        for row in shown
    )


def pairs(rows: Iterable[tuple[str, Any]]) -> str:
    """Names and what belongs to them, uncut; several values of one name are a row each."""
    shown = list(rows)
    wide = max(len(name) for name, _ in shown) + 2
    return "\n".join(f"{name.ljust(wide)}{printable(str(value))}".rstrip() for name, value in shown)


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


def _cut(text: str, longest: int) -> str:
    return text if len(text) <= longest else f"{text[: longest - 1]}…"
