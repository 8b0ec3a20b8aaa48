"""The lab's ledger: a sequence that grows, and that can be waited on."""

import threading

import pytest

from hubport.testing.contracts.waiting import BackgroundThread
from hubport.testing.lab import Answer, End, Ledger, Reset
from hubport.testing.lab.server import ledger


def begun(book: Ledger, kind: str = "metrics", **more: object) -> int:
    fields: dict[str, object] = {"connection": 1, "kind": kind, "method": "POST", "path": "/v1/x", "headers": {}}
    return book.begin(**fields | more)


def test_entries_are_numbered_in_their_order() -> None:
    book = Ledger()

    assert [0, 1, 2] == [begun(book) for _ in range(3)]
    assert [0, 1, 2] == [entry.number for entry in book]
    assert (3, 2) == (len(book), book[-1].number)


def test_an_entry_of_before_does_not_change() -> None:
    book = Ledger()
    number = begun(book)
    before = book[number]
    book.note(number, received=7, end=End.ANSWERED)

    assert (0, None) == (before.received, before.end)
    assert (7, End.ANSWERED) == (book[number].received, book[number].end)


def test_entries_are_found_by_kind_and_by_what_became_of_them() -> None:
    book = Ledger()
    begun(book, "auth")
    book.note(begun(book), committed=True)
    book.note(begun(book), hangs=True)

    assert [1, 2] == [entry.number for entry in book.of("metrics")]
    assert [1] == [entry.number for entry in book.committed("metrics")]
    assert [2] == [entry.number for entry in book.hanging("metrics")]
    assert [2] == [entry.number for entry in book.hanging()]
    assert [] == book.hanging("auth")
    assert [2] == [entry.number for entry in book.wait_for_hanging("metrics", since=2)]
    assert [] == book.hanging(since=3)


def test_what_another_thread_notes_is_waited_for() -> None:
    book = Ledger()
    looking = threading.Event()

    def look() -> list[object]:
        looking.set()
        return [*book.committed("metrics")]

    waiting = BackgroundThread(lambda: book.wait_for(look))
    looking.wait()
    book.note(begun(book), committed=True)

    waiting.join()


def test_what_is_waited_for_is_given_back() -> None:
    book = Ledger()
    begun(book, "auth")
    begun(book, "upload")

    assert [1] == [entry.number for entry in book.wait_for_requests("upload")]


def test_who_waits_in_vain_is_shown_the_ledger(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ledger, "HANG_TIMEOUT", 0.01)
    book = Ledger()
    begun(book, "upload", script=Reset(after=7), announced=100)

    with pytest.raises(AssertionError) as caught:
        book.wait_for(lambda: book.committed("upload"), "an upload that arrives")

    assert (
        "an upload that arrives did not happen within 0.01 s. The ledger:\n"
        "#0 on connection 1: upload POST /v1/x, without a key, 0 of 100 bytes, Reset(after=7): "
        "nothing said, not committed, under way"
    ) == str(caught.value)


def test_an_empty_ledger_says_so() -> None:
    assert "(no request at all)" == str(Ledger())


@pytest.mark.parametrize("name", ["x-api-key", "authorization"])
def test_a_key_is_seen_and_not_shown(name: str) -> None:
    book = Ledger()
    begun(book, headers={"host": "x", name: "a-secret"}, script=Answer())

    assert book[0].has_key
    assert "a-secret" == book[0].headers[name]
    assert "a-secret" not in repr(book[0])
    assert "a-secret" not in str(book)
    assert "with a key" in str(book)


def test_without_a_key_that_is_seen_too() -> None:
    book = Ledger()
    begun(book, headers={"host": "x"})

    assert not book[0].has_key
