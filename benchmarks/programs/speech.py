"""How a measured program and the benchmark talk: one line of JSON each, on standard input and output.

The one rule: what a client prints never gets between the lines. Standard output is put aside for this conversation
when this is imported, and whatever is printed goes to standard error.
"""

from __future__ import annotations

import json
import os
import sys
from typing import Any

_OUT = os.dup(1)
os.dup2(2, 1)


def say(what: object) -> None:
    """One line to the benchmark."""
    os.write(_OUT, json.dumps(what).encode() + b"\n")


def hear() -> Any:
    """The benchmark's next line; ``None`` when there is none any more."""
    line = sys.stdin.readline()
    return json.loads(line) if line else None
