"""Which HUB a command works on.

The one rule: what was asked for by name is what is taken, and no command but ``serve`` and ``keys create`` begins a new
one.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from contextlib import closing, contextmanager

from ...domain.base_url import validate_base_url
from ...domain.client.credentials import Credentials
from ...domain.errors import InvalidSettings
from ..command_name import command
from ..hub.container import HubContainer
from ..hub.settings import DATA_DIR, DATABASE, HubSettings
from ..hub_client.client import HubClient
from ..hub_client.models import HubModels
from ..logins import Logins
from ..session.container import Container
from ..session.hub_access import key_for, with_login
from ..settings import Settings, no_hub


def require_local_hub(options: argparse.Namespace) -> HubSettings:
    """The HUB of this machine that *options* name, or the environment.

    Raises:
        InvalidSettings: when there is none.
    """
    settings = HubSettings.from_env(data_dir=options.data_dir, database=options.database)
    if not settings.is_here:
        raise InvalidSettings(
            f"{DATA_DIR} (--data-dir)",
            f"there is no HUB in {settings.data_dir}: `{command('serve')}` begins one, {DATABASE} names one elsewhere",
        )
    return settings


@contextmanager
def open_hub(options: argparse.Namespace) -> Iterator[HubModels]:
    """The HUB that *options* name; else that of the environment, or of the login; else the one on this machine.

    Raises:
        InvalidSettings: when there is none of them, or the login cannot be read.
        AuthenticationFailed: when there is no key for it. The one on this machine needs none.
    """
    is_named_here = options.data_dir is not None or options.database is not None
    if not is_named_here:
        found = _elsewhere(options)
        if found is not None:
            with _on_the_network(*found) as models:
                yield models
            return
        here = HubSettings.from_env()
        if not here.is_here:
            raise no_hub(f", and there is none in {here.data_dir}")
    with _on_this_machine(require_local_hub(options)) as models:
        yield models


def hub_settings(options: argparse.Namespace) -> tuple[Settings, Logins]:
    """The settings of a command with ``--hub``, and the login, which it may need."""
    settings = Settings.from_env()
    if options.hub:
        root = validate_base_url(options.hub, setting="--hub", allow_plain_http=settings.allow_plain_http)
        settings = Settings.from_env(api_root=root)
    return settings, Container(settings=settings).logins()


def _elsewhere(options: argparse.Namespace) -> tuple[Settings, Credentials] | None:
    settings, logins = hub_settings(options)
    settings = with_login(settings, logins)
    if not settings.is_named:
        return None
    return settings, key_for(settings, logins, options.api_key)


@contextmanager
def _on_the_network(settings: Settings, credentials: Credentials) -> Iterator[HubModels]:
    container = Container(settings=settings)
    with closing(container.http()) as http:
        client = HubClient(http, container.clock(), credentials, settings.hub_root)
        yield HubModels(client, settings.page_root)


@contextmanager
def _on_this_machine(settings: HubSettings) -> Iterator[HubModels]:
    service = HubContainer(settings=settings).service()
    with closing(service):
        address = service.noted_address()
        # Any key will do: see HubService.direct.
        client = HubClient(service.direct(), service.clock, Credentials("owner"), address)
        yield HubModels(client, address)
