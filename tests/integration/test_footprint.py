"""What a session adds to the process of a trainer, whatever the HUB does: three threads at the most, and no process."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path

import pytest

from hubport.testing.lab import (
    Answer,
    DripBody,
    DripHeaders,
    DropAnswer,
    Empty,
    Hang,
    Html,
    RateLimited,
    Redirect,
    Refuse,
    Reset,
    ResetAnswer,
    Restart,
    Script,
    Stall,
    Status,
    TooLarge,
    TruncateAnswer,
)
from tests.integration.conftest import TrainerSandbox

TROUBLES: list[Script] = [
    Answer(),
    Refuse(),
    Hang(),
    Stall(),
    DripHeaders(),
    DripBody(),
    Reset(),
    Restart(),
    DropAnswer(),
    ResetAnswer(),
    TruncateAnswer(),
    Status(500),
    Status(503),
    Status(422),
    RateLimited(headers="none"),
    RateLimited(headers="garbage"),
    TooLarge(),
    Html(),
    Html(404),
    Html(502),
    Empty(),
    Redirect("http://elsewhere.invalid/"),
]
#: After which nothing is sent any more.
LAST: list[Script] = [Status(401), RateLimited(3600)]


def has_met(site: TrainerSandbox, number: int) -> bool:
    return len(site.lab.ledger) >= number


@pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="the kernel tells nowhere else")
@pytest.mark.parametrize("troubles", [TROUBLES, *([last] for last in LAST)], ids=["many", *map(str, LAST)])
def test_three_threads_and_no_process_in_every_trouble(site: TrainerSandbox, troubles: list[Script]) -> None:
    child = site.start(
        "counts_threads",
        site.folder,
        HUBPORT_METRICS_INTERVAL="0.001",
        HUBPORT_CHECKPOINT_INTERVAL="0.001",
        HUBPORT_HEARTBEAT_INTERVAL="0.1",
        HUBPORT_REQUEST_TIMEOUT="0.1",
        HUBPORT_UPLOAD_TIMEOUT="0.1",
    )
    assert "ready" == child.line()
    for trouble in troubles:
        seen = len(site.lab.ledger)
        site.lab.always(trouble)
        child.say()
        if not isinstance(trouble, Refuse):  # whom nobody sees
            site.lab.ledger.wait_for(partial(has_met, site, seen + 1), f"a request that meets {trouble}")
        child.say()
        of_the_kernel, of_python, children = json.loads(child.line())
        assert of_the_kernel <= 3, trouble
        assert of_python <= 3, trouble
        assert 0 == children, trouble
        site.lab.heal()
    child.kill()
