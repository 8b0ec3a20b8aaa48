"""hubport keeps a trainer connected to its HUB.

>>> import hubport
>>> with hubport.connect("http://127.0.0.1:8421/models/<ID>", api_key=KEY) as session:  # doctest: +SKIP
...     for epoch in range(session.train_args["epochs"]):
...         session.log_metrics(epoch, {"train/loss": 0.1})
...     report = session.finish("best.pt", epoch=epoch, map=0.42)

Importing this starts no thread, opens no file, configures no logger, and imports neither requests nor the container:
each name below is imported when it is first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from .domain.errors import (
    AlreadyTrained,
    AuthenticationFailed,
    CallerError,
    DatasetNotReady,
    HubError,
    HubportError,
    HubRefused,
    HubUnreachable,
    InvalidAdapter,
    InvalidMetrics,
    InvalidModelRecord,
    InvalidModelRef,
    InvalidSettings,
    SessionClosed,
)

if TYPE_CHECKING:
    from .app.delivery.report import Count, Report
    from .app.session.connect import connect
    from .app.session.drop_in import HUBTrainingSession
    from .app.session.training_session import TrainingSession
    from .app.settings import Settings
    from .domain.client.credentials import Credentials
    from .domain.client.model_record import ModelRecord

    __version__: str
    """Of the installed package."""

__all__ = [
    "AlreadyTrained",
    "AuthenticationFailed",
    "CallerError",
    "Count",
    "Credentials",
    "DatasetNotReady",
    "HUBTrainingSession",
    "HubError",
    "HubRefused",
    "HubUnreachable",
    "HubportError",
    "InvalidAdapter",
    "InvalidMetrics",
    "InvalidModelRecord",
    "InvalidModelRef",
    "InvalidSettings",
    "ModelRecord",
    "Report",
    "SessionClosed",
    "Settings",
    "TrainingSession",
    "connect",
]

_HOMES = {
    "Count": "app.delivery.report",
    "Credentials": "domain.client.credentials",
    "HUBTrainingSession": "app.session.drop_in",
    "ModelRecord": "domain.client.model_record",
    "Report": "app.delivery.report",
    "Settings": "app.settings",
    "TrainingSession": "app.session.training_session",
    "connect": "app.session.connect",
}


if not TYPE_CHECKING:  # a type checker would believe that every name is here

    def __getattr__(name: str) -> Any:
        if name == "__version__":
            value = import_module("importlib.metadata").version(__name__)
        elif name in _HOMES:
            value = getattr(import_module(f".{_HOMES[name]}", __name__), name)
        else:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        globals()[name] = value
        return value


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
