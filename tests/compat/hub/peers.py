"""The old clients in processes of their own, pointed at a HUB that is served.

The one rule: nobody waits for time to pass. An order is over when the client has answered it; thirty seconds without
that are a failure that shows what the client printed.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import tempfile
import threading
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

from tests.compat.clients import FOREIGN, ROOT
from tests.compat.recording_hub import GUARD

PEER = ROOT / ".venv-peer-later"
PYTHON = PEER / "bin" / "python"
HERE = Path(__file__).parent


class Raised(Exception):
    """What a client's call raised, by name."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(kind, message)
        self.kind = kind
        self.message = message


def environ(url: str, key: str, folder: Path) -> dict[str, str]:
    """The variables of a client in *folder* whose HUB is at *url*, as a user exports them."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(FOREIGN)}
    return kept | {
        "HOME": str(folder),
        "HUB_API_KEY": key,
        "NO_PROXY": "*",
        "PYTHONWARNINGS": "ignore",  # what the old clients' imports are warned of is not ours to mend
        "ULTRALYTICS_HUB_API": url,
        "ULTRALYTICS_HUB_WEB": url,
        "YOLO_CONFIG_DIR": str(folder),
    }


class Late:
    """A process with hub-sdk and the last ultralytics. A context manager: it has ended, or is killed, at the end."""

    def __init__(self, url: str, key: str, folder: Path) -> None:
        self._printed = tempfile.TemporaryFile("w+", encoding="utf-8")  # noqa: SIM115 - closed in __exit__
        self._process = subprocess.Popen(
            [PYTHON, HERE / "drive_late.py"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._printed,
            cwd=folder,
            env=environ(url, key, folder),
            text=True,
        )

    def __enter__(self) -> Late:
        return self

    def __exit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        try:
            if exc_type is None and self._process.poll() is None:
                self._ask("end")
                status = self._process.wait(GUARD)
                assert 0 == status, f"exit status {status}; it printed:\n{self.printed()}"
        finally:
            self.kill()
            for pipe in (self._process.stdin, self._process.stdout, self._printed):
                if pipe is not None:
                    pipe.close()

    def new(self, maker: str, name: str, *args: object) -> str:
        """An object of the child, by its *name*."""
        self._ask("new", maker=maker, name=name, args=args)
        return name

    def call(self, name: str, method: str, *args: object, into: str | None = None, **kwargs: object) -> Any:
        """What the method of the object *name* gives."""
        return self._ask("call", name=name, method=method, args=args, kwargs=kwargs, into=into)

    def begin(self, name: str, method: str, *args: object) -> None:
        """Call a method whose threads go on."""
        self._ask("call", name=name, method=method, args=args, kwargs={}, endless=True)

    def put(self, name: str, attribute: str, key: object, value: object) -> None:
        self._ask("put", name=name, attribute=attribute, key=key, value=value)

    def read(self, name: str, *path: str) -> Any:
        return self._ask("read", name=name, path=path)

    def fetch(self, url: str, path: Path) -> Any:
        """The file at *url*, as a trainer downloads it."""
        return self._ask("fetch", url=url, path=str(path))

    def hook(self, name: str, hook: str, epoch: int = 0) -> None:
        self._ask("hook", name=name, hook=hook, epoch=epoch)

    def kill(self) -> None:
        """SIGKILL, wherever it is."""
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGKILL)
        self._process.wait(GUARD)

    def printed(self) -> str:
        """What it wrote to standard error."""
        self._printed.seek(0)
        return self._printed.read()

    def _ask(self, do: str, **order: object) -> Any:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        print(json.dumps({"do": do, **order}), file=self._process.stdin, flush=True)
        guard = threading.Timer(GUARD, self._process.kill)  # a client that hangs ends, and with it this line
        guard.start()
        try:
            line = self._process.stdout.readline()
        finally:
            guard.cancel()
        if not line:
            status = self._process.wait(GUARD)
            raise AssertionError(f"the client is gone, exit status {status}; it printed:\n{self.printed()}")
        answer: Mapping[str, Any] = json.loads(line)
        if "raised" in answer:
            raise Raised(answer["raised"], answer["message"])
        return answer["result"]
