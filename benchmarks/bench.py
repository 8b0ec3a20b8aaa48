"""What a question gets to work with.

The one rule: a client that fails costs its own row of one question: the failure is shown in the table and explained on
the terminal, and the others are measured.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import shutil
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

import attrs

from benchmarks.peers import ROOT, Peer
from benchmarks.process import Child, ChildFailed, HubProcess
from benchmarks.scale import Scale
from benchmarks.wire import environment

T = TypeVar("T")

NOT_INSTALLED = "could not be installed"
FAILED = "failed"
NOT_ASKED = "not asked for"


@attrs.define
class Bench:
    """One run: its sizes, its scratch folder, and who is there."""

    scale: Scale
    scratch: Path
    with_peers: bool = True
    _numbers: Iterator[int] = attrs.field(factory=itertools.count, init=False)
    _failed: dict[str, str] = attrs.field(factory=dict, init=False)

    def why_not(self, peer: Peer) -> str | None:
        """Why *peer* has no figures; ``None`` when it has."""
        if peer.environment and not self.with_peers:
            return NOT_ASKED
        if not peer.is_installed:
            return NOT_INSTALLED
        return self._failed.get(peer.name)

    def attempt(self, peer: Peer, measure: Callable[[], T]) -> T | None:
        """What *measure* finds for *peer*; after a failure nothing until the next question."""
        if self.why_not(peer) is not None:
            return None
        try:
            return measure()
        except (ChildFailed, ValueError) as exc:
            if not peer.environment:
                raise
            self._failed[peer.name] = FAILED
            self.say(f"{peer.name} failed: {exc}")
            return None

    def begin(self, question: str) -> None:
        """Another *question*, with another chance for everybody."""
        self._failed.clear()
        self.say(f"{question} ...")

    def together(self, jobs: Sequence[Callable[[], T]], most: int) -> list[T]:
        """The results of *jobs*, of which *most* run at once: for what waits more than it works."""
        with ThreadPoolExecutor(most) as pool:
            return [future.result() for future in [pool.submit(job) for job in jobs]]

    @contextlib.contextmanager
    def hub(self) -> Iterator[HubProcess]:
        """A HUB of this run's own."""
        with HubProcess(ROOT) as hub:
            yield hub

    @contextlib.contextmanager
    def folder(self) -> Iterator[Path]:
        """An empty folder, which is gone afterwards."""
        folder = self.scratch / str(next(self._numbers))
        folder.mkdir()
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    @contextlib.contextmanager
    def child(
        self,
        peer: Peer,
        program: str,
        url: str = "",
        *,
        folder: Path | None = None,
        **options: Any,
    ) -> Iterator[Child]:
        """*program* under *peer*'s interpreter, with *options* and the name of its client."""
        with contextlib.ExitStack() as stack:
            folder = folder or stack.enter_context(self.folder())
            env = environment(os.environ, url, folder, ROOT)
            arguments = json.dumps(options | {"client": peer.client, "url": url})
            command = (peer.python, "-m", f"benchmarks.programs.{program}", arguments)
            yield stack.enter_context(Child(command, env, folder))

    def say(self, text: str) -> None:
        """A line for whoever waits."""
        print(text, file=sys.stderr, flush=True)
