"""The servers that are measured: `hubport serve`, what it stands on, and mlflow's.

The one rule: each is the program that its user starts, in a process and a folder of its own.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import socket
import threading
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import attrs

from benchmarks.bench import Bench
from benchmarks.peers import HUBPORT, MLFLOW, ROOT
from benchmarks.process import Child, ChildFailed, descendants
from benchmarks.wire import environment

OURS, BARE, THEIRS = "hubport serve", "uvicorn and multipart, bare", "mlflow server"
START_WITHIN = 180.0
_LOOK_EVERY = 0.05
_NO_LIMIT = str(10**9)


@attrs.frozen
class Serving:
    """A server that listens."""

    url: str
    key: str
    pid: int

    def ask(self, method: str, path: str, body: Mapping[str, Any]) -> Any:
        """One call, outside of what is measured."""
        place = urlsplit(self.url)
        connection = http.client.HTTPConnection(place.hostname or "", place.port, timeout=START_WITHIN)
        with contextlib.closing(connection):
            headers = {"content-type": "application/json", "x-api-key": self.key}
            try:
                connection.request(method, path, json.dumps(body), headers)
                answer = connection.getresponse()
                text = answer.read()
            except (OSError, http.client.HTTPException) as exc:
                raise ChildFailed(f"{method} {path} was not answered: {exc}") from exc
        if answer.status >= 400:
            raise ValueError(f"{method} {path} was answered with {answer.status}: {text[:300]!r}")
        return json.loads(text)

    def reset_high_water(self) -> int:
        """Bytes resident now, of the server and its workers; their high-water marks begin anew."""
        for pid in self._pids():
            Path(f"/proc/{pid}/clear_refs").write_text("5", encoding="ascii")
        return self.memory("VmRSS")

    def memory(self, field: str) -> int:
        """Bytes, of the server and its workers together."""
        return sum(_memory(pid, field) for pid in self._pids())

    def work(self) -> float:
        """Seconds of processor time that the server and its workers have used."""
        return sum(_work(pid) for pid in self._pids())

    def _pids(self) -> list[int]:
        return [self.pid, *descendants(self.pid)]


def _memory(pid: int, field: str) -> int:
    lines = Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines()
    return next((int(line.split()[1]) << 10 for line in lines if line.startswith(f"{field}:")), 0)


def _work(pid: int) -> float:
    # The name of the program, in parentheses, may hold anything.
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@contextlib.contextmanager
def serving(bench: Bench, name: str) -> Iterator[Serving]:
    """The server *name*, new, with an empty folder."""
    with bench.folder() as folder:
        env = environment(os.environ, "", folder, ROOT)
        if name == THEIRS:
            with _mlflow(folder, env) as found:
                yield found
            return
        command: list[str | Path] = [HUBPORT.python, "-m", "benchmarks.servers.serve_bare"]
        if name == OURS:
            data = str(folder / "data")
            program = "import sys; from hubport.app.cli.main import main; sys.exit(main())"
            command = [HUBPORT.python, "-c", program, "serve", "--json", "--port", "0", "--data-dir", data]
            command += ["--rate-limit", _NO_LIMIT]
        with Child(command, env, folder) as child:
            told = child.hear(guard=START_WITHIN)
            yield Serving(told["url"], told["key"], child.process.pid)


@contextlib.contextmanager
def _mlflow(folder: Path, env: Mapping[str, str]) -> Iterator[Serving]:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command: list[str | Path] = [MLFLOW.python, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(port)]
    # One worker, as `hubport serve` has one process. The supervisor of several kills those that a busy machine slows.
    command += ["--workers", "1"]
    command += ["--backend-store-uri", f"sqlite:///{folder / 'mlflow.db'}"]
    command += ["--artifacts-destination", str(folder / "artifacts")]
    quiet = {"MLFLOW_DISABLE_TELEMETRY": "true", "DO_NOT_TRACK": "true", "GIT_PYTHON_REFRESH": "quiet"}
    with Child(command, {**env, **quiet}, folder) as child:
        url = f"http://127.0.0.1:{port}"
        _wait_until_it_answers(port, child)
        yield Serving(url, "", child.process.pid)


def _wait_until_it_answers(port: int, child: Child) -> None:
    """It says on no channel of its own when it is ready: look again until it answers."""
    pause, deadline = threading.Event(), time.monotonic() + START_WITHIN
    while time.monotonic() < deadline and child.process.poll() is None:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=START_WITHIN)
        with contextlib.closing(connection), contextlib.suppress(OSError, http.client.HTTPException):
            connection.request("GET", "/health")
            if connection.getresponse().status == 200:
                return
        pause.wait(_LOOK_EVERY)
    raise ChildFailed(f"nobody answers at port {port}; it printed:\n{child.printed()}")
