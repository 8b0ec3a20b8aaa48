"""Keys of a HUB: shown once, kept as a hash, recognised by header, and good no more soon after they are revoked."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import attrs
import pytest

from hubport.app.hub.key_usage import EVERY, KeyUsageRecorder
from hubport.app.hub.keys import TRUSTED_FOR, KeyAdmin, KeyAuthenticator, NoSuchKey
from hubport.domain.errors import StoreUnusable
from hubport.domain.hub.api_key import ApiKey
from hubport.domain.hub.ports.store import Page, Repository
from hubport.testing import FakeClock
from hubport.testing.fakes.hub_store import FakeHubStore


class CountedShelf(Repository[ApiKey]):
    """Counts what reaches the store behind it."""

    def __init__(self, behind: Repository[ApiKey]) -> None:
        self.behind = behind
        self.reads = 0
        self.writes = 0

    def get(self, item_id: str) -> ApiKey | None:
        self.reads += 1
        return self.behind.get(item_id)

    def save(self, item: ApiKey) -> None:
        self.behind.save(item)

    def update(self, item_id: str, change: Callable[[ApiKey], ApiKey]) -> ApiKey:
        self.writes += 1
        return self.behind.update(item_id, change)

    def delete(self, item_id: str) -> ApiKey | None:
        return self.behind.delete(item_id)

    def page(self, *, limit: int, cursor: str | None = None, query: str = "", is_trashed: bool = False) -> Page[ApiKey]:
        return self.behind.page(limit=limit, cursor=cursor, query=query, is_trashed=is_trashed)


@attrs.define
class Desk:
    """Keys and who recognises them, over one store and one clock."""

    clock: FakeClock = attrs.field(factory=FakeClock)
    repository: CountedShelf = attrs.field(factory=lambda: CountedShelf(FakeHubStore().keys))
    keys: KeyAdmin = attrs.field(init=False)
    uses: KeyUsageRecorder = attrs.field(init=False)
    ring: KeyAuthenticator = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self.keys = KeyAdmin(self.repository, self.clock)
        self.uses = KeyUsageRecorder(self.repository, self.clock)
        self.ring = KeyAuthenticator(self.repository, self.clock, self.uses)


@pytest.fixture
def desk() -> Iterator[Desk]:
    desk = Desk()
    yield desk
    desk.uses.close()


def test_a_key_is_42_hex_digits_and_no_two_are_the_same(desk: Desk) -> None:
    secrets = {desk.keys.create("one of many")[1] for _ in range(50)}

    assert 50 == len(secrets)
    assert all(re.fullmatch("[0-9a-f]{42}", secret) for secret in secrets)


def test_what_is_kept_is_not_the_key(desk: Desk) -> None:
    key, secret = desk.keys.create("mine")

    assert desk.repository.get(key.id) == key
    assert secret not in repr(key)
    assert secret not in str(attrs.asdict(key))
    assert ("mine", secret[-4:]) == (key.name, key.tail)


def test_either_header_is_taken(desk: Desk) -> None:
    key, secret = desk.keys.create("mine")

    assert key.id == desk.ring.user({"x-api-key": secret})
    assert key.id == desk.ring.user({"authorization": f"Bearer {secret}"})
    assert key.id == desk.ring.user({"authorization": f"bearer  {secret} "})


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"x-api-key": ""},
        {"x-api-key": "0" * 42},
        {"authorization": "Bearer"},
        {"authorization": "Bearer "},
        {"x-api-key": "\udcff"},
        {"x-api-key": "ü" * 42},
    ],
)
def test_nobody(desk: Desk, headers: dict[str, str]) -> None:
    desk.keys.create("mine")
    assert desk.ring.user(headers) is None


def test_a_password_is_no_key(desk: Desk) -> None:
    _, secret = desk.keys.create("mine")
    assert desk.ring.user({"authorization": f"Basic {secret}"}) is None


def test_a_new_key_is_good_at_once_also_when_it_was_tried_before(desk: Desk) -> None:
    key = ApiKey.of("f" * 42, name="restored", created=0.0)
    assert desk.ring.user({"x-api-key": "f" * 42}) is None
    desk.repository.save(key)
    assert key.id == desk.ring.user({"x-api-key": "f" * 42})


def test_a_revoked_key_is_good_for_two_seconds_at_most(desk: Desk) -> None:
    key, secret = desk.keys.create("mine")
    headers = {"x-api-key": secret}
    assert key.id == desk.ring.user(headers)
    desk.keys.revoke(key.id)
    desk.clock.advance(TRUSTED_FOR)
    assert desk.ring.user(headers) is None


def test_the_store_is_asked_once_in_two_seconds(desk: Desk) -> None:
    _, secret = desk.keys.create("mine")
    for _ in range(1000):
        desk.ring.user({"x-api-key": secret})
    assert 1 == desk.repository.reads
    desk.clock.advance(TRUSTED_FOR)
    desk.ring.user({"x-api-key": secret})
    assert 2 == desk.repository.reads


def test_wrong_keys_push_no_good_one_out(desk: Desk) -> None:
    _, secret = desk.keys.create("mine")
    desk.ring.user({"x-api-key": secret})
    for number in range(2000):
        desk.ring.user({"x-api-key": f"{number:042x}"})
    reads = desk.repository.reads
    desk.ring.user({"x-api-key": secret})
    assert reads == desk.repository.reads


def test_the_ring_holds_no_key_and_no_end_of_them(desk: Desk) -> None:
    secrets = [desk.keys.create("many")[1] for _ in range(1200)]
    for secret in secrets:
        assert desk.ring.user({"x-api-key": secret}) is not None
    shown = repr(desk.ring._held)

    assert 1000 == len(desk.ring._held)
    assert not any(secret in shown for secret in secrets)


def test_another_key_whose_hash_begins_alike_is_another_key(desk: Desk) -> None:
    key, secret = desk.keys.create("mine")
    desk.repository.save(attrs.evolve(key, sha256="0" * 64))
    assert desk.ring.user({"x-api-key": secret}) is None


def test_nor_is_it_one_that_was_held(desk: Desk) -> None:
    key, secret = desk.keys.create("mine")
    desk.ring._held[key.id] = (attrs.evolve(key, sha256="0" * 64), desk.clock.now() + 1)
    assert desk.ring.user({"x-api-key": secret}) is None


def test_the_last_use_is_written_once_a_minute(desk: Desk) -> None:
    key, secret = desk.keys.create("mine")
    for _ in range(1000):
        desk.ring.user({"x-api-key": secret})
    desk.uses.close()
    used = desk.repository.get(key.id)
    assert used is not None
    assert (1, desk.clock.wall()) == (desk.repository.writes, used.last_used)

    desk.clock.advance(EVERY)
    desk.ring.user({"x-api-key": secret})
    desk.uses.close()
    used = desk.repository.get(key.id)
    assert used is not None
    assert (2, desk.clock.wall()) == (desk.repository.writes, used.last_used)


def test_what_another_server_has_written_is_not_written_again(desk: Desk) -> None:
    key, secret = desk.keys.create("mine")
    desk.repository.save(attrs.evolve(key, last_used=desk.clock.wall() - 1))
    desk.ring.user({"x-api-key": secret})
    desk.uses.close()
    assert 0 == desk.repository.writes


def test_a_last_use_in_the_future_is_put_right_by_the_next_one(desk: Desk) -> None:
    """The clock was put back, or another server's goes ahead."""
    key, secret = desk.keys.create("mine")
    desk.repository.save(attrs.evolve(key, last_used=desk.clock.wall() + 86_400))
    desk.ring.user({"x-api-key": secret})
    desk.uses.close()
    used = desk.repository.get(key.id)
    assert used is not None
    assert desk.clock.wall() == used.last_used


def test_a_wrong_key_is_no_use(desk: Desk) -> None:
    desk.keys.create("mine")
    desk.ring.user({"x-api-key": "0" * 42})
    desk.uses.close()
    assert 0 == desk.repository.writes


def test_noting_a_use_revives_nothing(desk: Desk) -> None:
    """It is written behind the requests' backs: a key that was revoked meanwhile stays so."""
    key, secret = desk.keys.create("mine")
    desk.ring.user({"x-api-key": secret})
    desk.keys.revoke(key.id)
    desk.uses.close()
    kept = desk.repository.get(key.id)
    assert kept is not None
    assert kept.is_trashed


def test_a_key_that_is_gone_when_its_use_is_written(desk: Desk) -> None:
    key, _ = desk.keys.create("mine")
    desk.repository.delete(key.id)
    desk.uses.note(key)
    desk.uses.close()
    assert desk.repository.get(key.id) is None


@pytest.mark.parametrize("fault", [OSError("the disk is full"), StoreUnusable("the database", "is gone")], ids=str)
def test_a_store_that_fails_there_fails_no_request(
    desk: Desk, caplog: pytest.LogCaptureFixture, fault: Exception
) -> None:
    class Full(CountedShelf):
        def update(self, item_id: str, change: Callable[[ApiKey], ApiKey]) -> ApiKey:
            raise fault

    key, secret = desk.keys.create("mine")
    uses = KeyUsageRecorder(Full(desk.repository), desk.clock)
    ring = KeyAuthenticator(desk.repository, desk.clock, uses)
    assert key.id == ring.user({"x-api-key": secret})
    uses.close()
    assert "keys.use_not_written" in caplog.text
    assert secret not in caplog.text


def test_the_list_is_of_the_good_ones_first(desk: Desk) -> None:
    keys = [desk.keys.create(f"number {number}")[0] for number in range(250)]
    desk.keys.revoke(keys[200].id)
    listed = desk.keys.all()

    assert 250 == len(listed)
    assert [keys[200].id] == [key.id for key in listed if key.is_trashed] == [listed[-1].id]
    assert keys[249].id == listed[0].id


def test_revoking_twice_is_as_good_as_once(desk: Desk) -> None:
    key, _ = desk.keys.create("mine")
    assert desk.keys.revoke(key.id) == desk.keys.revoke(key.id)


def test_revoking_what_is_not_there(desk: Desk) -> None:
    with pytest.raises(NoSuchKey, match="hubport keys list"):
        desk.keys.revoke("nobody's")


def test_whether_there_are_any(desk: Desk) -> None:
    assert not desk.keys.has_any(is_trashed=False)
    key, _ = desk.keys.create("mine")
    assert desk.keys.has_any(is_trashed=False)
    desk.keys.revoke(key.id)
    assert desk.keys.has_any(is_trashed=True)
    assert not desk.keys.has_any(is_trashed=False)
