"""What arguments of several commands may be.

The one rule: what is no number says so, with the range that was expected.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable


def between(least: int, most: int) -> Callable[[str], int]:
    """A whole number in this range."""

    def number(text: str) -> int:
        if not (text.isascii() and text.isdigit()) or not least <= int(text) <= most:
            raise argparse.ArgumentTypeError(f"{text!r} is not a number from {least} to {most}")
        return int(text)

    return number


def seconds(text: str) -> float:
    """A duration."""
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 <= value < math.inf:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of seconds")
    return value
