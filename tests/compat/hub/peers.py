"""The old clients in processes of their own, pointed at a HUB that is served.

The one rule: what a call of theirs raises is raised here, by its name.
"""

from __future__ import annotations

import os
from pathlib import Path
from types import TracebackType
from typing import Any

from tests.compat.clients import FOREIGN, ROOT
from tests.compat.driven import Driven

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


class Late(Driven):
    """A process with hub-sdk and the last ultralytics. A context manager: it has ended, or is killed, at the end."""

    def __init__(self, url: str, key: str, folder: Path) -> None:
        super().__init__([PYTHON, HERE / "drive_late.py"], environ(url, key, folder), folder)

    def __exit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        try:
            if exc_type is None and self._process.poll() is None:
                self._ask("end")
                status = self.leave()
                assert 0 == status, f"exit status {status}; it printed:\n{self.printed()}"
        finally:
            self.kill()
            super().__exit__(exc_type, exc, traceback)

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

    def _ask(self, do: str, **order: object) -> Any:
        answer = self.ask({"do": do, **order})
        if "raised" in answer:
            raise Raised(answer["raised"], answer["message"])
        return answer["result"]
