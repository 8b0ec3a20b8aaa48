from __future__ import annotations

import io
import sys

import pytest

from hubport.app.progress import Bar, CountedReader, Progress, Silence, progress


class Counter(Progress):
    def __init__(self) -> None:
        self.seen: list[int] = []

    def begin(self, total: int) -> None:
        self.seen = [total]

    def advance(self, number: int) -> None:
        self.seen.append(number)

    def end(self) -> None:
        pass


def test_a_reader_tells_each_piece_and_asks_for_the_time_first() -> None:
    counter, asked = Counter(), []
    with CountedReader(io.BytesIO(b"0123456789"), counter, lambda: asked.append(1)) as reader:
        assert [b"0123", b"4567", b"89", b""] == [reader.read(4) for _ in range(4)]
    assert ([4, 4, 2, 0], 4) == (counter.seen, len(asked))


def test_a_reader_without_time_reads_nothing() -> None:
    def over() -> None:
        raise TimeoutError

    counter = Counter()
    with pytest.raises(TimeoutError):
        CountedReader(io.BytesIO(b"0123"), counter, over).read(4)
    assert [] == counter.seen


@pytest.mark.parametrize(
    ("wanted", "notebook", "kind"),
    [(True, False, Bar), (False, True, Silence), (None, False, Silence), (None, True, Bar)],
)
def test_who_sees_a_bar(wanted: bool | None, notebook: bool, kind: type, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: FBT001
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    if notebook:
        monkeypatch.setitem(sys.modules, "ipykernel", sys)
    assert kind is type(progress("title", wanted=wanted))


def test_no_stderr_at_all_is_no_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", None)
    assert Silence is type(progress("title", wanted=None))


def test_a_bar_that_never_began_ends_quietly() -> None:
    bar = Bar("title")
    bar.advance(1)
    bar.end()
