"""A machine with trainers on it: a HUB that breaks on demand, a model in it, and a folder for what trainers leave.

The one rule: trainers are real processes with real pipes, and nothing of them outlives the site.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import attrs

from ...app.delivery.report import Report
from ...app.session.connect import connect
from ...app.session.training_session import TrainingSession
from ...app.settings import Settings
from ..fakes.hub import FakeHub
from .closing import Closeable
from .processes.child import Child
from .processes.zygote import Zygote
from .server.lab import Lab
from .timeouts import HANG_TIMEOUT


def bare_environment() -> dict[str, str]:
    """The environment of this process, without what concerns hubport or leads through a proxy, and without a login."""
    mine = {name: text for name, text in os.environ.items() if not name.startswith(("HUB", "ULTRALYTICS_HUB"))}
    return mine | {"HUBPORT_CONFIG_FILE": os.devnull, "NO_PROXY": "127.0.0.1", "no_proxy": "127.0.0.1"}


@attrs.define
class Sandbox(Closeable):
    """Everything around trainers on one machine; a context manager, which buries them.

    ``folder`` is theirs and the test's, ``model_id`` a model that waits to be trained. With a *zygote*, trainers that
    are not asked to be fresh cost milliseconds.
    """

    folder: Path
    zygote: Zygote | None = None
    hub: FakeHub = attrs.field(factory=lambda: FakeHub(seed=1))
    lab: Lab = attrs.field(init=False)
    model_id: str = attrs.field(init=False)
    children: list[Child] = attrs.field(factory=list)
    _pid: int = attrs.field(factory=os.getpid, init=False)

    def __attrs_post_init__(self) -> None:
        self.lab = Lab(self.hub)
        self.model_id = self.hub.create_model(epochs=3).id

    @property
    def url(self) -> str:
        """The HUB's address."""
        return self.lab.url

    @property
    def state_dir(self) -> Path:
        """Where trainers of this site keep their outbox."""
        return self.folder / "state"

    def environment(self, **more: str) -> dict[str, str]:
        """What a trainer of this site finds in its environment, with *more*; ``MODEL_ID`` is the model."""
        of_this_site = {
            "ULTRALYTICS_HUB_API": self.url,
            "ULTRALYTICS_HUB_WEB": self.url,
            "HUB_API_KEY": self.hub.api_key,
            "HUBPORT_STATE_DIR": str(self.state_dir),
            "HUBPORT_ANNOUNCE": "0",
            "MODEL_ID": self.model_id,
        }
        return bare_environment() | of_this_site | more

    def run(
        self,
        script: Path,
        *arguments: object,
        zygote: Zygote | None = None,
        fresh: bool = False,
        options: Sequence[str] = (),
        **environment: str,
    ) -> Child:
        """Start the trainer *script* with *arguments*; further keywords are environment variables.

        It is a fork of *zygote*, else of the site's; where there is none, or when it is to be *fresh*, an interpreter
        of its own, with *options*.
        """
        zygote = zygote or self.zygote
        if zygote is not None and not fresh:
            child = zygote.start(script, *arguments, env=self.environment(**environment), errors=self._errors())
            self.children.append(child)
            return child
        return self.command([sys.executable, *options, str(script), *map(str, arguments)], **environment)

    def command(self, command: Sequence[str], **environment: str) -> Child:
        """Start any *command*."""
        self.children.append(Child.run(command, self.environment(**environment), self._errors()))
        return self.children[-1]

    def connect(self, **settings: Any) -> TrainingSession:
        """A session in this process; keywords are fields of :class:`~hubport.Settings`."""
        fields: dict[str, Any] = {
            "api_root": self.url,
            "web_root": self.url,
            "state_dir": self.state_dir,
            "handle_signals": False,
            "progress": False,
        }
        return connect(self.model_id, api_key=self.hub.api_key, settings=Settings(**fields | settings))

    def recover(self) -> Report:
        """What the next start does: deliver all that is left. Nothing lies on the disk afterwards.

        Raises:
            AssertionError: when something is left all the same.
        """
        session = self.connect(exit_timeout=HANG_TIMEOUT)
        assert session.flush(timeout=HANG_TIMEOUT), f"{session.status()}\n{self.lab.ledger}"
        report = session.close()
        assert report.is_complete, str(report)
        assert [] == self.spools(), "\n".join(["spools are left", *map(_described, self.spools())])
        return report

    def spools(self) -> list[Path]:
        """The folders of the runs that have left something."""
        folders = (journal.parent for journal in self.state_dir.rglob("journal"))
        # One that was still being made, or was being taken away, is hidden, and nobody's.
        return sorted(folder for folder in folders if not folder.name.startswith("."))

    def close(self) -> None:
        """Bury the trainers, and close the HUB. Nothing in a forked child, whose they are not."""
        if os.getpid() != self._pid:
            return
        for child in self.children:
            child.reap()
        self.lab.close()

    def _errors(self) -> Path:
        return self.folder / f"stderr-{len(self.children)}"


def _described(spool: Path) -> str:
    """Why *spool* may be there: what it holds, and whether somebody holds it."""
    files = {path.name: path.stat().st_size for path in sorted(spool.iterdir())}
    lines = (spool / "journal").read_text("utf-8", errors="replace").splitlines()
    inode = (spool / "journal").stat().st_ino
    locks = Path("/proc/locks").read_text("utf-8").splitlines() if Path("/proc/locks").exists() else []
    holders = [line for line in locks if f":{inode} " in line]
    return f"{spool.name}: {files}, held by {holders or 'nobody'}\n" + "\n".join([*lines[:1], "...", *lines[-8:]])
