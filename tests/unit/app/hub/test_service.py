"""A HUB of one's own over fakes: what its first start makes, what may be listened to, and what is swept away."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path

import attrs
import pytest

from hubport.app.hub.container import HubContainer
from hubport.app.hub.environment import SystemEnvironment, owner
from hubport.app.hub.service import HubService, make_folder
from hubport.app.hub.settings import HubSettings
from hubport.app.hub.sweep import BlobSweeper
from hubport.domain.checkpoint import CheckpointKind
from hubport.domain.client.credentials import Credentials
from hubport.domain.client.protocol import HubProtocol
from hubport.domain.errors import InvalidSettings
from hubport.domain.hub.api.in_process import InProcessHub
from hubport.domain.hub.items import Dataset
from hubport.domain.hub.model import HubModel, StoredCheckpoint
from hubport.domain.hub.stored_file import StoredFile
from hubport.domain.ports.http import FilePart, Request
from hubport.testing import FakeClock
from hubport.testing.fakes.blobs import FakeBlobs
from hubport.testing.fakes.hub_store import FakeHubStore

ID = "Ab3Cd5Ef7Gh9Ij1Kl2Mn"


@attrs.define
class FakeListener:
    """Listens to nobody, and writes down how it was closed."""

    url: str = "http://127.0.0.1:8421"
    closed_within: float | None = None

    def close(self, *, timeout: float) -> None:
        self.closed_within = timeout


@attrs.define
class Premises:
    """A HUB's service, and what is behind it."""

    service: HubService
    store: FakeHubStore
    blobs: FakeBlobs
    listener: FakeListener


@pytest.fixture
def context(tmp_path: Path) -> Callable[..., Premises]:
    store, blobs = FakeHubStore(), FakeBlobs()

    def make(**settings: object) -> Premises:
        listener = FakeListener()
        container = HubContainer(
            settings=HubSettings.from_env({}, data_dir=tmp_path, **settings),
            store=store,
            blobs=blobs,
            clock=FakeClock(),
            server=listener,
        )
        return Premises(container.service(), store, blobs, listener)

    return make


def test_the_first_start_makes_a_key_and_later_ones_make_none(context: Callable[..., Premises]) -> None:
    with context().service.serving() as served:
        assert served.key is not None
        assert served.has_keys
        assert served.key not in repr(served)
    with context().service.serving() as again:
        assert again.key is None
        assert again.has_keys


def test_it_is_closed_in_the_end_also_after_an_error(context: Callable[..., Premises]) -> None:
    hub = context()

    def fail() -> None:
        with hub.service.serving():
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail()
    assert 5.0 == hub.listener.closed_within


def test_a_hub_whose_keys_were_all_revoked_lets_nobody_in(context: Callable[..., Premises]) -> None:
    service = context().service
    service.keys.revoke(service.keys.create("first")[0].id)

    with service.serving() as served:
        assert (None, False) == (served.key, served.has_keys)


def test_to_other_machines_it_listens_only_with_a_key(context: Callable[..., Premises]) -> None:
    hub = context(host="0.0.0.0", allow_remote=True)  # noqa: S104
    key, _ = hub.service.keys.create("first")
    with hub.service.serving() as served:
        assert served.key is None
    hub.service.keys.revoke(key.id)
    with pytest.raises(InvalidSettings, match="hubport keys create"), hub.service.serving():
        pass


def test_one_that_may_not_listen_gives_its_store_back(tmp_path: Path) -> None:
    class Counted(FakeHubStore):
        closings = 0

        def close(self) -> None:
            self.closings += 1
            super().close()

    store = Counted()
    settings = HubSettings(data_dir=tmp_path, host="0.0.0.0", allow_remote=True)  # noqa: S104
    service = HubContainer(settings=settings, store=store, blobs=FakeBlobs(), clock=FakeClock()).service()
    service.keys.revoke(service.keys.create("first")[0].id)

    with pytest.raises(InvalidSettings, match="hubport keys create"), service.serving():
        pass

    assert 1 == store.closings


def test_the_first_start_for_other_machines_makes_the_key(context: Callable[..., Premises]) -> None:
    with context(host="0.0.0.0", allow_remote=True).service.serving() as served:  # noqa: S104
        assert served.key is not None
        assert served.address.endswith(":8421")
        assert "0.0.0.0" not in served.address  # noqa: S104


def test_where_nothing_can_listen_no_key_is_made(tmp_path: Path) -> None:
    """Or the next start would not be the first, and nobody would have seen the key."""
    store = FakeHubStore()

    def refuse() -> FakeListener:
        raise OSError(98, "Address already in use")

    hub = HubContainer(
        settings=HubSettings(data_dir=tmp_path, port=1), store=store, blobs=FakeBlobs(), clock=FakeClock()
    ).service()
    with (
        pytest.raises(InvalidSettings, match=r"127\.0\.0\.1:1: Address already in use; take another --port"),
        attrs.evolve(hub, listen=refuse).serving(),
    ):
        pass
    assert 0 == store.keys.page(limit=1).total


def test_the_address_is_noted_for_who_works_without_a_server(context: Callable[..., Premises]) -> None:
    service = context().service
    assert "http://127.0.0.1:8421" == service.noted_address()
    service.note_address("https://hub.example.org/hub")
    assert "https://hub.example.org/hub" == service.noted_address()


@pytest.mark.parametrize("noted", ["", "no address", "http://u:p@h", "\0", "https://h/?q"])
def test_a_noted_address_that_is_none_counts_for_nothing(context: Callable[..., Premises], noted: str) -> None:
    service = context().service
    service.settings.address_file.write_text(noted)
    assert "http://127.0.0.1:8421" == service.noted_address()


def test_without_a_server_it_answers_whoever_may_read_the_store(context: Callable[..., Premises]) -> None:
    hub = context()
    model = HubModel(ID, "a model", "coco8.yaml")
    hub.store.models.save(model)
    answer = hub.service.direct().send(Request("GET", f"/v1/models/{ID}"), timeout=1.0)

    assert (200, f"http://127.0.0.1:8421/models/{ID}") == (answer.status, json.loads(answer.body)["data"]["url"])


def test_how_many_checkpoints_are_kept_is_a_setting(context: Callable[..., Premises]) -> None:
    hub = context(keep=2)
    hub.store.models.save(HubModel(ID, "a model", "coco8.yaml"))
    direct = hub.service.direct()
    for epoch in range(5):
        file = FilePart("last.pt", 1, lambda: io.BytesIO(b"x"))
        fields = {"epoch": str(epoch), "type": "epoch", "isBest": "False"}
        assert (
            200 == direct.send(Request("POST", f"/v1/models/{ID}/upload", fields=fields, file=file), timeout=1).status
        )

    kept = hub.store.models.get(ID)
    assert kept is not None
    assert [3, 4] == [checkpoint.epoch for checkpoint in kept.checkpoints]


def test_the_rate_limit_is_a_setting(tmp_path: Path) -> None:
    container = HubContainer(
        settings=HubSettings(data_dir=tmp_path, rate_limit=2),
        store=FakeHubStore(),
        blobs=FakeBlobs(),
        clock=FakeClock(),
    )
    _, secret = container.keys().create("mine")
    hub = InProcessHub(container.hub(), lambda: "http://hub.invalid")
    request = HubProtocol(Credentials(secret)).authenticate()

    assert [200, 200, 429] == [hub.send(request, timeout=1.0).status for _ in range(3)]
    container.uses().close()


def test_ids_and_tokens_are_of_letters_and_digits(context: Callable[..., Premises]) -> None:
    world = SystemEnvironment(FakeClock(), owner)
    ids, tokens = {world.new_id() for _ in range(200)}, {world.new_token() for _ in range(200)}

    assert (200, {20}) == (len(ids), {len(one) for one in ids})
    assert (200, {32}) == (len(tokens), {len(one) for one in tokens})
    assert all(one.isascii() and one.isalnum() for one in ids | tokens)


# The folder.


def test_its_folder_is_for_this_user_alone(tmp_path: Path) -> None:
    settings = HubSettings(data_dir=tmp_path / "far" / "below")
    make_folder(settings)
    assert 0o700 == settings.data_dir.stat().st_mode & 0o777
    make_folder(settings)


def test_a_folder_that_cannot_be_made_is_said_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(InvalidSettings, match=r"--data-dir.*name a folder"):
        make_folder(HubSettings(data_dir=tmp_path / "file" / "below"))
    with pytest.raises(InvalidSettings, match=r"--data-dir.*name a folder"):
        make_folder(HubSettings(data_dir=tmp_path / "file"))


# What is swept.


def kept(blobs: FakeBlobs, name: str) -> str:
    pending = blobs.create()
    pending.write(b"x")
    pending.commit(name)
    return name


class Everything(FakeBlobs):
    """Blobs that are all old."""

    def sweep(self, is_wanted: Callable[[str], bool], *, older_than: float) -> int:
        assert older_than >= 86_400
        return super().sweep(is_wanted, older_than=0)


def swept(store: FakeHubStore, blobs: FakeBlobs) -> None:
    sweep = BlobSweeper(store, blobs)
    sweep._run()


@pytest.mark.parametrize("is_trashed", [False, True])
def test_a_file_that_a_model_has_given_up_is_swept_and_what_it_holds_stays(*, is_trashed: bool) -> None:
    store, blobs = FakeHubStore(), Everything()
    checkpoint = StoredCheckpoint(f"{ID}-epoch-1.pt", "token", 1, "0" * 64, CheckpointKind.EPOCH, 1)
    store.models.save(HubModel(ID, "a model", "d", checkpoints=(checkpoint,), is_trashed=is_trashed))
    held, given_up = kept(blobs, checkpoint.blob), kept(blobs, f"other/{ID}-epoch-0.pt")
    swept(store, blobs)

    assert blobs.open(held) is not None
    assert blobs.open(given_up) is None


def test_a_datasets_file_stays_and_the_one_before_it_goes() -> None:
    store, blobs = FakeHubStore(), Everything()
    file = StoredFile(f"{ID}.zip", "token", 1, "0" * 64)
    store.datasets.save(Dataset(ID, "mine", file=file))
    held, replaced = kept(blobs, file.blob), kept(blobs, f"other/{ID}.zip")
    swept(store, blobs)

    assert blobs.open(held) is not None
    assert blobs.open(replaced) is None


def test_a_file_of_a_model_that_this_store_has_never_heard_of_is_not_ours_to_delete() -> None:
    """Two databases, by mistake over one folder: neither takes the other's checkpoints away."""
    blobs = Everything()
    name = kept(blobs, f"token/{ID}-best.pt")
    swept(FakeHubStore(), blobs)
    assert blobs.open(name) is not None


def test_a_sweep_that_fails_is_a_line_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    class Broken(FakeBlobs):
        def sweep(self, is_wanted: Callable[[str], bool], *, older_than: float) -> int:
            raise OSError("the disk is gone")

    swept(FakeHubStore(), Broken())
    assert "blobs.not_swept" in caplog.text


def test_a_sweep_ends_when_the_hub_does() -> None:
    class Endless(FakeBlobs):
        def sweep(self, is_wanted: Callable[[str], bool], *, older_than: float) -> int:
            while True:
                is_wanted(f"token/{ID}.pt")

    sweep = BlobSweeper(FakeHubStore(), Endless())
    sweep.start()
    sweep.close()
    assert not sweep._thread.is_alive()
