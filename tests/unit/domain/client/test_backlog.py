from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hubport.domain.checkpoint import Checkpoint, CheckpointKind
from hubport.domain.client import journal
from hubport.domain.client.backlog import Backlog, is_refusal
from hubport.domain.client.journal import Line, encoded, lines
from tests.unit.domain.strategies import checkpoints, mappings

CHECKPOINT = Checkpoint(number=1, epoch=12, kind=CheckpointKind.EPOCH, path="/spool/1.pt", size=3)


def backlog_of(content: bytes) -> Backlog:
    backlog = Backlog()
    backlog.apply_all(lines(content, 0))
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


def test_records_are_counted_until_the_cursor_has_passed_their_end() -> None:
    ends: list[int] = []
    content = b""
    for epoch in range(5):
        content += journal.metrics_line(epoch, {"loss": 0.5})
        ends.append(len(content))

    assert 5 == backlog_of(content).records
    for number, end in enumerate(ends):
        assert 5 - number == backlog_of(content + journal.sent_line(end - 1)).records
        assert 4 - number == backlog_of(content + journal.sent_line(end)).records


def test_the_newest_settled_epoch_is_the_largest_of_those_before_the_cursor() -> None:
    assert -1 == backlog_of(journal.metrics_line(5, {})).newest_settled
    content = b"".join(journal.metrics_line(epoch, {}) for epoch in (3, 9, 4))
    end = len(content)
    content += journal.metrics_line(50, {}) + journal.sent_line(end)

    assert 9 == backlog_of(content).newest_settled
    assert 50 == backlog_of(content + journal.sent_line(len(content))).newest_settled


def test_an_epoch_that_no_database_holds_breaks_nothing() -> None:
    """Nobody writes one; a journal that was edited by hand is still a journal."""
    content = encoded(["m", 10**30, {}])

    assert 1 == backlog_of(content).records
    assert 2**63 - 1 == backlog_of(content + journal.sent_line(len(content))).newest_settled


def test_why_something_waits_is_what_the_run_said_at_its_end() -> None:
    run, end = journal.run_line({"pid": 1}), journal.end_line("no answer")

    assert backlog_of(run).ended is None
    assert "no answer" == backlog_of(run + end).ended
    assert "" == backlog_of(run + end + journal.end_line("")).ended
    # Another process has it now, and may be killed in its turn.
    assert backlog_of(run + end + run).ended is None


def test_of_several_refusals_the_last_one_is_told() -> None:
    content = journal.rejected_line(3, "status 422: no")
    assert (1, "status 422: no") == (backlog_of(content).rejected, backlog_of(content).refusal)

    content += journal.checkpoint_line(CHECKPOINT) + journal.checkpoint_end_line(1, "status 413: too large")
    assert (2, "status 413: too large") == (backlog_of(content).rejected, backlog_of(content).refusal)

    content += journal.checkpoint_end_line(2, "delivered")
    assert (2, "status 413: too large") == (backlog_of(content).rejected, backlog_of(content).refusal)


@pytest.mark.parametrize("how", ["delivered", "superseded", "given up", "status 422: no", ""])
def test_a_checkpoint_waits_until_it_is_settled(how: str) -> None:
    content = journal.checkpoint_line(CHECKPOINT)
    assert {1: CHECKPOINT} == backlog_of(content).checkpoints
    assert not backlog_of(content).is_settled

    settled = backlog_of(content + journal.checkpoint_end_line(1, how))
    assert settled.is_settled
    assert (how not in {"delivered", "superseded", "given up"}) == settled.rejected == is_refusal(how)


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
        ["end", 5],
        ["end", "no answer", "more"],
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
        st.tuples(st.just("end"), st.tuples(small, st.sampled_from(["delivered", "superseded", "given up", "no"]))),
        st.tuples(st.just("run"), st.dictionaries(st.just("pid"), small)),
        st.tuples(st.just("the end"), st.sampled_from(["no answer", "status 503"])),
        st.tuples(st.just("damage"), st.none()),
    ),
    max_size=20,
)


def written(operation: str, value: Any, so_far: int) -> bytes:  # noqa: PLR0911 - a line for each of them
    match operation:
        case "metrics":
            return journal.metrics_line(value, {"loss": 0.5})
        case "sent":
            return journal.sent_line(so_far)
        case "aside":
            return journal.rejected_line(value, "status 422: no")
        case "checkpoint":
            return journal.checkpoint_line(value)
        case "end":
            return journal.checkpoint_end_line(*value)
        case "run":
            return journal.run_line(value)
        case "the end":
            return journal.end_line(value)
    return b"half a line\n"


@given(operations, st.integers(0, 20))
def test_the_fold_is_what_happened(history: list[tuple[str, Any]], cut: int) -> None:
    content = b""
    unsettled: list[int] = []
    newest, refusals, damaged, middle = -1, list[str](), 0, 0
    waiting: dict[int, Checkpoint] = {}
    about: dict[str, int] = {}
    ended: str | None = None
    for n, (operation, value) in enumerate(history):
        match operation:
            case "metrics":
                unsettled.append(value)
            case "sent":
                newest = max([newest, *unsettled])
                unsettled = []
            case "aside":
                refusals.append("status 422: no")
            case "checkpoint":
                waiting[value.number] = value
            case "end":
                waiting.pop(value[0], None)
                refusals += [value[1]] if value[1] == "no" else []
            case "run":
                about, ended = value, None
            case "the end":
                ended = value
            case "damage":
                damaged += 1
        content += written(operation, value, len(content))
        middle = len(content) if n < cut else middle

    backlog = backlog_of(content)

    assert (waiting, len(refusals), damaged) == (backlog.checkpoints, backlog.rejected, backlog.damaged)
    assert (refusals or [""])[-1] == backlog.refusal
    assert (len(unsettled), newest) == (backlog.records, backlog.newest_settled)
    assert (about, ended) == (backlog.about, backlog.ended)
    assert len(content) == backlog.end
    assert (not unsettled and not waiting) == backlog.is_settled
    # A fold can be gone on with, from the byte where it stopped.
    again = backlog_of(content[:middle])
    again.apply_all(lines(content[again.end :], again.end))
    assert backlog == again


KINDS = ["m", "sent", "c", "c-end", "aside", "run", "end"]
anything = st.none() | st.booleans() | small | st.sampled_from(KINDS) | mappings


@given(st.lists(st.lists(anything, max_size=4), max_size=5))
def test_no_record_that_passes_its_checksum_breaks_the_fold(records: list[list[Any]]) -> None:
    backlog = Backlog()
    backlog.apply_all(Line(record, n) for n, record in enumerate(records))

    assert backlog.damaged <= len(records)
