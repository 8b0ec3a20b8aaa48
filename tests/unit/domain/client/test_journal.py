import json
from typing import Any
from zlib import crc32

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from hubport.domain.checkpoint import Checkpoint
from hubport.domain.client.journal import (
    Line,
    checkpoint_end_line,
    checkpoint_line,
    encoded,
    end_line,
    lines,
    metrics_line,
    rejected_line,
    run_line,
    sent_line,
)
from hubport.domain.metrics import EpochValues
from tests.unit.domain.strategies import checkpoints, epoch_values, few, mappings, scalars, strict_json

json_values: st.SearchStrategy[Any] = scalars | mappings | st.lists(scalars, max_size=2)
records = st.lists(json_values, min_size=1, max_size=4)
journals = st.lists(records, min_size=1, max_size=6)


def read(chunk: bytes, start: int = 0) -> list[list[Any] | None]:
    return [line.record for line in lines(chunk, start)]


# One line


@given(records)
@example([""])
@example(["\n\r\u2028\0\ud800"])
def test_a_line_gives_back_its_record(record: list[Any]) -> None:
    line = encoded(record)

    assert [Line(record, len(line))] == list(lines(line, 0))


@given(records)
def test_a_line_is_its_checksum_its_json_and_its_only_line_feed(record: list[Any]) -> None:
    line = encoded(record)
    digits, blank, payload = line.removesuffix(b"\n").partition(b" ")

    assert record == strict_json(payload)
    assert b"%08x" % crc32(payload) == digits
    assert b" " == blank
    assert 1 == line.count(b"\n")
    assert line.isascii()


@given(st.integers(0, 10**9), epoch_values)
def test_metrics_are_written_with_their_epoch(epoch: int, values: EpochValues) -> None:
    assert [["m", epoch, values]] == read(metrics_line(epoch, values))


@given(checkpoints)
def test_a_checkpoint_is_written_whole(checkpoint: Checkpoint) -> None:
    ((kind, data),) = [record for record in read(checkpoint_line(checkpoint)) if record is not None]

    assert "c" == kind
    assert checkpoint == Checkpoint.from_json(data)


def test_the_other_lines_are_these() -> None:
    assert [["run", {"model": "x"}]] == read(run_line({"model": "x"}))
    assert [["sent", 512]] == read(sent_line(512))
    assert [["aside", 3, "status 422: no"]] == read(rejected_line(3, "status 422: no"))
    assert [["c-end", 7, "delivered"]] == read(checkpoint_end_line(7, "delivered"))
    assert [["end", "no answer"]] == read(end_line("no answer"))


# Many lines


@few
@given(journals, st.integers(0, 10**12))
def test_the_lines_are_read_in_their_order_and_know_where_they_end(journal: list[list[Any]], start: int) -> None:
    written = [encoded(record) for record in journal]
    ends = [start + sum(map(len, written[: n + 1])) for n in range(len(written))]

    assert [Line(r, e) for r, e in zip(journal, ends, strict=True)] == list(lines(b"".join(written), start))


@few
@given(journals, st.data())
def test_a_torn_tail_is_left_for_later(journal: list[list[Any]], data: st.DataObject) -> None:
    *whole, last = [encoded(record) for record in journal]
    torn = last[: data.draw(st.integers(0, len(last) - 1))]

    assert journal[:-1] == read(b"".join(whole) + torn)


@few
@given(journals, st.data())
def test_a_journal_read_in_pieces_is_the_same_journal(journal: list[list[Any]], data: st.DataObject) -> None:
    """Each piece is read from the end of the last line before, as a reader in chunks does."""
    content = b"".join(encoded(record) for record in journal)
    found: list[Line] = []
    position = 0
    for cut in [*sorted(data.draw(st.lists(st.integers(0, len(content)), max_size=5))), len(content)]:
        found += lines(content[position:cut], position)
        position = found[-1].end if found else 0

    assert list(lines(content, 0)) == found


@few
@given(journals, records, st.data())
def test_after_a_torn_line_that_was_ended_the_rest_is_read(
    journal: list[list[Any]], torn: list[Any], data: st.DataObject
) -> None:
    half = encoded(torn)[:-1]
    half = half[: data.draw(st.integers(1, len(half) - 1))]
    whole = [encoded(record) for record in journal]
    place = data.draw(st.integers(0, len(whole)))
    content = b"".join([*whole[:place], half, b"\n", *whole[place:]])

    assert [*journal[:place], None, *journal[place:]] == read(content)


# Damage

SIX = [["m", epoch, {"loss": epoch / 7, "note": "é"}] for epoch in range(5)] + [["sent", 0]]
SIX_LINES = [encoded(record) for record in SIX]
CONTENT = b"".join(SIX_LINES)
FEEDS = [sum(map(len, SIX_LINES[: n + 1])) - 1 for n in range(6)]


def flipped(at: int, by: int) -> bytes:
    return CONTENT[:at] + bytes([CONTENT[at] ^ by]) + CONTENT[at + 1 :]


@pytest.mark.parametrize("bit", range(8))
def test_any_flipped_bit_within_a_line_costs_that_line_alone(bit: int) -> None:
    for at in range(len(CONTENT)):
        if at in FEEDS:
            continue
        damaged = sum(feed < at for feed in FEEDS)
        expected = [record for n, record in enumerate(SIX) if n != damaged]
        found = read(flipped(at, 1 << bit))

        assert expected == [record for record in found if record is not None]
        assert None in found


@given(st.sampled_from(sorted(set(range(len(CONTENT))) - set(FEEDS))), st.integers(1, 255))
def test_any_other_byte_within_a_line_costs_that_line_alone(at: int, by: int) -> None:
    damaged = sum(feed < at for feed in FEEDS)
    found = read(flipped(at, by))

    assert [record for n, record in enumerate(SIX) if n != damaged] == [
        record for record in found if record is not None
    ]
    assert None in found


@pytest.mark.parametrize("by", [1, 2, 10, 128, 255])
@pytest.mark.parametrize("n", range(6))
def test_a_damaged_line_feed_never_makes_another_record_and_costs_no_third_line(n: int, by: int) -> None:
    found = [record for record in read(flipped(FEEDS[n], by)) if record is not None]

    assert SIX[:n] + SIX[n + 2 :] == [record for record in found if record not in SIX[n : n + 2]]


@pytest.mark.parametrize("n", range(5))
def test_a_damaged_line_feed_costs_its_own_line_and_not_the_next(n: int) -> None:
    """The module's rule: a flipped byte costs that line, is counted, and the rest is read."""
    expected = [Line(record, feed + 1) for record, feed in zip(SIX, FEEDS, strict=True)]
    expected[n] = Line(None, FEEDS[n] + 1)

    assert expected == list(lines(flipped(FEEDS[n], 1), 0))
    assert [Line(line.record, line.end + 1000) for line in expected] == list(lines(flipped(FEEDS[n], 1), 1000))


def test_a_text_that_looks_like_a_line_does_not_hide_the_line_behind_it() -> None:
    first, second = encoded(["m", 1, {"note": "deadbeef [0] 00000000 [1, 2]"}]), encoded(["sent", 0])
    joined = first[:-1] + b"?" + second

    assert [Line(None, len(first)), Line(["sent", 0], len(joined))] == list(lines(joined, 0))


@given(st.binary())
@example(b"\n\n\n")
@example(b"00000000 \n")
@example(b"00000000\n")
@example(b"%08x []\n" % crc32(b"[]"))
@example(b"%08x {}\n" % crc32(b"{}"))
@example(b"%08x [\n" % crc32(b"["))
@example(b"%08X [1,2,4]\n" % crc32(b"[1,2,4]"))
@example(b"%08x  [1]\n" % crc32(b"[1]"))
@example(b"%08x [1]\r\n" % crc32(b"[1]"))
def test_what_nobody_has_written_is_no_record(content: bytes) -> None:
    assert [] == [record for record in read(content) if record is not None]


@given(st.binary(), st.integers(0, 100))
def test_every_line_with_something_on_it_is_seen(content: bytes, start: int) -> None:
    found = list(lines(content, start))

    assert len([text for text in content.split(b"\n")[:-1] if text]) == len(found)
    assert all(start < line.end <= start + len(content) for line in found)
    assert sorted({line.end for line in found}) == [line.end for line in found]


@given(st.binary(), records)
def test_a_record_behind_any_rubbish_is_found_again(rubbish: bytes, record: list[Any]) -> None:
    assert record == read(rubbish + b"\n" + encoded(record))[-1]


def test_a_record_is_a_list_with_something_in_it() -> None:
    values: list[Any] = [[], {}, "m", 5, None, {"m": 1}]
    for value in values:
        payload = json.dumps(value).encode()

        assert [None] == read(b"%08x %b\n" % (crc32(payload), payload))


# The outline

written = st.one_of(
    st.builds(metrics_line, st.integers(0, 2**63 - 1), epoch_values),
    st.builds(metrics_line, st.integers(0, 9), st.sampled_from(['"m", 1, {', "]", '\n["m", 1, {}]'])),
    st.builds(encoded, records),
    st.builds(checkpoint_line, checkpoints),
    st.builds(sent_line, st.integers(0, 10**6)),
    st.builds(rejected_line, st.integers(0, 9), st.text(max_size=5)),
    st.builds(encoded, st.sampled_from([["m"], ["m", 1], ["m", "1", {}], ["m", -1, {}], ["m", 1.0, {}], ["m", 1, 5]])),
    st.binary(max_size=10).map(lambda rubbish: rubbish + b"\n"),
)
flips = st.lists(st.tuples(st.integers(0, 10**6), st.integers(1, 255)), max_size=4)


@given(st.lists(written, max_size=8), flips, st.integers(0, 30), st.integers(0, 10**12))
def test_an_outline_is_the_same_lines_whatever_their_values(
    journal: list[bytes], flips: list[tuple[int, int]], torn: int, start: int
) -> None:
    """Whole, torn or flipped: the same ends, the same kinds, the same epochs, and the same damage."""
    content = bytearray(b"".join(journal))
    for at, by in flips if content else []:
        content[at % len(content)] ^= by
    chunk = bytes(content[: max(len(content) - torn, 0)])

    found = list(lines(chunk, start, outline=True))

    assert [line.end for line in lines(chunk, start)] == [line.end for line in found]
    assert [outlined(line.record) for line in lines(chunk, start)] == [outlined(line.record) for line in found]


def outlined(record: list[Any] | None) -> list[Any] | None:
    match record:
        case ["m", int(epoch), dict() | str()] if epoch >= 0:
            return ["m", epoch, {}]
    return record


@pytest.mark.parametrize("bit", range(8))
def test_an_outline_loses_a_damaged_line_and_no_other(bit: int) -> None:
    for at in range(len(CONTENT)):
        content = flipped(at, 1 << bit)
        found = [(outlined(line.record), line.end) for line in lines(content, 0, outline=True)]

        assert [(outlined(line.record), line.end) for line in lines(content, 0)] == found


def test_an_outline_has_no_values() -> None:
    content = metrics_line(3, {"loss": 0.5}) + metrics_line(4, '{"loss": 0.5}') + sent_line(7)

    assert [["m", 3, {}], ["m", 4, {}], ["sent", 7]] == [line.record for line in lines(content, 0, outline=True)]
