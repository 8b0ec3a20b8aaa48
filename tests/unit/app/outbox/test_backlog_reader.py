"""A reader, played against a HUB that replaces epochs whole: whatever happened before, what goes out for an epoch is
what the HUB holds of it and what was logged since. Rewriting the journal, or starting again from it, changes nothing.
"""

from __future__ import annotations

import errno
from collections.abc import Callable
from typing import Any, TypeAlias

import attrs
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from hubport.app.outbox.backlog_reader import _REMEMBERED, BacklogReader
from hubport.app.outbox.journal_reader import backlog_of
from hubport.domain.checkpoint import Checkpoint, CheckpointKind
from hubport.domain.client import journal
from hubport.domain.client.batch import Batch
from hubport.domain.client.journal import lines
from hubport.domain.metrics import EpochValues, merged
from hubport.testing import FakeOutbox
from hubport.testing.fakes.outbox import FakeSpool

MODEL = "Ab3Cd5Ef7Gh9Ij1Kl2Mn"
#: A first line that is long enough for what stays never to be most of what is settled.
ABOUT = {"model": MODEL, "root": "https://hub.example", "pid": 7, "padding": "x" * 5000}

Logged: TypeAlias = "tuple[int, EpochValues]"
Step: TypeAlias = "tuple[str, tuple[Any, ...]]"


class LateSpool(FakeSpool):
    """Lets the trainer say something in the last moment before a rewrite, after which nobody can."""

    was_rewritten = False

    def when_rewritten(self) -> None:
        pass

    def compact(self, make: Callable[[], bytes]) -> None:
        self.when_rewritten()
        super().compact(make)
        self.was_rewritten = True


class Run:
    """One run's journal, its reader, and what is true of both."""

    def __init__(self) -> None:
        self.outbox = FakeOutbox()
        self.spool = LateSpool(self.outbox, MODEL, "spool", "/spool")
        self.spool.append(journal.run_line(ABOUT))
        self.reader = BacklogReader(self.spool, limit=0)
        self.hub: dict[int, EpochValues] = {}
        self.waiting: list[Logged] = []
        self.refused: list[Logged] = []
        self.asides: list[tuple[int, str]] = []
        self.checkpoints: dict[int, Checkpoint] = {}
        self.refused_checkpoints: dict[int, str] = {}
        self.refusal = ""
        self.uploads = 0
        self.log(9, {})
        self.send("delivered", 1, [])

    def log(self, epoch: int, values: EpochValues) -> None:
        self.spool.append(journal.metrics_line(epoch, values))
        self.waiting.append((epoch, values))

    def send(self, verdict: str, most: int, meanwhile: list[Logged]) -> None:
        """What the errand does: a batch, its notes, and then go on; *meanwhile* the trainer logs."""
        batch = self.reader.batch(most=most)
        while batch.is_cut and not batch.records:
            batch = self.reader.batch(most=most)
        taken = self.taken(most)
        assert len(taken) == batch.records
        assert self.expected(taken) == batch.epochs
        for epoch, values in meanwhile:
            self.log(epoch, values)
        if batch.records and verdict != "again":
            self.settle(batch, taken, is_delivered=verdict == "delivered")

    def taken(self, most: int) -> list[Logged]:
        """The first that wait, up to *most* epochs."""
        epochs: set[int] = set()
        for number, (epoch, _) in enumerate(self.waiting):
            if len(epochs | {epoch}) > most:
                return self.waiting[:number]
            epochs.add(epoch)
        return list(self.waiting)

    def expected(self, taken: list[Logged]) -> dict[int, EpochValues]:
        wanted: dict[int, EpochValues] = {}
        for epoch, values in taken:
            wanted[epoch] = merged(wanted.get(epoch, self.hub.get(epoch)), values)
        return wanted

    def settle(self, batch: Batch, taken: list[Logged], *, is_delivered: bool) -> None:
        if is_delivered:
            self.hub |= batch.epochs
        else:
            self.refusal = f"status 422: no {len(self.asides)}"
            self.refused += taken
            for epoch in batch.epochs:
                self.spool.append(journal.rejected_line(epoch, self.refusal))
                self.asides.append((epoch, self.refusal))
        self.spool.append(journal.sent_line(batch.end))
        self.reader.settle(batch, delivered=is_delivered)
        self.waiting = self.waiting[len(taken) :]

    def upload(self, kind: CheckpointKind) -> None:
        number = self.uploads = self.uploads + 1
        checkpoint = Checkpoint(number, number, kind, f"/spool/{number}", 100 + number)
        self.spool.append(journal.checkpoint_line(checkpoint))
        self.checkpoints[number] = checkpoint

    def end_upload(self, which: int, how: str) -> None:
        if self.checkpoints:
            number = sorted(self.checkpoints)[which % len(self.checkpoints)]
            del self.checkpoints[number]
            self.spool.append(journal.checkpoint_end_line(number, how))
            if how.startswith("status"):
                self.refused_checkpoints[number] = self.refusal = how

    def crash(self) -> None:
        """Another process takes over."""
        self.reader = BacklogReader(self.spool, limit=0)
        self.spool.append(journal.run_line(ABOUT))

    def damage(self) -> None:
        self.spool.journal += b"half a li\n"

    def compact(self, meanwhile: list[Step]) -> None:
        """*meanwhile* the trainer goes on."""
        self.spool.was_rewritten = False
        self.spool.when_rewritten = lambda: self.play(meanwhile)  # type: ignore[method-assign]
        self.reader.compact()
        assert self.spool.was_rewritten

    def play(self, history: list[Step]) -> None:
        for name, arguments in history:
            getattr(self, name)(*arguments)

    def check(self) -> None:
        """What the journal says, to anybody who reads it from its start."""
        backlog = backlog_of(self.spool)
        assert len(self.waiting) == backlog.records
        assert self.checkpoints == backlog.checkpoints
        assert len(self.asides) + len(self.refused_checkpoints) == backlog.rejected
        assert self.refusal == backlog.refusal
        assert backlog.about == ABOUT
        assert attrs.evolve(backlog, damaged=0) == attrs.evolve(self.reader.refreshed(), damaged=0)
        said = [line.record for line in lines(bytes(self.spool.journal), 0) if line.record is not None]
        assert self.asides == [(record[1], record[2]) for record in said if record[0] == "aside"]
        assert [] == [one for one in self.refused if ["m", *one] not in said]
        offered = {record[1]["number"] for record in said if record[0] == "c"}
        assert self.refused_checkpoints.keys() | self.checkpoints.keys() <= offered

    def finish(self) -> None:
        """Everything that waits goes out, and the HUB holds what was logged."""
        wanted = self.hub | self.expected(self.waiting)
        for _ in range(len(self.waiting) + 1):
            self.send("delivered", 2, [])
        assert [] == self.waiting
        assert wanted == self.hub


epochs = st.integers(0, 3)
values = st.dictionaries(st.sampled_from("abc"), st.integers(0, 9), max_size=2) | st.sampled_from(['{"t": 1}', "{}"])
logged = st.tuples(epochs, values)
ends = st.sampled_from(["delivered", "superseded", "given up", "status 413: too large", "status 422: no"])
of_the_trainer = st.one_of(
    st.tuples(st.just("log"), logged),
    st.tuples(st.just("upload"), st.tuples(st.sampled_from(CheckpointKind))),
    st.tuples(st.just("end_upload"), st.tuples(st.integers(0, 3), ends)),
)
sends = st.tuples(
    st.just("send"),
    st.tuples(
        st.sampled_from(["delivered", "delivered", "refused", "again"]),
        st.integers(1, 5),
        st.lists(logged, max_size=2),
    ),
)
anything = st.one_of(
    of_the_trainer,
    of_the_trainer,
    sends,
    st.tuples(st.just("crash"), st.just(())),
    st.tuples(st.just("damage"), st.just(())),
    st.tuples(st.just("compact"), st.tuples(st.lists(of_the_trainer, max_size=3))),
)


def played(history: list[Step]) -> Run:
    run = Run()
    for step in history:
        run.play([step])
        run.check()
    return run


LOG_A: Step = ("log", (0, {"a": 1}))
LOG_B: Step = ("log", (0, {"b": 1}))
LOG_C: Step = ("log", (0, {"c": 1}))
DELIVERED: Step = ("send", ("delivered", 5, []))
REJECTED: Step = ("send", ("refused", 5, []))
CRASH: Step = ("crash", ())
REWRITE: Step = ("compact", ([],))


@settings(max_examples=150)
@given(st.lists(anything, max_size=25))
@example([LOG_A, DELIVERED, LOG_B, REJECTED, REWRITE])
@example([LOG_A, DELIVERED, LOG_B, REJECTED, CRASH, LOG_C, DELIVERED])
@example([LOG_A, ("send", ("refused", 5, [(0, {"b": 1})])), DELIVERED, CRASH, LOG_C, DELIVERED])
@example([LOG_A, DELIVERED, LOG_B, CRASH, REWRITE, DELIVERED])
@example([("upload", (CheckpointKind.EPOCH,)), ("end_upload", (0, "status 413: too large")), LOG_A, DELIVERED, REWRITE])
def test_whatever_happened_the_hub_ends_with_what_was_logged(history: list[Step]) -> None:
    played(history).finish()


@settings(max_examples=60)
@given(st.lists(anything, max_size=15), st.lists(of_the_trainer | sends, max_size=8))
def test_a_rewritten_journal_says_what_the_old_one_said(history: list[Step], future: list[Step]) -> None:
    """To the reader that wrote it, and to one that knows nothing else; whatever comes afterwards."""
    for then in ([], [CRASH]):
        run = played([*history, REWRITE, *then, *future])
        run.finish()


# When it is worth it


def is_worth(reader: BacklogReader) -> bool:
    """The same, as a question: a type checker takes an attribute for what it was a moment ago."""
    return reader.needs_compaction


def settled(spool: Any, reader: BacklogReader, epochs: range, text: str = "") -> None:
    for epoch in epochs:
        spool.append(journal.metrics_line(epoch, {"loss": 1.0, "text": text}))
    while (batch := reader.batch(most=500)).records:
        spool.append(journal.sent_line(batch.end))
        reader.settle(batch, delivered=True)


def test_a_journal_is_worth_rewriting_at_a_fourth_of_the_limit_and_then_at_twice_what_stayed() -> None:
    spool = FakeOutbox().open(MODEL)
    reader = BacklogReader(spool, limit=40_000)
    assert not is_worth(reader)
    while reader.cursor <= 10_000:
        assert not is_worth(reader)
        settled(spool, reader, range(3), "x" * 400)
    assert is_worth(reader)
    before = spool.size

    reader.compact()

    assert spool.size < before / 4
    assert not is_worth(reader)
    while reader.cursor <= 10_000:
        assert not is_worth(reader)
        settled(spool, reader, range(3), "x" * 400)
    assert is_worth(reader)


def test_without_a_limit_a_journal_grows_to_16_mebibytes_first() -> None:
    spool = FakeOutbox().open(MODEL)
    reader = BacklogReader(spool)
    settled(spool, reader, range(3), "x" * 5_590_000)
    assert reader.cursor < 1 << 24
    assert not is_worth(reader)
    settled(spool, reader, range(3), "x" * 5_590_000)
    assert reader.cursor > 1 << 24
    assert is_worth(reader)
    reader.compact()
    assert spool.size < 17_000_000


def test_where_most_of_it_would_stay_it_is_left_until_twice_as_much_is_settled() -> None:
    spool = FakeOutbox().open(MODEL)
    reader = BacklogReader(spool, limit=16_000)
    settled(spool, reader, range(100))
    before = bytes(spool.journal)
    assert is_worth(reader)

    reader.compact()

    assert before == bytes(spool.journal)
    assert not is_worth(reader)
    cursor = reader.cursor
    while reader.cursor <= 2 * cursor:
        assert not is_worth(reader)
        settled(spool, reader, range(100))
    assert is_worth(reader)


def test_no_room_for_a_new_one_leaves_the_old_one_and_the_reader_as_they_were() -> None:
    outbox = FakeOutbox()
    spool = outbox.open(MODEL)
    reader = BacklogReader(spool, limit=0)
    for _ in range(5):
        settled(spool, reader, range(20))
    spool.append(journal.metrics_line(3, {"more": 1}))
    before = bytes(spool.journal)
    outbox.capacity = 100

    with pytest.raises(OSError, match="no space") as caught:
        reader.compact()

    assert errno.ENOSPC == caught.value.errno
    assert before == bytes(spool.journal)
    assert not is_worth(reader)  # not at once again: it costs a reading of the whole
    assert {3: {"loss": 1.0, "text": "", "more": 1}} == reader.batch(most=5).epochs


def test_of_more_epochs_than_are_remembered_the_newest_stay() -> None:
    spool = FakeOutbox().open(MODEL)
    reader = BacklogReader(spool, limit=0)
    many = _REMEMBERED + 1000
    settled(spool, reader, range(many))
    settled(spool, reader, range(1000, many))
    before = spool.size

    reader.compact()

    assert spool.size < before
    for again in (reader, BacklogReader(spool)):
        spool.append(journal.metrics_line(1000, {"more": 1}))
        spool.append(journal.metrics_line(many - 1, {"more": 1}))
        whole = {"loss": 1.0, "text": "", "more": 1}
        assert {1000: whole, many - 1: whole} == again.batch(most=5).epochs
