"""The spools of this machine as a table."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence

from ...domain.terminal_text import counted, width
from ..outbox.status import SpoolStatus, State
from .tables import age, pairs, size, table, terminal_columns

#: A reason may be a HUB's own words, and they are what the line is for.
_LONGEST_REASON = 300


#: Seconds by which the clocks of two machines may differ.
_CLOCKS_DIFFER = 60.0


_COLUMNS = ("MODEL", "HUB", "AGE", "SIZE", "STATE", "WAITING", "WHY")


def spool_table(statuses: Sequence[SpoolStatus]) -> str:
    """A line for each run; on a terminal that is too narrow for that, a block of lines."""
    rows = [_row(status) for status in statuses]
    columns = terminal_columns()
    text = table([_COLUMNS, *rows], longest=_LONGEST_REASON)
    if columns is None or max(map(width, text.splitlines())) <= columns:
        return text
    return "\n\n".join(pairs(zip(_COLUMNS, row, strict=True)) for row in rows)


def _age(begun: float | None) -> str:
    """How old a run is; unknown where it was stamped by a clock that was ahead of today's."""
    lasted = -math.inf if begun is None else time.time() - begun
    return "?" if lasted < -_CLOCKS_DIFFER else age(lasted)


def _row(status: SpoolStatus) -> tuple[str, ...]:
    damaged = f"; {counted(status.damaged, 'damaged line')}" if status.damaged else ""
    refused = f"; {status.refused} refused" if status.refused and status.state is not State.REJECTED else ""
    return (
        status.model_id,
        status.hub or "?",
        _age(status.begun),
        size(status.size),
        status.state.value,
        status.waiting,
        f"{status.reason}{refused}{damaged}",
    )
