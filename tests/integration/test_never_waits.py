"""Against a server that never answers every public call comes back, but those that say that they wait.

That the call did not wait for the server is shown by the server: it still hangs on the same requests afterwards.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import pytest

import hubport
from hubport import HUBTrainingSession, TrainingSession
from hubport.testing.contracts.waiting import BackgroundThread
from hubport.testing.lab import DripBody, DripHeaders, Hang, Script, Stall
from tests.integration.conftest import TrainerSandbox

#: Those that wait, each until a deadline, and what is for ``connect`` alone.
WAITING = {"flush", "finish", "close", "send_final"}
INTERNAL = {"begin"}
HOUR = 3600.0
#: No server takes so much into its buffers.
BIG = 30_000_000


def calls_of(session: TrainingSession, last: str) -> dict[str, Callable[[], object]]:
    """A call of everything public; a property is called by looking at it."""
    with_arguments: dict[str, Callable[[], object]] = {
        "log_metrics": partial(session.log_metrics, 7, {"loss": 1.0}),
        "log_text": partial(session.log_text, 7, "{}"),
        "log_queue": partial(session.log_queue, {7: "{}", 8: "{}"}),
        "upload_checkpoint": partial(session.upload_checkpoint, last, epoch=7),
        "use_key": partial(session.use_key, "0" * 42),
        "pace": partial(session.pace, metrics=HOUR, checkpoint=HOUR, heartbeat=HOUR),
        "status": session.status,
        "start_heartbeats": session.start_heartbeats,
        "stop_heartbeats": session.stop_heartbeats,
    }
    found = {name for name in dir(TrainingSession) if not name.startswith("_")} - WAITING - INTERNAL
    properties = {name for name in found if isinstance(getattr(TrainingSession, name), property)}
    assert properties | set(with_arguments) == found, "a public name is neither tried here nor among those that wait"
    looked_at = {name: partial(getattr, session, name) for name in properties}
    return {**with_arguments, **looked_at, "repr": partial(repr, session), "with": session.__enter__}


def calls_of_drop_in(session: HUBTrainingSession, last: str) -> dict[str, Callable[[], object]]:
    """The same for the class of 2023, whose final upload waits."""

    def upload_metrics() -> None:
        session.metrics_queue = {7: "{}"}
        session.upload_metrics()

    return {
        "upload_metrics": upload_metrics,
        "upload_model": partial(session.upload_model, 7, last),
        "agent_id": partial(getattr, session, "agent_id"),
        "alive": partial(getattr, session, "alive"),
        "rate_limits": partial(session.rate_limits.update, {"metrics": HOUR}),
        "alive = False": partial(setattr, session, "alive", False),
        "alive = True": partial(setattr, session, "alive", True),
    }


@pytest.fixture(params=[Hang(), Stall(), DripHeaders(), DripBody()], ids=lambda script: type(script).__name__)
def hanging_site(request: pytest.FixtureRequest, site: TrainerSandbox) -> Iterator[TrainerSandbox]:
    """A HUB that answers until somebody has connected."""
    (site.folder / "last.pt").write_bytes(bytes(BIG))
    yield site
    site.lab.heal()


def hang(site: TrainerSandbox, script: Script, log: Callable[[], Any], upload: Callable[[], Any]) -> set[int]:
    """Let a request of each kind hang; the numbers of these requests."""
    site.lab.always(script)
    log()
    upload()
    for kind in ("metrics", "upload", "heartbeat"):
        site.lab.ledger.wait_for_hanging(kind)
    return {entry.number for entry in site.lab.ledger.hanging()}


def come_back(site: TrainerSandbox, calls: dict[str, Callable[[], object]], held: set[int]) -> None:
    for name, call in calls.items():
        BackgroundThread(call).join()
        assert held <= {entry.number for entry in site.lab.ledger.hanging()}, f"{name} came back because of an answer"


FIELDS: dict[str, Any] = {
    "metrics_interval": 0.0,
    "checkpoint_interval": 0.0,
    "heartbeat_interval": 0.1,
    "request_timeout": HOUR,
    "upload_timeout": HOUR,
}


def test_no_call_of_a_session_waits_for_a_server_that_hangs(
    hanging_site: TrainerSandbox, request: pytest.FixtureRequest
) -> None:
    site, script = hanging_site, request.node.callspec.params["hanging_site"]
    last = str(site.folder / "last.pt")
    session = site.connect(**FIELDS)
    log = partial(session.log_metrics, 0, {"loss": 1.0})
    held = hang(site, script, log, partial(session.upload_checkpoint, last, epoch=0))

    come_back(site, calls_of(session, last), held)

    # Those that wait do so until their deadline, which is over at once here.
    for wait in (partial(session.flush, timeout=0.0), partial(session.close, timeout=0.0)):
        BackgroundThread(wait).join()
    assert held <= {entry.number for entry in site.lab.ledger.hanging()}


def test_no_call_of_the_drop_in_waits_for_a_server_that_hangs(
    hanging_site: TrainerSandbox, request: pytest.FixtureRequest
) -> None:
    site, script = hanging_site, request.node.callspec.params["hanging_site"]
    last = str(site.folder / "last.pt")
    settings = hubport.Settings(api_root=site.url, state_dir=site.state_dir, handle_signals=False, **FIELDS)
    old = HUBTrainingSession(site.model_id, api_key=site.hub.api_key, settings=settings)
    calls = calls_of_drop_in(old, last)
    held = hang(site, script, calls["upload_metrics"], calls["upload_model"])

    come_back(site, calls, held)
    BackgroundThread(partial(old._session.close, timeout=0.0)).join()
