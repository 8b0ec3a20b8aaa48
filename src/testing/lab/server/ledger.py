"""What a server of the lab has seen: every request, as it came over the wire.

The one rule: nobody asks again and again. Each change rings whoever waits, and who waits in vain is shown the ledger.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from enum import Enum
from typing import TypeVar

import attrs

from ..timeouts import HANG_TIMEOUT

T = TypeVar("T")


class End(str, Enum):
    """How a request ended, seen from the server."""

    ANSWERED = "answered"
    BROKEN = "broken by the script"
    LEFT = "the client left"
    LET_GO = "let go by the test"


def _names_only(headers: Mapping[str, str]) -> str:
    return f"<{', '.join(headers)}>"


@attrs.frozen(kw_only=True)
class Entry:
    """One request.

    ``connection`` counts from 1; ``announced`` and ``received`` are bytes of the body; ``script`` is what was played;
    ``status`` is what the client was told, as far as it was told anything; ``committed`` is whether the HUB behind took
    it, whatever the client heard of that; ``hangs`` says that the script has nothing more to say and waits for the
    client to go; ``end`` is ``None`` while the request is under way.
    """

    number: int
    connection: int
    kind: str
    method: str
    path: str
    headers: Mapping[str, str] = attrs.field(repr=_names_only)
    announced: int = 0
    received: int = 0
    script: object = None
    status: int | None = None
    committed: bool = False
    hangs: bool = False
    end: End | None = None

    @property
    def has_key(self) -> bool:
        """Whether a key or a token came along."""
        return bool({"x-api-key", "authorization"} & set(self.headers))

    def __str__(self) -> str:
        said = "nothing said" if self.status is None else f"status {self.status} said"
        taken = "committed" if self.committed else "not committed"
        end = "under way" if self.end is None else self.end.value
        return (
            f"#{self.number} on connection {self.connection}: {self.kind} {self.method} {self.path}, "
            f"{'with' if self.has_key else 'without'} a key, {self.received} of {self.announced} bytes, {self.script}: "
            f"{said}, {taken}, {end}"
        )


class Ledger:
    """The entries in the order in which their heads came: a sequence that grows."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._entries: list[Entry] = []

    @property
    def entries(self) -> tuple[Entry, ...]:
        """All of them, as of now."""
        with self._changed:
            return tuple(self._entries)

    def of(self, kind: str) -> list[Entry]:
        """Those of one kind: ``auth``, ``model``, ``metrics``, ``upload``, ``heartbeat``, ..."""
        return [entry for entry in self.entries if entry.kind == kind]

    def committed(self, kind: str) -> list[Entry]:
        """Those of one kind that the HUB behind took."""
        return [entry for entry in self.of(kind) if entry.committed]

    def hanging(self, kind: str | None = None, *, since: int = 0) -> list[Entry]:
        """Those, of one kind or all, whose clients wait for an answer that will not come; from number *since* on."""
        return [entry for entry in self.entries[since:] if entry.hangs and kind in {None, entry.kind}]

    def wait_for(self, condition: Callable[[], T], what: str = "what the test waits for") -> T:
        """Return what *condition* gives as soon as that is true; it is asked anew when the ledger has changed.

        Raises:
            AssertionError: with the whole ledger, when nothing of the kind happens for a minute.
        """
        with self._changed:
            found = self._changed.wait_for(condition, HANG_TIMEOUT)
            if not found:
                raise AssertionError(f"{what} did not happen within {HANG_TIMEOUT:g} s. The ledger:\n{self}")
            return found

    def wait_for_requests(self, kind: str, number: int = 1) -> list[Entry]:
        """Wait until *number* requests of *kind* have come, in all."""
        return self.wait_for(
            lambda: found if len(found := self.of(kind)) >= number else [], f"request {number} of kind {kind!r}"
        )

    def wait_for_hanging(self, kind: str | None = None, *, since: int = 0) -> list[Entry]:
        """Wait until a client waits in vain for the answer to a request of *kind*, or of any, from *since* on.

        Before its client is killed: what nobody has read by then is answered when all is well again.
        """
        return self.wait_for(lambda: self.hanging(kind, since=since), f"a request of kind {kind!r} that hangs")

    def begin(self, **fields: object) -> int:
        """A request has come; its number. For servers."""
        with self._changed:
            self._entries.append(Entry(number=len(self._entries), **fields))  # type: ignore[arg-type]
            self._changed.notify_all()
            return len(self._entries) - 1

    def note(self, number: int, **changes: object) -> None:
        """More is known of a request. For servers."""
        with self._changed:
            self._entries[number] = attrs.evolve(self._entries[number], **changes)  # type: ignore[arg-type]
            self._changed.notify_all()

    def __iter__(self) -> Iterator[Entry]:
        return iter(self.entries)

    def __len__(self) -> int:
        return len(self.entries)

    def __getitem__(self, number: int) -> Entry:
        return self.entries[number]

    def __str__(self) -> str:
        return "\n".join(map(str, self.entries)) or "(no request at all)"
