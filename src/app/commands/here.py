"""Which HUB a command works on.

The one rule: what was asked for by name is what is taken, and no command but ``serve`` and ``keys create`` begins a new
one.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterator
from contextlib import closing, contextmanager

import attrs

from ...domain.credentials import Credentials
from ...domain.errors import InvalidSettings
from ..asking import Asking
from ..container import Container
from ..hub_container import HubContainer
from ..hub_models import HubModels
from ..hub_settings import DATA_DIR, DATABASE, HubSettings
from ..settings import Settings
from .arguments import key_of

_API = "ULTRALYTICS_HUB_API"


def must_be_here(options: argparse.Namespace) -> HubSettings:
    """The HUB of this machine that *options* name, or the environment.

    Raises:
        InvalidSettings: when there is none.
    """
    settings = HubSettings.from_env(data_dir=options.data_dir, database=options.database)
    if not settings.is_here:
        raise InvalidSettings(
            f"{DATA_DIR} (--data-dir)",
            f"there is no HUB in {settings.data_dir}: `hubport serve` begins one, {DATABASE} names one elsewhere",
        )
    return settings


@contextmanager
def chosen_hub(options: argparse.Namespace) -> Iterator[HubModels]:
    """The HUB that *options* name; else that of ``ULTRALYTICS_HUB_API``; else the one on this machine.

    Raises:
        InvalidSettings: when there is none of them.
        AuthenticationFailed: when there is no key for it. The one on this machine needs none.
    """
    is_named_here = options.data_dir is not None or options.database is not None
    if not is_named_here and (options.hub or os.environ.get(_API, "").strip()):
        with _on_the_network(options) as models:
            yield models
        return
    if not is_named_here and not (settings := HubSettings.from_env()).is_here:
        raise InvalidSettings(
            _API,
            f"names no HUB, and there is none in {settings.data_dir}: set it, and HUB_API_KEY, "
            "or start one here with `hubport serve`",
        )
    with _on_this_machine(must_be_here(options)) as models:
        yield models


@contextmanager
def _on_the_network(options: argparse.Namespace) -> Iterator[HubModels]:
    settings = Settings.from_env(**{"api_root": options.hub} if options.hub else {})
    credentials = key_of(options, settings)
    if options.hub and not os.environ.get("ULTRALYTICS_HUB_WEB", "").strip():
        settings = attrs.evolve(settings, web_root=settings.api_root)
    container = Container(settings=settings)
    with closing(container.http()) as http:
        asking = Asking(http, container.clock(), credentials, settings.api_root)
        yield HubModels(asking, settings.web_root)


@contextmanager
def _on_this_machine(settings: HubSettings) -> Iterator[HubModels]:
    service = HubContainer(settings=settings).service()
    with closing(service):
        address = service.noted_address()
        # Any key will do: see HubService.direct.
        asking = Asking(service.direct(), service.clock, Credentials("owner"), address)
        yield HubModels(asking, address)
