"""Where hubport's log lines go.

The one rule: nothing is configured here, and no error of a logger reaches the caller. Who has configured structlog gets
the events as they are; everybody else gets them through the standard library's logger ``hubport``, silent below WARNING
as any library. Where that fails, a warning is written to stderr, and the failure is counted.
"""

from __future__ import annotations

import contextlib
import logging
import sys
import types
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Protocol, TypeVar

import structlog

F = TypeVar("F", bound=Callable[..., Any])
#: What a report counts log lines by that could not be written.
NOT_LOGGED = "log line not written"


def _unseen(function: F) -> F:
    """*function* with a module name of structlog's.

    structlog, and the loggers of its ``LoggerFactory``, take the innermost frame that is not theirs for the place that
    logs: that must be the caller of our methods. Nothing in *function* may use a global name.
    """
    copy = types.FunctionType(function.__code__, {"__name__": "structlog.hubport"}, function.__name__)
    copy.__kwdefaults__, copy.__doc__ = function.__kwdefaults__, function.__doc__
    return copy  # type: ignore[return-value]


class Hideable(Protocol):
    """What stands on a terminal's last line, and can leave it for a while."""

    def hide(self) -> None:
        """Leave the line: something else is about to be written."""
        ...


class EventLogger:
    """Logs dotted facts with key-values, and raises nothing that a handler or a processor of the program's raises.

    *on_fault* gets :data:`NOT_LOGGED` for each line that was not written. ``KeyboardInterrupt`` passes.
    """

    def __init__(self, target: Any, *, on_fault: Callable[[str], object] = lambda _: None) -> None:
        self._target = target
        self._on_fault = on_fault
        self._shown: Hideable | None = None

    @contextlib.contextmanager
    def beside(self, shown: Hideable) -> Iterator[None]:
        """While *shown* may be on a terminal's last line: each warning gets a line of its own."""
        self._shown = shown
        try:
            yield
        finally:
            self._shown = None

    @_unseen
    def debug(self, event: str, **facts: Any) -> None:
        """For whoever looks for a fault."""
        self._emit("debug", event, facts)

    @_unseen
    def info(self, event: str, **facts: Any) -> None:
        """For whoever wants to follow."""
        self._emit("info", event, facts)

    @_unseen
    def warning(self, event: str, **facts: Any) -> None:
        """For everybody."""
        self._emit("warning", event, facts)

    @_unseen
    def error(self, event: str, **facts: Any) -> None:
        """Something failed."""
        self._emit("error", event, facts)

    @_unseen
    def exception(self, event: str, **facts: Any) -> None:
        """The same, with the exception that is being handled."""
        self._emit("error", event, {"exc_info": True, **facts})

    @_unseen
    def _emit(self, level: str, event: str, facts: dict[str, Any]) -> None:
        if level in ("warning", "error") and self._shown is not None:
            self._shown.hide()
        try:
            getattr(self._target, level)(event, **facts)
        except Exception as exc:  # noqa: BLE001 - whatever the program's logging raises
            self._failed(level, event, facts, exc)

    @property
    def is_unheard(self) -> bool:
        """Whether a line of the level of info goes nowhere, because the program has configured no logging at all."""
        return isinstance(self._target, _StandardLibrary) and self._target.is_unheard

    def _failed(self, level: str, event: str, facts: Mapping[str, Any], exc: Exception) -> None:
        self._on_fault(NOT_LOGGED)
        if level in {"warning", "error"}:
            shown = {name: value for name, value in facts.items() if name != "exc_info"}
            with contextlib.suppress(Exception):  # a value whose repr raises may be what has failed
                say(f"{as_text(event, shown)} (the program's own logging failed: {type(exc).__name__})")


class _StandardLibrary:
    """The logger ``hubport`` of the standard library, as a target of :class:`EventLogger`."""

    #: From ``Logger.log`` up to the caller: ours, then the two of :class:`EventLogger`.
    _FRAMES = 4

    def __init__(self, bound: Mapping[str, Any]) -> None:
        self._bound = bound
        self._logger = logging.getLogger("hubport")

    @property
    def is_unheard(self) -> bool:
        target = self._logger
        is_silenced = target.level > logging.INFO or target.disabled or target.manager.disable >= logging.INFO
        return not (is_silenced or target.hasHandlers())

    def debug(self, event: str, **facts: Any) -> None:
        self._log(logging.DEBUG, event, facts)

    def info(self, event: str, **facts: Any) -> None:
        self._log(logging.INFO, event, facts)

    def warning(self, event: str, **facts: Any) -> None:
        self._log(logging.WARNING, event, facts)

    def error(self, event: str, **facts: Any) -> None:
        self._log(logging.ERROR, event, facts)

    def _log(self, level: int, event: str, facts: dict[str, Any]) -> None:
        if self._logger.isEnabledFor(level):
            exc_info = facts.pop("exc_info", None)
            # A message is a format string only when it has arguments, and this one has none.
            text = as_text(event, {**self._bound, **facts})
            self._logger.log(level, text, exc_info=exc_info, stacklevel=self._FRAMES + 1)


def logger(*, on_fault: Callable[[str], object] = lambda _: None, **bound: Any) -> EventLogger:
    """A logger of dotted facts with *bound* as their context; *on_fault* as in :class:`EventLogger`."""
    if structlog.is_configured():
        try:
            return EventLogger(structlog.get_logger("hubport").bind(**bound), on_fault=on_fault)
        except Exception:  # noqa: BLE001 - a factory or a wrapper class of the program's: the next best will do
            on_fault(NOT_LOGGED)
    return EventLogger(_StandardLibrary(bound), on_fault=on_fault)


def as_text(event: str, facts: Mapping[str, Any]) -> str:
    """One line; a ``summary`` among *facts* is a sentence for people, and comes first."""
    begin = f"{event} {facts['summary']}" if "summary" in facts else event
    return " ".join([begin, *(f"{key}={value!r}" for key, value in facts.items() if key != "summary")])


def say(text: str) -> bool:
    """Write the line *text* to stderr, or to the one that Python began with; whether that worked."""
    for stream in (sys.stderr, sys.__stderr__):
        try:
            if stream is not None:
                stream.write(f"{text}\n")
                stream.flush()
                return True
        except Exception:  # noqa: BLE001, S112 - closed, full, a broken pipe, or an object of the program's
            continue
    return False
