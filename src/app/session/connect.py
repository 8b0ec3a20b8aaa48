"""The front door.

The one rule: arguments beat environment beats defaults, and a port that is given replaces the container's own.
"""

from __future__ import annotations

from collections.abc import Mapping

import attrs

from ...domain.client.credentials import Credentials
from ...domain.client.model_ref import web_root_in
from ...domain.ports.clock import Clock
from ...domain.ports.filesystem import Filesystem
from ...domain.ports.http import Http
from ...domain.ports.model_cache import ModelCache
from ...domain.ports.outbox import Outbox
from ...domain.ports.signals import Signals
from ..settings import Settings
from .container import Container
from .factory import ModelAccess, SessionFactory
from .hub_access import model_access
from .training_session import TrainingSession

#: What a HUB is called whose caller has given the way to it and no address. No such name ever resolves (RFC 2606).
_UNNAMED = "https://hub.invalid"


def connect(
    model: str,
    *,
    api_key: str | Credentials | None = None,
    settings: Settings | None = None,
    http: Http | None = None,
    clock: Clock | None = None,
    filesystem: Filesystem | None = None,
    signals: Signals | None = None,
    outbox: Outbox | None = None,
    model_cache: ModelCache | None = None,
) -> TrainingSession:
    """Connect a training to *model*: a URL, ``<KEY>_<ID>`` or ``<ID>``.

    The HUB is the one that *settings* name, else the one that ``hubport login`` has kept, else the one of the model's
    URL; there is no default. The key comes from *api_key*, else from *model*, *settings* or the login; one that is kept
    for another HUB is not sent. Settings default to the environment's; to change one and keep the rest pass
    ``Settings.from_env(exit_timeout=10)``, since a bare ``Settings()`` reads neither environment nor login. The other
    arguments replace one port each: ``connect(ref, http=FakeHub(), clock=FakeClock())`` is the whole set-up of a test.

    Waits for the HUB, at most ``settings.connect_timeout`` seconds. After it only ``flush``, ``finish`` and ``close``
    wait. Where the HUB does not answer and ``settings.start_offline`` allows it, the session starts from what an
    earlier ``connect`` has kept of the model. In a distributed training rank 0 has the session, and every other rank
    gets one that does nothing (``is_disabled``).

    In one process one session reports to a model: that of an earlier ``connect`` to it is closed, with a warning, which
    may take ``settings.exit_timeout`` seconds more. Keep the session: one that nobody holds any more is closed.

    Raises:
        InvalidModelRef, InvalidSettings: what was asked for makes no sense, or nobody has named a HUB.
        AuthenticationFailed: no key, or one that the HUB does not take.
        HubUnreachable, HubRefused: no answer, or an answer that is no success.
        AlreadyTrained, DatasetNotReady, InvalidModelRecord: there is nothing to train yet, or any more.
    """
    wired, model_access = opened(
        model,
        api_key,
        settings=settings,
        http=http,
        clock=clock,
        filesystem=filesystem,
        signals=signals,
        outbox=outbox,
        model_cache=model_cache,
    )
    return wired.connect(model_access)


def opened(
    model: str, api_key: str | Credentials | None, *, settings: Settings | None = None, **ports: object
) -> tuple[SessionFactory, ModelAccess]:
    """A connector to the HUB of *model*, and the access to it. Nothing is resolved, opened or sent."""
    settings = _settings(settings, model, ports)
    settings, found = model_access(model, api_key, settings, Container(settings=settings).logins())
    return factory(settings=settings, **ports), found


def factory(*, settings: Settings | None = None, **ports: object) -> SessionFactory:
    """A connector wired by the container, with each of *ports* that is not ``None`` in place of the container's."""
    settings = _settings(settings, "", ports)
    return Container(settings=settings, **{name: port for name, port in ports.items() if port is not None}).factory()


def _settings(settings: Settings | None, model: str, ports: Mapping[str, object]) -> Settings:
    """*settings*, else the environment's; with a name for the HUB where only the way to it is given."""
    settings = Settings.from_env() if settings is None else settings
    if ports.get("http") is not None and not settings.is_named and web_root_in(model) is None:
        return attrs.evolve(settings, api_root=_UNNAMED)
    return settings
