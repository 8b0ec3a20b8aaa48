"""Numbers of bytes as people write them.

The one rule: ``MB`` is a million bytes and ``MiB`` 1024 times 1024.
"""

from __future__ import annotations

import re
from fractions import Fraction

_SIZE = re.compile(r"(\d+(?:\.\d+)?) ?([KMGTkmgt]?)(i?)[Bb]?", re.ASCII)


def parse_size(text: str) -> int:
    """``500MB``, ``8GiB``, ``1048576``.

    Raises:
        ValueError: when it is none.
    """
    match = _SIZE.fullmatch(text.strip())
    if match is None:
        raise ValueError(f"{text!r} is not a number of bytes, such as 500MB or 8GiB")
    number, unit, binary = match.groups()
    return int(Fraction(number) * (1024 if binary else 1000) ** " KMGT".index(unit.upper() or " "))
