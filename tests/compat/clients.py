"""Both clients, each in a process of its own, and one conversation for the two.

The one rule: nobody waits for time to pass. A step is over when the client has answered and the recording HUB has seen
the requests that the step is to cause; thirty seconds without that are a failure that shows what the client printed.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Literal

import attrs

from tests.compat.driven import Driven
from tests.compat.recording_hub import HubScript, Recorded, RecordingHub

Which = Literal["old", "new"]

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
PEER = ROOT / ".venv-peer"
PEER_PYTHON = PEER / "bin" / "python"
OLD_AGENT = "python-8.0.100-local"
"""What the old client calls itself; ours is told to say the same, so that heartbeats can be compared."""

FOREIGN = ("COLAB_", "COVERAGE_", "HUB", "ULTRALYTICS_", "YOLO_")
"""Beginnings of the environment variables that would steer a client, or measure it: none of the caller's reaches it."""


def step(do: str, *, sees: Mapping[str, int] | None = None, **arguments: Any) -> Step:
    """A step of ``drive_session.py``; *sees* are the requests, in all so far, after which it is over."""
    return Step({"do": do, **arguments}, sees or {})


@attrs.frozen
class Step:
    order: Mapping[str, Any]
    sees: Mapping[str, int]


@attrs.frozen
class Run:
    """What became of a scenario with one client."""

    answers: tuple[Mapping[str, Any], ...]
    """One a step: ``{"result": ...}`` or ``{"raised": ...}``, with the HUB's root as ``<HUB>``."""
    ledger: Mapping[str, list[Recorded]]
    """What the HUB was asked, by kind."""
    printed: str

    @property
    def described(self) -> list[Mapping[str, Any]]:
        """What the ``describe`` steps told."""
        return [answer["result"] for answer in self.answers if "type" not in answer.get("result", {"type": None})]

    @property
    def raised(self) -> Mapping[str, Any] | None:
        """The first exception of any step."""
        return next((answer["raised"] for answer in self.answers if "raised" in answer), None)

    def counts(self) -> dict[str, int]:
        return {kind: len(requests) for kind, requests in self.ledger.items()}


class ClientProcess(Driven):
    """The driver of a session: see ``drive_session.py``."""

    def __init__(self, which: Which, python: Path, environ: Mapping[str, str], folder: Path) -> None:
        super().__init__([python, HERE / "drive_session.py", which], environ, folder)
        self.ready = self.answer()


@attrs.frozen
class Clients:
    """How to run a scenario with either client."""

    folder: Path
    """A scratch folder: configuration, state and working directory of the clients."""

    def run(
        self,
        which: Which,
        script: HubScript,
        steps: Iterable[Step],
        *,
        in_peer: bool = False,
        hub_url: str | None = None,
        **environ: str,
    ) -> Run:
        """The steps, one after the other, and then ``end``.

        *in_peer* runs our client, too, in the old client's environment. *hub_url* sends the client elsewhere than to
        the recording HUB. Other keywords are environment variables.
        """
        folder = Path(tempfile.mkdtemp(dir=self.folder))
        with RecordingHub(script) as hub:
            variables = self._environ(which, folder, hub_url or hub.url, in_peer=in_peer) | environ
            python = PEER_PYTHON if which == "old" or in_peer else Path(sys.executable)
            with ClientProcess(which, python, variables, folder) as client:
                answers = []
                for one in (*steps, step("end")):
                    answers.append(client.ask(one.order))
                    if not hub.wait_for(one.sees):
                        raise AssertionError(
                            f"{which}: after {one.order} the HUB has seen {dict(hub.counts())}, not {dict(one.sees)}; "
                            f"the client answered {answers[-1]} and printed:\n{client.printed()}"
                        )
                status = client.leave()
                printed = client.printed()
            assert status == 0, f"{which}: exit status {status}; it printed:\n{printed}"
            told = json.loads(json.dumps(answers).replace(variables["ULTRALYTICS_HUB_API"], "<HUB>"))
            return Run(tuple(told), hub.ledger(), printed)

    def run_both(self, script: HubScript, steps: Iterable[Step], **options: Any) -> tuple[Run, Run]:
        """The same with the old client and with ours, side by side."""
        steps = tuple(steps)
        with ThreadPoolExecutor() as pool:
            old = pool.submit(self.run, "old", script, steps, **options)
            new = pool.submit(self.run, "new", script, steps, **options)
            return old.result(), new.result()

    @staticmethod
    def _environ(which: Which, folder: Path, hub_url: str, *, in_peer: bool) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith(FOREIGN)}
        variables = kept | {
            "HOME": str(folder),
            "NO_PROXY": "*",
            "PYTHONWARNINGS": "ignore",  # what the old client's imports are warned of is not ours to mend
            "ULTRALYTICS_HUB_API": hub_url,
            "ULTRALYTICS_HUB_WEB": "https://hub.ultralytics.com",
            "YOLO_CONFIG_DIR": str(folder),
            "HUBPORT_STATE_DIR": str(folder / "state"),
            "HUBPORT_AGENT": OLD_AGENT,
        }
        if in_peer and which == "new":
            variables["PYTHONPATH"] = str(_installed_in(folder / "packages"))
        return variables


def _installed_in(packages: Path) -> Path:
    """A folder of packages with hubport in it, as ``pip`` would leave it: for a foreign environment."""
    metadata = packages / "hubport-0.dist-info" / "METADATA"
    metadata.parent.mkdir(parents=True)
    metadata.write_text("Metadata-Version: 2.1\nName: hubport\nVersion: 0\n", encoding="utf-8")
    (packages / "hubport").symlink_to(ROOT / "src", target_is_directory=True)
    return packages
