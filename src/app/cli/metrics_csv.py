"""A model's metrics as a table for spreadsheets.

The one rule: RFC 4180, and nothing in it is a formula or moves a terminal's cursor, whatever a trainer has called its
metrics.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping
from typing import Any

from ...domain.terminal_text import sanitize

_EPOCH = "epoch"
# What spreadsheets take for the beginning of a formula.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def metrics_csv(series: Mapping[str, Mapping[int, Any]]) -> str:
    """One row an epoch, in order, and one column a metric; what an epoch lacks is empty.

    No two columns have one name: of metrics that would, the later ones are numbered, and a metric called ``epoch`` is
    ``epoch (metric)``. Numbers are written as they are. A text, and a metric's name, that begins like a formula gets an
    apostrophe before it, and loses its control characters.
    """
    file = io.StringIO(newline="")
    writer = csv.writer(file)  # whose default is RFC 4180
    writer.writerow(_columns(series))
    epochs = sorted({epoch for values in series.values() for epoch in values})
    writer.writerows([epoch, *(_cell(values.get(epoch)) for values in series.values())] for epoch in epochs)
    return file.getvalue()


def _columns(names: Iterable[str]) -> list[str]:
    columns = {_EPOCH: None}  # in their order
    for name in names:
        text = _text(name)
        text = f"{text} (metric)" if text == _EPOCH else text
        number = 2
        column = text
        while column in columns:
            column, number = f"{text} ({number})", number + 1
        columns[column] = None
    return list(columns)


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return repr(value) if isinstance(value, int | float) else _text(str(value))


def _text(text: str) -> str:
    text = sanitize(text)
    return f"'{text}" if text.startswith(_FORMULA) else text
