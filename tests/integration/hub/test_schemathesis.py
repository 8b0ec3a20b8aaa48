"""The served HUB against its own document: no call that schemathesis makes of it gets a 5xx or an undocumented answer.

Nothing is left to chance, neither what is asked nor the IDs that the HUB gives out. It runs as a command, so that
nothing of it is in the way of the other tests.
"""

from __future__ import annotations

import os
import random
import re
import string
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from hubport.adapters.folder_blobs import FolderBlobs
from hubport.adapters.sql_hub import SqlHubStore
from hubport.adapters.web.openapi.document import document
from hubport.adapters.web.server import HubServer
from hubport.domain.hub.api.context import HubContext
from hubport.domain.hub.api.hub import HubApi
from hubport.domain.hub.ports.environment import HubEnvironment
from hubport.domain.hub.rate_limit import RateLimiter

KEY = "5" * 42
COMMAND = Path(sys.executable).with_name("schemathesis")
CONFIG = Path(__file__).with_name("schemathesis.toml")
METHODS = {"get", "head", "post", "put", "patch", "delete", "options", "trace"}
#: What the configuration leaves out, and nothing else.
LEFT_OUT = re.compile("HEAD /v1/(projects|datasets|models/.*/)")
PHASES = ("Examples", "Coverage", "Fuzzing", "Stateful")


class SameEachTime(HubEnvironment):
    """One user, and IDs that are the same in each run."""

    def __init__(self) -> None:
        self._random = random.Random(1)

    def new_id(self) -> str:
        return "".join(self._random.choices(string.ascii_letters + string.digits, k=20))

    def new_token(self) -> str:
        return self.new_id()

    def wall(self) -> float:
        return time.time()

    def user(self, headers: Mapping[str, str]) -> str | None:
        return "user" if headers.get("x-api-key") == KEY else None


@pytest.fixture
def server(tmp_path: Path) -> Iterator[HubServer]:
    """A HUB that may be asked as often as one likes."""
    store = SqlHubStore(f"sqlite:///{tmp_path / 'hub.db'}")
    plenty = RateLimiter(1 << 62, 1.0)
    hub = HubApi(HubContext(store, FolderBlobs(tmp_path / "blobs"), SameEachTime()), plenty, plenty)
    with HubServer(hub) as server:
        yield server
    store.close()


def test_schemathesis_finds_nothing(server: HubServer, tmp_path: Path) -> None:
    done = subprocess.run(
        [COMMAND, "--config-file", CONFIG, "run", f"{server.url}/openapi.json", "--continue-on-failure", "--no-color"],
        env={**os.environ, "HUB_API_KEY": KEY},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert 0 == done.returncode, done.stdout + done.stderr
    paths = document(server.url)["paths"]
    operations = [f"{method.upper()} {path}" for path, item in paths.items() for method in METHODS & item.keys()]
    wanted = len([operation for operation in operations if not LEFT_OUT.match(operation)])
    assert [str(wanted)] * 2 == re.findall(r"(?:Selected|Tested): (\d+)", done.stdout)
    assert [] == [phase for phase in PHASES if f"✅ {phase}" not in done.stdout]
