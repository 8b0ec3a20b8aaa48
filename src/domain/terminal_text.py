"""Text from elsewhere, as it may be shown on a terminal.

The one rule: what moves a cursor, turns the direction of writing or cannot be written at all is shown as a question.
"""

from __future__ import annotations

import unicodedata

# Control, format (the bidirectional ones are among them), surrogate, private; separators of lines and paragraphs.
_HIDDEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
_WIDE = frozenset({"W", "F"})
_COMBINING = frozenset({"Mn", "Me"})


def sanitize(text: str) -> str:
    """*text* with U+FFFD for each character that is not simply seen."""
    if text.isascii() and text.isprintable():
        return text
    return "".join("\N{REPLACEMENT CHARACTER}" if unicodedata.category(char) in _HIDDEN else char for char in text)


def counted(number: int, noun: str) -> str:
    """*number* of what *noun* names in the singular: "1 epoch", "2 epochs"."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def width(text: str) -> int:
    """How many columns a terminal gives *text*, which is printable."""
    if text.isascii():
        return len(text)
    return sum(
        0 if unicodedata.category(char) in _COMBINING else 2 if unicodedata.east_asian_width(char) in _WIDE else 1
        for char in text
    )
