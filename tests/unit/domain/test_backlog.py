from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hubport.domain import journal
from hubport.domain.backlog import Backlog
from hubport.domain.checkpoint import Checkpoint, Kind
from hubport.domain.journal import Line, encoded, lines
from tests.unit.domain.strategies import checkpoints, mappings

CHECKPOINT = Checkpoint(number=1, epoch=12, kind=Kind.EPOCH, path="/spool/1.pt", size=3)


def backlog_of(content: bytes) -> Backlog:
    backlog = Backlog()
    backlog.fold(lines(content, 0))
    return backlog


def test_an_empty_journal_is_settled() -> None:
    assert Backlog() == backlog_of(b"")
    assert backlog_of(b"").is_settled
    assert 0 == backlog_of(b"").cursor


def test_metrics_wait_until_they_are_sent() -> None:
    content = journal.metrics_line(0, {"loss": 0.5})
    assert not backlog_of(content).is_settled

    content += journal.sent_line(len(content))
    assert backlog_of(content).is_settled


def test_metrics_behind_the_cursor_wait() -> None:
    first = journal.metrics_line(0, {"loss": 0.5})
    content = first + journal.metrics_line(1, "{}") + journal.sent_line(len(first))

    assert not backlog_of(content).is_settled


def test_the_cursor_never_goes_back() -> None:
    assert 9 == backlog_of(journal.sent_line(9) + journal.sent_line(4)).cursor


@pytest.mark.parametrize("how", ["delivered", "superseded", "status 422: no", ""])
def test_a_checkpoint_waits_until_it_is_settled(how: str) -> None:
    content = journal.checkpoint_line(CHECKPOINT)
    assert {1: CHECKPOINT} == backlog_of(content).checkpoints
    assert not backlog_of(content).is_settled

    settled = backlog_of(content + journal.checkpoint_end_line(1, how))
    assert settled.is_settled
    assert (how not in {"delivered", "superseded"}) == settled.aside


def test_who_wrote_is_known() -> None:
    assert {"model": "x", "pid": 5} == backlog_of(journal.run_line({"model": "x", "pid": 5})).about


def test_what_is_no_record_of_ours_is_counted_as_damaged() -> None:
    strangers: list[list[Any]] = [
        ["m"],
        ["m", "1", {}],
        ["m", 1, 5],
        ["m", 1, {}, {}],
        ["sent", "5"],
        ["sent", None],
        ["aside", 1],
        ["aside", "1", "no"],
        ["c", {}],
        ["c", {"number": "1"}],
        ["c", attrs.asdict(CHECKPOINT) | {"kind": "else"}],
        ["c-end", 1],
        ["c-end", "1", "delivered"],
        ["run", "x"],
        ["end"],
        [None],
        [["m"]],
    ]
    content = b"".join(encoded(record) for record in strangers) + b"rubbish\n"

    assert Backlog(end=len(content), damaged=len(strangers) + 1) == backlog_of(content)


def test_a_line_of_a_later_version_is_none_of_our_business() -> None:
    content = encoded(["later", 1])

    assert Backlog(end=len(content)) == backlog_of(content)


def checkpoint_json(**changes: Any) -> dict[str, Any]:
    data = CHECKPOINT.as_json() | changes
    return {name: value for name, value in data.items() if value is not ...}


@pytest.mark.parametrize(
    "data", [checkpoint_json(epoch=...), checkpoint_json(epoch="12")], ids=["without epoch", "epoch as text"]
)
def test_a_checkpoint_that_cannot_be_sent_is_counted_as_damaged(data: dict[str, Any]) -> None:
    assert 1 == backlog_of(encoded(["c", data])).damaged


def test_a_checkpoint_of_a_later_version_of_ours_is_still_one() -> None:
    """A run that was killed under a newer hubport is picked up by an older one, which must not die of it."""
    backlog = backlog_of(encoded(["c", checkpoint_json(sha256="0" * 64)]))

    assert {1: CHECKPOINT} == backlog.checkpoints


def test_a_checkpoint_without_its_optional_fields_has_their_defaults() -> None:
    backlog = backlog_of(encoded(["c", checkpoint_json(is_best=..., map=...)]))

    assert {1: CHECKPOINT} == backlog.checkpoints


# The fold against a model of it

small = st.integers(0, 5)
operations = st.lists(
    st.one_of(
        st.tuples(st.just("metrics"), small),
        st.tuples(st.just("sent"), st.none()),
        st.tuples(st.just("aside"), small),
        st.tuples(st.just("checkpoint"), st.builds(attrs.evolve, checkpoints, number=small)),
        st.tuples(st.just("end"), st.tuples(small, st.sampled_from(["delivered", "superseded", "status 422: no"]))),
        st.tuples(st.just("damage"), st.none()),
    ),
    max_size=20,
)


def written(operation: str, value: Any, so_far: int) -> bytes:
    match operation:
        case "metrics":
            return journal.metrics_line(value, {"loss": 0.5})
        case "sent":
            return journal.sent_line(so_far)
        case "aside":
            return journal.aside_line(value, "status 422: no")
        case "checkpoint":
            return journal.checkpoint_line(value)
        case "end":
            return journal.checkpoint_end_line(*value)
    return b"half a line\n"


@given(operations, st.integers(0, 20))
def test_the_fold_is_what_happened(history: list[tuple[str, Any]], cut: int) -> None:
    content = b""
    unsettled = asides = damaged = 0
    waiting: dict[int, Checkpoint] = {}
    middle = 0
    for n, (operation, value) in enumerate(history):
        match operation:
            case "metrics":
                unsettled += 1
            case "sent":
                unsettled = 0
            case "aside":
                asides += 1
            case "checkpoint":
                waiting[value.number] = value
            case "end":
                waiting.pop(value[0], None)
                asides += value[1] == "status 422: no"
            case "damage":
                damaged += 1
        content += written(operation, value, len(content))
        middle = len(content) if n < cut else middle

    backlog = backlog_of(content)

    assert (waiting, asides, damaged) == (backlog.checkpoints, backlog.aside, backlog.damaged)
    assert len(content) == backlog.end
    assert (not unsettled and not waiting) == backlog.is_settled
    # A fold can be gone on with, from the byte where it stopped.
    again = backlog_of(content[:middle])
    again.fold(lines(content[again.end :], again.end))
    assert backlog == again


anything = st.none() | st.booleans() | small | st.sampled_from(["m", "sent", "c", "c-end", "aside", "run"]) | mappings


@given(st.lists(st.lists(anything, max_size=4), max_size=5))
def test_no_record_that_passes_its_checksum_breaks_the_fold(records: list[list[Any]]) -> None:
    backlog = Backlog()
    backlog.fold(Line(record, n) for n, record in enumerate(records))

    assert backlog.damaged <= len(records)
