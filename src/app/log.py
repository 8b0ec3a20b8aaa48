"""Where hubport's log lines go.

The one rule: nothing is configured here. Who has configured structlog gets the events as they are; everybody else gets
them through the standard library's logger ``hubport``, silent below WARNING as any library.
"""

from __future__ import annotations

import logging
from collections.abc import MutableMapping
from typing import Any, cast

import structlog


def logger(**bound: Any) -> structlog.stdlib.BoundLogger:
    """A logger of dotted facts with *bound* as their context."""
    if structlog.is_configured():
        return cast("structlog.stdlib.BoundLogger", structlog.get_logger("hubport").bind(**bound))
    wrapped = structlog.wrap_logger(
        logging.getLogger("hubport"),
        processors=[structlog.stdlib.filter_by_level, structlog.processors.format_exc_info, _as_text],
        wrapper_class=structlog.stdlib.BoundLogger,
    )
    return cast("structlog.stdlib.BoundLogger", wrapped.bind(**bound))


def _as_text(_: Any, __: str, event: MutableMapping[str, Any]) -> str:
    name = event.pop("event")
    trace = event.pop("exception", None)
    text = " ".join([str(name), *(f"{key}={value!r}" for key, value in event.items())])
    # A logger's message is a format string only when it has arguments, and this one has none.
    return text if trace is None else f"{text}\n{trace}"
