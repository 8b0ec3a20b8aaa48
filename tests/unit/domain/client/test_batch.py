from __future__ import annotations

from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hubport.domain.client import journal
from hubport.domain.client.batch import Batch
from hubport.domain.client.journal import lines
from hubport.domain.metrics import EpochValues, merged
from tests.unit.domain.strategies import epoch_values

logged = st.lists(st.tuples(st.integers(0, 4), epoch_values), max_size=10)


def nothing_known(_: int) -> EpochValues | None:
    return None


def written(calls: Iterable[tuple[int, EpochValues]]) -> bytes:
    return b"".join(journal.metrics_line(epoch, values) for epoch, values in calls)


def taken(content: bytes, *, most: int = 500, start: int = 0) -> Batch:
    batch = Batch(start)
    batch.take(lines(content[start:], start), most=most, known=nothing_known)
    return batch


def whole(calls: Iterable[tuple[int, EpochValues]]) -> dict[int, EpochValues]:
    """What a HUB should hold after *calls*."""
    epochs: dict[int, EpochValues] = {}
    for epoch, values in calls:
        epochs[epoch] = merged(epochs.get(epoch), values)
    return epochs


def test_nothing_makes_an_empty_batch() -> None:
    assert Batch(7) == taken(b"x" * 7, start=7)


def test_several_calls_for_one_epoch_are_one_epoch() -> None:
    content = written([(1, {"a": 1.0, "b": 1.0}), (1, {"b": 2.0})])

    assert Batch(len(content), {1: {"a": 1.0, "b": 2.0}}, records=2) == taken(content)


def test_text_replaces_what_was_logged_before() -> None:
    assert {1: '{"b": 2}'} == taken(written([(1, {"a": 1.0}), (1, '{"b": 2}')])).epochs
    assert {1: {"c": 3.0}} == taken(written([(1, '{"b": 2}'), (1, {"c": 3.0})])).epochs


def test_what_was_delivered_before_is_sent_again_with_what_is_new() -> None:
    batch = Batch(0)
    content = written([(1, {"b": 2.0}), (2, {"c": 3.0}), (1, {"a": 9.0})])
    delivered: dict[int, EpochValues] = {1: {"a": 1.0, "z": 0.0}}
    batch.take(lines(content, 0), most=500, known=delivered.get)

    assert {1: {"a": 9.0, "z": 0.0, "b": 2.0}, 2: {"c": 3.0}} == batch.epochs
    assert {1: {"a": 1.0, "z": 0.0}} == delivered


def test_what_was_delivered_is_asked_for_once_for_each_epoch() -> None:
    asked: list[int] = []

    def known(epoch: int) -> EpochValues | None:
        asked.append(epoch)
        return None

    Batch(0).take(lines(written([(1, {}), (2, {}), (1, {}), (2, "{}")]), 0), most=500, known=known)

    assert [1, 2] == asked


@pytest.mark.parametrize("most", [1, 2, 3])
def test_a_batch_is_cut_before_the_first_epoch_too_many(most: int) -> None:
    calls: list[tuple[int, EpochValues]] = [(epoch, {"a": float(epoch)}) for epoch in range(4)]
    batch = taken(written(calls), most=most)

    assert dict(calls[:most]) == batch.epochs
    assert len(written(calls[:most])) == batch.end
    assert batch.is_cut


def test_a_batch_that_is_just_full_is_not_cut() -> None:
    content = written([(0, {}), (1, {}), (0, {"a": 1.0})])
    batch = taken(content, most=2)

    assert (len(content), 3, False) == (batch.end, batch.records, batch.is_cut)


def test_lines_about_something_else_and_damaged_ones_are_passed_over() -> None:
    content = (
        journal.run_line({})
        + b"rubbish\n"
        + journal.metrics_line(3, {"a": 1.0})
        + journal.sent_line(5)
        + journal.rejected_line(3, "no")
        + journal.checkpoint_end_line(1, "delivered")
    )

    assert Batch(len(content), {3: {"a": 1.0}}, records=1) == taken(content)


@given(logged, st.integers(1, 6))
def test_batch_by_batch_the_hub_ends_up_with_all_that_was_logged(
    calls: list[tuple[int, EpochValues]], most: int
) -> None:
    content = written(calls)
    hub: dict[int, EpochValues] = {}
    position = records = 0
    while True:
        batch = Batch(position)
        batch.take(lines(content[position:], position), most=most, known=hub.get)
        assert len(batch.epochs) <= most
        assert batch.end > position or not batch.records
        hub |= batch.epochs
        position, records = batch.end, records + batch.records
        if not batch.is_cut:
            break

    assert whole(calls) == hub
    assert (len(content), len(calls)) == (position, records)


@given(logged, st.data())
def test_a_batch_can_take_a_journal_in_pieces(calls: list[tuple[int, EpochValues]], data: st.DataObject) -> None:
    content = written(calls)
    cut = data.draw(st.integers(0, len(content)))
    batch = Batch(0)
    batch.take(lines(content[:cut], 0), most=500, known=nothing_known)
    batch.take(lines(content[batch.end :], batch.end), most=500, known=nothing_known)

    assert taken(content) == batch
