from __future__ import annotations

import contextlib
import io
import logging
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog
from structlog.testing import capture_logs

from hubport.app.log import NOT_LOGGED, logger


@pytest.fixture(autouse=True)
def unconfigured() -> Iterator[None]:
    structlog.reset_defaults()
    yield
    structlog.reset_defaults()
    logging.setLoggerClass(logging.Logger)  # structlog's LoggerFactory puts another in its place


def test_without_configuration_it_is_the_standard_library(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "hubport")
    logger(model_id="A").warning("heartbeat.failed", status=503, text="two words")
    (record,) = caplog.records
    assert ("hubport", logging.WARNING) == (record.name, record.levelno)
    assert "heartbeat.failed model_id='A' status=503 text='two words'" == record.getMessage()


def test_it_is_silent_below_the_level_that_the_application_set(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING, "hubport")
    logger().info("session.closed")
    assert [] == caplog.records


def test_a_trace_is_shown_and_percent_signs_are_no_formats(caplog: pytest.LogCaptureFixture) -> None:
    try:
        int("100 %s")
    except ValueError:
        logger().exception("worker.failed")
    assert "worker.failed\nTraceback" in caplog.text
    assert "100 %s" in caplog.text


def test_who_has_configured_structlog_gets_the_events() -> None:
    structlog.configure(processors=[])
    with capture_logs() as events:
        logger(model_id="A").info("session.closed", left=0)
    assert [{"event": "session.closed", "model_id": "A", "left": 0, "log_level": "info"}] == events


class Broken(logging.Handler):
    """A handler of the program's."""

    def emit(self, record: logging.LogRecord) -> None:
        raise OSError(28, "No space left on device", record.name)


@pytest.fixture
def broken() -> Iterator[None]:
    handler = Broken()
    logging.getLogger("hubport").addHandler(handler)
    yield
    logging.getLogger("hubport").removeHandler(handler)


def test_a_handler_that_raises_costs_no_caller_and_no_warning(
    broken: None, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "hubport")
    faults: list[str] = []
    log = logger(on_fault=faults.append, model_id="A")
    log.debug("signals.not_watched")
    log.info("session.closed")
    assert "" == capsys.readouterr().err
    log.warning("hub.failed", status=503)
    log.error("web.failed")
    try:
        int("x")
    except ValueError:
        log.exception("worker.failed")
    assert [NOT_LOGGED] * 5 == faults
    failed = "(the program's own logging failed: OSError)"
    assert [f"hub.failed status=503 {failed}", f"web.failed {failed}", f"worker.failed {failed}"] == (
        capsys.readouterr().err.splitlines()
    )


def test_a_processor_that_raises_costs_no_caller_and_no_warning(capsys: pytest.CaptureFixture[str]) -> None:
    def broken(_: object, __: str, event: dict[str, object]) -> object:
        return event["nothing"]

    structlog.configure(processors=[broken])  # type: ignore[list-item]
    faults: list[str] = []
    logger(on_fault=faults.append).warning("hub.failed")
    assert ([NOT_LOGGED], "hub.failed (the program's own logging failed: KeyError)\n") == (
        faults,
        capsys.readouterr().err,
    )


def test_a_structlog_that_cannot_make_a_logger_leaves_the_standard_library(caplog: pytest.LogCaptureFixture) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError

    structlog.configure(wrapper_class=broken)  # type: ignore[arg-type]
    logger(model_id="A").warning("hub.failed")
    assert ["hub.failed model_id='A'"] == caplog.messages


@pytest.mark.parametrize("stderr", ["none", "closed", "full"])
def test_a_stderr_that_takes_nothing_raises_nothing(stderr: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """With nothing configured the standard library writes there, and to a closed one even its apology raises."""
    full = open("/dev/full", "w", buffering=1) if stderr == "full" else open(os.devnull, "w")  # noqa: PTH123, SIM115
    if stderr == "closed":
        full.close()
    monkeypatch.setattr(sys, "stderr", None if stderr == "none" else full)
    monkeypatch.setattr(sys, "__stderr__", None)
    root = logging.getLogger()
    monkeypatch.setattr(root, "handlers", [])
    logger().warning("hub.failed")
    with contextlib.suppress(OSError):
        full.close()


def test_where_only_the_programs_own_stderr_is_broken_the_first_one_is_used(
    broken: None, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    closed = io.StringIO()
    closed.close()
    monkeypatch.setattr(sys, "__stderr__", sys.stderr)
    monkeypatch.setattr(sys, "stderr", closed)
    logger().warning("hub.failed")
    assert "hub.failed (the program's own logging failed: OSError)\n" == capsys.readouterr().err


@pytest.mark.parametrize("stop", [KeyboardInterrupt, SystemExit])
def test_an_interrupt_passes(stop: type[BaseException]) -> None:
    def interrupted(*_: object) -> None:
        raise stop

    structlog.configure(processors=[interrupted])  # type: ignore[list-item]
    with pytest.raises(stop):
        logger().warning("hub.failed")


def line_of(event: str) -> int:
    lines = Path(__file__).read_text(encoding="utf-8").splitlines()
    return next(number for number, line in enumerate(lines, 1) if f'"{event}"' in line)


class Places(logging.Handler):
    """Writes each record as the standard library's own formatter does."""

    def __init__(self) -> None:
        super().__init__()
        self.setFormatter(logging.Formatter("%(filename)s:%(lineno)d %(funcName)s"))
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(self.format(record).splitlines()[0])


@pytest.mark.parametrize("kind", ["plain", "stdlib", "filtering"])
def test_a_line_names_the_place_that_logs(kind: str) -> None:
    name = "hubport" if kind == "plain" else f"test_log.{kind}"
    if kind != "plain":
        structlog.configure(
            logger_factory=lambda *_: structlog.stdlib.LoggerFactory()(name),
            wrapper_class=structlog.stdlib.BoundLogger
            if kind == "stdlib"
            else structlog.make_filtering_bound_logger(logging.DEBUG),
            processors=[structlog.processors.KeyValueRenderer()],
        )
        logger()  # its factory's loggers find their caller by themselves, and are made before anybody else asks for one
    places = Places()
    target = logging.getLogger(name)
    target.addHandler(places)
    target.setLevel(logging.DEBUG)
    log = logger(model_id="A")
    try:
        log.debug("place.debug")
        log.info("place.info")
        log.warning("place.warning")
        log.error("place.error")
        try:
            int("x")
        except ValueError:
            log.exception("place.exception")
    finally:
        target.removeHandler(places)
        target.setLevel(logging.NOTSET)
    events = ("place.debug", "place.info", "place.warning", "place.error", "place.exception")
    assert [f"test_log.py:{line_of(event)} test_a_line_names_the_place_that_logs" for event in events] == places.lines


def test_structlogs_own_callsite_is_the_place_that_logs() -> None:
    seen: list[object] = []

    def keep(_: object, __: str, event: dict[str, object]) -> str:
        seen.append((event["filename"], event["func_name"]))
        return ""

    structlog.configure(processors=[structlog.processors.CallsiteParameterAdder(), keep])  # type: ignore[list-item]
    logger().warning("hub.failed")
    assert [("test_log.py", "test_structlogs_own_callsite_is_the_place_that_logs")] == seen
