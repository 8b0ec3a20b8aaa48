"""A HUB behind a real socket in this process, trainers in processes of their own."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import attrs
import pytest

import hubport
from hubport.testing import LoopbackServer
from tests.integration.process import Child
from tests.integration.watched_hub import GUARD, WatchedHub
from tests.integration.wire import Wire

_CHILDREN = Path(__file__).with_name("children")
_COMMAND = Path(sys.executable).with_name("hubport")


@attrs.define
class Site:
    """Everything around trainers on one machine: the HUB, a model in it, and the folder of their state.

    Trainers reach the HUB through the ``wire``, which the test can cut. ``folder`` is theirs and the test's.
    """

    folder: Path
    hub: WatchedHub
    server: LoopbackServer
    wire: Wire
    model_id: str = attrs.field(init=False)
    children: list[Child] = attrs.field(factory=list)

    def __attrs_post_init__(self) -> None:
        self.model_id = self.hub.create_model(epochs=3).id

    @property
    def url(self) -> str:
        return self.wire.url

    @property
    def state_dir(self) -> Path:
        return self.folder / "state"

    def environment(self, **more: str) -> dict[str, str]:
        """What a trainer of this site finds in its environment."""
        of_this_site = {
            "ULTRALYTICS_HUB_API": self.url,
            "ULTRALYTICS_HUB_WEB": self.url,
            "HUB_API_KEY": self.hub.api_key,
            "HUBPORT_STATE_DIR": str(self.state_dir),
        }
        return bare_environment() | of_this_site | more

    def start(self, script: str, *arguments: object, strict: bool = False, **environment: str) -> Child:
        """Run ``children/<script>.py`` with the model's ID and *arguments*; keywords are environment variables.

        A *strict* interpreter makes every warning an error, also those that are silent by default.
        """
        options = ["-X", "dev", "-W", "error"] if strict else []
        command = [sys.executable, *options, str(_CHILDREN / f"{script}.py"), self.model_id, *map(str, arguments)]
        return self._started(command, environment, measured=script not in _FORKING)

    def command(self, *arguments: str, **environment: str) -> Child:
        """Run the command ``hubport``."""
        return self._started([str(_COMMAND), *arguments], environment)

    def connect(self, **settings: Any) -> hubport.TrainingSession:
        """A session in this process."""
        fields: dict[str, Any] = {
            "api_root": self.url,
            "web_root": self.url,
            "state_dir": self.state_dir,
            "handle_signals": False,
        }
        return hubport.connect(
            self.model_id,
            api_key=self.hub.api_key,
            settings=hubport.Settings(**fields | {"progress": False} | settings),
        )

    def recover(self) -> hubport.Report:
        """What the next start does: deliver what is left, all of it. Nothing lies on the disk afterwards."""
        session = self.connect(exit_within=GUARD)
        assert session.flush(within=GUARD), str(session.status())
        report = session.close()
        assert report.is_complete, str(report)
        assert [] == self.spools()
        return report

    def spools(self) -> list[Path]:
        """The runs that have left something."""
        return sorted(journal.parent for journal in self.state_dir.rglob("journal"))

    def _started(self, command: list[str], environment: dict[str, str], *, measured: bool = True) -> Child:
        errors = self.folder / f"stderr-{len(self.children)}"
        inherited = self.environment(**environment)
        if not measured:
            inherited = {name: text for name, text in inherited.items() if not name.startswith("COVERAGE")}
        self.children.append(Child(command, inherited, errors))
        return self.children[-1]


# Coverage takes a lock of its own in every thread, and the child of a fork might wait for it for ever.
_FORKING = frozenset({"forks", "forks_once", "multiprocesses"})


def bare_environment() -> dict[str, str]:
    """This process's environment, without what concerns hubport, and with every hanging thread's stack on demand."""
    mine = {name: text for name, text in os.environ.items() if not name.startswith(("HUB", "ULTRALYTICS_HUB"))}
    return mine | {"NO_PROXY": "127.0.0.1", "no_proxy": "127.0.0.1", "PYTHONFAULTHANDLER": "1"}


def port_of(server: LoopbackServer) -> int:
    return int(server.url.rpartition(":")[2])


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.setenv(name, "127.0.0.1")
    hub = WatchedHub()
    server = LoopbackServer(hub)
    with Wire(port_of(server)) as wire:
        hub.root = wire.url
        site = Site(tmp_path, hub, server, wire)
        try:
            yield site
        finally:
            for child in site.children:
                child.bury()
            hub.drop()
            site.server.close()
