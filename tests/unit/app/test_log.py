from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest
import structlog
from structlog.testing import capture_logs

from hubport.app.log import logger


@pytest.fixture(autouse=True)
def unconfigured() -> Iterator[None]:
    structlog.reset_defaults()
    yield
    structlog.reset_defaults()


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
