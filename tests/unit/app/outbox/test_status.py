"""What lies in the outbox, told from its journals: every state, and why something waits."""

from __future__ import annotations

import errno
import io
import json
from collections.abc import Callable
from typing import BinaryIO

import attrs
import pytest

from hubport.app.outbox.status import SpoolStatus, State, spool_statuses
from hubport.domain.checkpoint import Checkpoint, CheckpointKind
from hubport.domain.client import journal
from hubport.domain.ports.outbox import SpoolInfo
from hubport.testing import FakeOutbox
from hubport.testing.fakes.outbox import FakeSpool

MODEL = "Ab3Cd5Ef7Gh9Ij1Kl2Mn"
HUB = "https://hub.example"
RUN = journal.run_line({"model": MODEL, "root": HUB, "pid": 7})
RECORD = journal.metrics_line(0, {"loss": 1.0})
CHECKPOINT = journal.checkpoint_line(Checkpoint(1, 0, CheckpointKind.EPOCH, "/spool/1-last.pt", 100))
SENT = journal.sent_line(10**6)


def surveyed(*lines: bytes, is_owned: bool = False) -> SpoolStatus:
    outbox = FakeOutbox()
    spool = outbox.open(MODEL)
    for line in lines:
        spool.append(line)
    if not is_owned:
        spool.release(keep=True)
    (status,) = spool_statuses(outbox.list_spools())
    assert (MODEL, spool.name, spool.begun) == (status.model_id, status.spool, status.begun)
    assert spool.size == status.size
    return status


@pytest.mark.parametrize(
    ("lines", "state", "reason"),
    [
        ((RUN, RECORD), State.WAITING, "its process was killed"),
        ((RUN, CHECKPOINT), State.WAITING, "its process was killed"),
        ((RUN, RECORD, journal.end_line("no answer")), State.WAITING, "no answer"),
        ((RUN, RECORD, journal.end_line("no answer"), RUN), State.WAITING, "its process was killed"),
        ((RUN, RECORD, SENT), State.DELIVERED, "its process was killed behind the last delivery"),
        ((RUN,), State.DELIVERED, "its process was killed behind the last delivery"),
        ((), State.DELIVERED, "its process was killed behind the last delivery"),
        ((RUN, RECORD, journal.rejected_line(0, "status 422: no"), SENT), State.REJECTED, "status 422: no"),
        ((RUN, CHECKPOINT, journal.checkpoint_end_line(1, "status 413: no")), State.REJECTED, "status 413: no"),
        ((RUN, RECORD, journal.rejected_line(0, "status 422: no")), State.WAITING, "its process was killed"),
    ],
)
def test_a_spool_that_nobody_owns(lines: tuple[bytes, ...], state: State, reason: str) -> None:
    status = surveyed(*lines)

    assert (state, reason) == (status.state, status.reason)


@pytest.mark.parametrize("lines", [(RUN,), (RUN, RECORD), (RUN, RECORD, SENT), (RUN, RECORD, journal.end_line("x"))])
def test_one_that_is_owned_is_in_use_whatever_is_in_it(lines: tuple[bytes, ...]) -> None:
    status = surveyed(*lines, is_owned=True)

    assert (State.IN_USE, "process 7 is sending it") == (status.state, status.reason)


def test_of_a_process_that_has_not_said_its_number_it_is_not_known() -> None:
    assert "process ? is sending it" == surveyed(is_owned=True).reason


def test_everything_is_counted() -> None:
    second = journal.checkpoint_line(Checkpoint(2, 0, CheckpointKind.FINAL, "/spool/2-best.pt", 100))
    status = surveyed(RUN, RECORD, RECORD, CHECKPOINT, second, b"half a li\n", journal.rejected_line(9, "no"))

    assert (2, 2, 1, 1) == (status.metrics, status.checkpoints, status.refused, status.damaged)
    assert HUB == status.hub


@pytest.mark.parametrize(
    ("metrics", "checkpoints", "words"),
    [
        (0, 0, "nothing"),
        (1, 0, "1 record"),
        (2, 0, "2 records"),
        (0, 1, "1 checkpoint"),
        (0, 3, "3 checkpoints"),
        (2, 1, "2 records, 1 checkpoint"),
    ],
)
def test_what_waits_in_words(metrics: int, checkpoints: int, words: str) -> None:
    assert words == attrs.evolve(surveyed(RUN), metrics=metrics, checkpoints=checkpoints).waiting


def test_as_json_is_json_with_a_state_in_words() -> None:
    status = surveyed(RUN, RECORD)
    data = json.loads(json.dumps(status.as_json()))

    assert {field.name for field in attrs.fields(SpoolStatus)} == set(data)
    assert ("waiting", 1, HUB) == (data["state"], data["metrics"], data["hub"])


def test_one_that_goes_between_two_looks_is_left_out() -> None:
    outbox = FakeOutbox()
    for _ in range(3):
        outbox.open(MODEL)
    first, gone, last = outbox.list_spools()

    missing = refusing(FileNotFoundError(errno.ENOENT, "No such file or directory"))
    found = spool_statuses([first, attrs.evolve(gone, open=missing), last])

    assert [first.name, last.name] == [status.spool for status in found]


def test_a_journal_longer_than_any_chunk_is_read_to_its_end() -> None:
    long = journal.metrics_line(1, {"text": "x" * 700_000})

    assert 9 == surveyed(RUN, *[RECORD, long, RECORD] * 3).metrics


def test_a_look_is_at_one_journal_also_while_another_one_takes_its_place() -> None:
    """It was opened before: what is read afterwards is of the same one."""
    outbox = FakeOutbox()
    spool: FakeSpool = outbox.open(MODEL)
    for line in (RUN, RECORD, RECORD):
        spool.append(line)
    (seen,) = outbox.list_spools()
    opened = seen.open

    def late() -> BinaryIO:
        journal = opened()
        spool.compact(lambda: RUN)
        return journal

    (status,) = spool_statuses([attrs.evolve(seen, open=late)])

    assert 2 == status.metrics


def test_looking_closes_what_it_opens() -> None:
    outbox = FakeOutbox()
    outbox.open(MODEL).append(RUN)
    (seen,) = outbox.list_spools()
    opened: list[BinaryIO] = []

    def remembered(open_: Callable[[], BinaryIO] = seen.open) -> BinaryIO:
        opened.append(open_())
        return opened[-1]

    spool_statuses([attrs.evolve(seen, open=remembered)])

    assert [True] == [file.closed for file in opened]


def refusing(error: OSError) -> Callable[[], BinaryIO]:
    def refuse() -> BinaryIO:
        raise error

    return refuse


@pytest.mark.parametrize("error", [PermissionError(13, "Permission denied"), OSError(5, "Input/output error")])
def test_one_that_cannot_be_opened_is_shown_as_such(error: OSError) -> None:
    outbox = FakeOutbox()
    outbox.open(MODEL).append(RUN)
    (seen,) = outbox.list_spools()

    (status,) = spool_statuses([attrs.evolve(seen, open=refusing(error))])

    assert (State.UNREADABLE, error.strerror, "?") == (status.state, status.reason, status.waiting)
    assert (MODEL, seen.name, seen.begun, seen.size) == (status.model_id, status.spool, status.begun, status.size)


def test_one_whose_reading_fails_half_way_is_shown_as_such() -> None:
    """A disk that fails."""

    class Failing(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            if self.tell():
                raise OSError(5, "Input/output error")
            return super().read(size)

    outbox = FakeOutbox()
    outbox.open(MODEL)
    (seen,) = outbox.list_spools()

    (status,) = spool_statuses([attrs.evolve(seen, open=lambda: Failing(RUN + RECORD))])

    assert (State.UNREADABLE, "Input/output error") == (status.state, status.reason)


def test_a_handle_that_is_stale_is_of_a_spool_that_is_gone() -> None:
    """So a network file system says that another machine has removed it."""
    outbox = FakeOutbox()
    outbox.open(MODEL)
    (seen,) = outbox.list_spools()

    assert [] == spool_statuses([attrs.evolve(seen, open=refusing(OSError(errno.ESTALE, "Stale file handle")))])


def test_what_could_not_be_looked_into_is_shown_with_its_problem() -> None:
    """Also a folder of many, of which no model and no beginning is known."""
    seen = SpoolInfo("/outbox/hub", "", None, 0, is_owned=False, open=refusing(PermissionError()), problem="not yours")

    (status,) = spool_statuses([seen])

    assert ("", "/outbox/hub", None, State.UNREADABLE, "not yours") == (
        status.model_id,
        status.spool,
        status.begun,
        status.state,
        status.reason,
    )
    assert {"state": "unreadable", "begun": None}.items() <= status.as_json().items()
