"""What arguments of several commands may be.

The one rule: what is no number says so, with the range that was expected.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable
from typing import Any

from ..byte_sizes import parse_size
from ..hub.settings import DATA_DIR, DATABASE

_LONGEST = 18


def int_range(least: int, most: int) -> Callable[[str], int]:
    """A whole number in this range."""

    def number(text: str) -> int:
        digits = text.removeprefix("-") if least < 0 else text
        if not (digits.isascii() and digits.isdigit()) or len(digits) > _LONGEST or not least <= int(text) <= most:
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


def size(text: str) -> int:
    """A number of bytes, with a unit or without: ``500MB``, ``8GiB``."""
    try:
        found = parse_size(text)
    except ValueError as exc:
        raise argparse.ArgumentTypeError(str(exc)) from exc
    if not found:
        raise argparse.ArgumentTypeError(f"{text!r} lets nothing through")
    return found


def text(longest: int = 200, *, or_empty: bool = False) -> Callable[[str], str]:
    """A text that names something: not empty, of so many characters at most, all of them printable.

    With *or_empty* it may be empty, which then stands for none.
    """

    def checked(value: str) -> str:
        if or_empty and not value:
            return value
        if not value.strip() or len(value) > longest or not value.isprintable():
            raise argparse.ArgumentTypeError(f"not 1 to {longest} printable characters")
        return value

    return checked


def add_location_options(parser: Any) -> None:
    """``--data-dir`` and ``--database``: which HUB of this machine."""
    parser.add_argument(
        "--data-dir", metavar="DIR", help=f"its folder (else {DATA_DIR}, else the user's data directory)"
    )
    parser.add_argument(
        "--database", metavar="URL", help=f"its database (else {DATABASE}, else SQLite in the folder): postgresql://..."
    )


def add_hub(parser: Any) -> None:
    """``--hub`` and ``--api-key``: which HUB on the network, and the key for it."""
    parser.add_argument("--hub", metavar="URL", help="the HUB (else ULTRALYTICS_HUB_API, else that of `hubport login`)")
    add_key(parser)


def add_key(parser: Any) -> None:
    """``--api-key``."""
    parser.add_argument(
        "--api-key",
        metavar="KEY",
        help="the key for it (else HUB_API_KEY, else that of `hubport login`); other users of this machine can see it "
        "while the command runs",
    )
