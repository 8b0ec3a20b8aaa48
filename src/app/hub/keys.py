"""Who may use a HUB: keys made, listed and revoked, and the key of a request recognised.

The one rule: a key is shown to whoever made it and to nobody else. What is kept of it, here too, is its hash.
"""

from __future__ import annotations

import secrets
import threading
from collections.abc import Mapping

import attrs

from ...domain.errors import CallerError
from ...domain.hub.api_key import ApiKey, key_id
from ...domain.hub.ports.store import Repository
from ...domain.ports.clock import Clock
from ..command_name import command
from .key_usage import KeyUsageRecorder

#: Seconds for which a key that was good is taken as good without asking the store.
TRUSTED_FOR = 2.0
_DIGITS = 42
_PAGE = 100
_MOST_HELD = 1000
_SCHEME = "bearer"


class NoSuchKey(CallerError, LookupError):
    """There is no key of this ID."""

    def __init__(self, wanted: str) -> None:
        super().__init__(wanted)
        self.wanted = wanted

    def __str__(self) -> str:
        return f"there is no key {self.wanted[:40]!r} in this HUB: `{command('keys list')}` shows the IDs of all"


class KeyAdmin:
    """The keys of a HUB, as whoever runs it sees them."""

    def __init__(self, repository: Repository[ApiKey], clock: Clock) -> None:
        self._repository = repository
        self._clock = clock

    def create(self, name: str) -> tuple[ApiKey, str]:
        """A new key called *name*: what is kept of it, and the key itself, which cannot be had again."""
        secret = secrets.token_hex(_DIGITS // 2)
        key = ApiKey.of(secret, name=name, created=self._clock.wall())
        self._repository.save(key)
        return key, secret

    def all(self) -> list[ApiKey]:
        """Those that are good, newest first, and then those that were revoked."""
        return [*self._listed(is_trashed=False), *self._listed(is_trashed=True)]

    def has_any(self, *, is_trashed: bool) -> bool:
        """Whether there is one that is good, or was revoked."""
        return self._repository.page(limit=1, is_trashed=is_trashed).total > 0

    def revoke(self, wanted: str) -> ApiKey:
        """The key with this ID is good no more; again, where it was revoked before.

        Raises:
            NoSuchKey: when there is none.
        """
        try:
            return self._repository.update(wanted, _revoked)
        except KeyError:
            raise NoSuchKey(wanted) from None

    def _listed(self, *, is_trashed: bool) -> list[ApiKey]:
        page = self._repository.page(limit=_PAGE, is_trashed=is_trashed)
        found = list(page.items)
        while page.cursor is not None:
            page = self._repository.page(limit=_PAGE, cursor=page.cursor, is_trashed=is_trashed)
            found += page.items
        return found


class KeyAuthenticator:
    """Recognises the key of a request; threads may share it. *uses* is told of each that is good."""

    def __init__(self, repository: Repository[ApiKey], clock: Clock, uses: KeyUsageRecorder) -> None:
        self._repository = repository
        self._clock = clock
        self._uses = uses
        self._lock = threading.Lock()
        # By ID, in the order of use: the key as it was, and until when that counts.
        self._held: dict[str, tuple[ApiKey, float]] = {}

    def user(self, headers: Mapping[str, str]) -> str | None:
        """The ID of the key in *headers* (by lower-case name), when it is one of this HUB's; ``None`` otherwise."""
        secret = _secret(headers)
        if secret is None:
            return None
        where, now = key_id(secret), self._clock.now()
        with self._lock:
            key, until = self._held.pop(where, (None, 0.0))
            if key is not None and now < until:
                self._held[where] = (key, until)
            else:
                key = None
        if key is None:
            # Only good keys are held: a flood of wrong ones pushes none of them out, and a new key is good at once.
            key = self._repository.get(where)
            if key is None or not key.is_of(secret):
                return None
            with self._lock:
                self._held[where] = (key, now + TRUSTED_FOR)
                if len(self._held) > _MOST_HELD:
                    del self._held[next(iter(self._held))]
        elif not key.is_of(secret):  # another key whose hash begins alike
            return None
        self._uses.note(key)
        return key.id


def _secret(headers: Mapping[str, str]) -> str | None:
    key = headers.get("x-api-key", "").strip()
    if key:
        return key
    scheme, _, token = headers.get("authorization", "").strip().partition(" ")
    return token.strip() or None if scheme.lower() == _SCHEME else None


def _revoked(key: ApiKey) -> ApiKey:
    return attrs.evolve(key, is_trashed=True)
