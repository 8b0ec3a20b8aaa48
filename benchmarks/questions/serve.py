"""What does a HUB of one's own take, and what does it cost beside what it stands on?

The one rule: every server is asked by the same program, which says how busy it was itself.
"""

from __future__ import annotations

import contextlib
import hashlib
import itertools
import json
import os
import sqlite3
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import attrs

from benchmarks.bench import Bench
from benchmarks.figures import Spread, growth, number, ratio
from benchmarks.peers import HUBPORT, MLFLOW, Peer
from benchmarks.process import Child
from benchmarks.scale import MIB
from benchmarks.serving import BARE, OURS, THEIRS, Serving, serving
from benchmarks.table import Goal, Section, Table
from benchmarks.wire import values

NAME = "serve"
CONNECTIONS = (1, 16)
SERVERS = (OURS, BARE, THEIRS)
DISK = "the disk alone"
HALF = 0.5
UPLOAD_MEMORY = 64 * MIB
SMALL = 64 << 10
_EPOCH = "@@@@@@"
_BOUNDARY = "benchmark"
_NEW = {
    "dataset": {"name": "coco8.yaml"},
    "lineage": {"parent": {"name": "yolov8n.pt"}},
    "meta": {"name": "a benchmark"},
}


def measure(bench: Bench) -> dict[str, Any]:
    """All servers are up from the beginning and are asked in turn."""
    found: dict[str, list[Any]] = defaultdict(list)
    with contextlib.ExitStack() as stack:
        folder = stack.enter_context(bench.folder())
        paths = [_filled(folder / name, size) for name, size in (("small", SMALL), ("file", bench.scale.serve_bytes))]
        asked = [bench.attempt(_peer(name), partial(_ready, bench, stack, name, paths)) for name in SERVERS]
        for _ in range(bench.scale.serve_rounds):
            found[DISK].append(
                {
                    "posts": {"1": _committed(folder / "plain.db", bench.scale.serve_seconds)},
                    "upload": {"seconds": _kept(paths[1], folder / "kept")},
                }
            )
            rounds: dict[str, Any] = {name: {"posts": {}} for name in SERVERS}
            for connections, one in itertools.product(CONNECTIONS, asked):
                if one is not None:
                    posts = bench.attempt(_peer(one.name), partial(one.posts, connections, bench.scale.serve_seconds))
                    rounds[one.name]["posts"][str(connections)] = posts
            for one in asked:
                if one is not None:
                    rounds[one.name]["upload"] = bench.attempt(_peer(one.name), one.upload)
            for name, round_ in rounds.items():
                if bench.why_not(_peer(name)) is None:
                    found[name].append(round_)
    missing = {name: why for name in SERVERS if (why := bench.why_not(_peer(name)))}
    return {"rounds": dict(found), "missing": missing, "bytes": bench.scale.serve_bytes}


def _peer(name: str) -> Peer:
    return MLFLOW if name == THEIRS else HUBPORT


def _filled(path: Path, size: int) -> Path:
    with path.open("wb") as file:
        for _ in range(0, size, MIB):
            file.write(os.urandom(min(size, MIB)))
    os.sync()
    return path


def _committed(path: Path, seconds: float) -> dict[str, float]:
    """How often a plain program commits an epoch as a HUB has to: it is on the disk before the next."""
    text, answers = json.dumps(values(1)), 0
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as database:
        database.execute("pragma journal_mode = wal")
        database.execute("pragma synchronous = full")
        database.execute("create table if not exists epochs (epoch integer primary key, text text)")
        at_work, started = time.process_time(), time.perf_counter()
        while (took := time.perf_counter() - started) < seconds:
            database.execute("insert into epochs (text) values (?)", (text,))
            answers += 1
        return {"answers": answers, "seconds": took, "busy": 0.0, "work": time.process_time() - at_work}


def _kept(path: Path, target: Path) -> float:
    """Seconds in which a plain program keeps the file as a HUB has to: hashed, and on the disk."""
    started = time.perf_counter()
    digest = hashlib.sha256()
    with path.open("rb") as source, target.open("wb") as kept:
        while chunk := source.read(MIB):
            digest.update(chunk)
            kept.write(chunk)
        kept.flush()
        os.fsync(kept.fileno())
    took = time.perf_counter() - started
    target.unlink()
    return took


@attrs.frozen
class Asked:
    """A server that is up, and the programs that ask it."""

    name: str
    server: Serving
    posting: Child
    uploading: Child
    requests: Sequence[str]
    forms: Sequence[Mapping[str, str]]

    def posts(self, connections: int, seconds: float) -> dict[str, float]:
        """Answers, the seconds that they took, the client's own share, and the server's work."""
        order = {"connections": self.requests[:connections]}
        self.posting.ask({**order, "seconds": seconds / 5})
        before = self.server.work()
        told: dict[str, float] = self.posting.ask({**order, "seconds": seconds})
        return {**told, "work": self.server.work() - before}

    def upload(self) -> dict[str, float]:
        """Of a small file, for what every upload needs; then of the file."""
        small, large = self.forms
        self.uploading.ask(small)
        resident, before = self.server.reset_high_water(), self.server.work()
        seconds = self.uploading.ask(large, guard=600)
        work = self.server.work() - before
        return {"seconds": seconds, "grown": self.server.memory("VmHWM") - resident, "work": work}


def _ready(bench: Bench, stack: contextlib.ExitStack, name: str, paths: Sequence[Path]) -> Asked:
    server = stack.enter_context(serving(bench, name))
    posting = stack.enter_context(bench.child(HUBPORT, "serve_posts", server.url))
    uploading = stack.enter_context(bench.child(HUBPORT, "serve_upload", server.url))
    for child in (posting, uploading):
        child.hear()
    ids = [_new(name, server) for _ in range(max(CONNECTIONS))]
    requests = [_post(name, server, model_id) for model_id in ids]
    return Asked(name, server, posting, uploading, requests, [_form(name, server, ids[0], path) for path in paths])


def _new(name: str, server: Serving) -> str:
    """The ID of a model, or of what mlflow has for it."""
    if name == OURS:
        return str(server.ask("POST", "/v1/models", _NEW)["data"]["id"])
    if name == THEIRS:
        return str(server.ask("POST", "/api/2.0/mlflow/runs/create", {"experiment_id": "0"})["run"]["info"]["run_id"])
    return "Benchmark0Model0Id00"


def _head(server: Serving, path: str, kind: str, method: str = "POST") -> str:
    host = server.url.removeprefix("http://")
    return f"{method} {path} HTTP/1.1\r\nhost: {host}\r\nx-api-key: {server.key}\r\ncontent-type: {kind}\r\n"


def _post(name: str, server: Serving, model_id: str) -> str:
    """Seven floats of an epoch, as each server wants them."""
    floats = values(1)
    if name == THEIRS:
        path = "/api/2.0/mlflow/runs/log-batch"
        at = f"1{_EPOCH}"
        rows = [
            f'{{"key": "{key}", "value": {value}, "timestamp": {at}, "step": {at}}}' for key, value in floats.items()
        ]
        body = f'{{"run_id": "{model_id}", "metrics": [{", ".join(rows)}]}}'
    else:
        path = f"/v1/models/{model_id}"
        body = json.dumps({"metrics": {_EPOCH: json.dumps(floats)}, "type": "metrics"})
    return f"{_head(server, path, 'application/json')}content-length: {len(body)}\r\n\r\n{body}"


def _form(name: str, server: Serving, model_id: str, path: Path) -> dict[str, str]:
    if name == THEIRS:
        place = f"/api/2.0/mlflow-artifacts/artifacts/0/{model_id}/artifacts/last.pt"
        head = _head(server, place, "application/octet-stream", "PUT")
        return {"head": head, "before": "", "path": str(path), "after": ""}
    fields = {"epoch": "1", "type": "epoch", "isBest": "False"}
    parts = [
        f'--{_BOUNDARY}\r\nContent-Disposition: form-data; name="{field}"\r\n\r\n{value}\r\n'
        for field, value in fields.items()
    ]
    file = f'--{_BOUNDARY}\r\nContent-Disposition: form-data; name="last.pt"; filename="last.pt"\r\n\r\n'
    return {
        "head": _head(server, f"/v1/models/{model_id}/upload", f"multipart/form-data; boundary={_BOUNDARY}"),
        "before": "".join(parts) + file,
        "path": str(path),
        "after": f"\r\n--{_BOUNDARY}--\r\n",
    }


def section(raw: Mapping[str, Any]) -> Section:
    """The tables and goals of what was measured."""
    rounds: Mapping[str, list[Any]] = raw["rounds"]
    tables = [_posts_table(rounds, raw["missing"]), _upload_table(rounds, raw["missing"], raw["bytes"])]
    return Section(
        title="What does a HUB of one's own take?",
        how=(
            "`hubport serve` on SQLite and a folder, as its user starts it; the framework and server that it stands "
            "on, with nothing behind them but the parsing of the body; and `mlflow server` on SQLite, with one "
            "worker. A post is one epoch of seven floats, for mlflow a `log-batch` of the same; `hubport serve` has "
            "it on the disk when it answers. Requests are built before, and sent over kept connections by one "
            "program, whose own work is in the last column. An upload is moved by the kernel, as the part of a form, "
            "to mlflow as the body of a `PUT`. `hubport serve` has hashed and fsynced it when it answers; the bare "
            "server takes the form apart and keeps nothing. The disk alone is a plain program without a network, "
            "which commits one epoch after the other to SQLite, or hashes and fsyncs the file. The work is processor "
            "time of the server and its workers, which a busy machine hardly changes; the memory is the growth of "
            "their high-water marks, the worst of all rounds. Servers and client share the cores of one machine and "
            "are asked in turn. Ratios are within a round."
        ),
        tables=tables,
        goals=_goals(rounds, raw["bytes"]),
    )


def _rates(rounds: Sequence[Mapping[str, Any]], connections: int) -> list[float]:
    told = [found["posts"][str(connections)] for found in rounds]
    return [found["answers"] / found["seconds"] for found in told]


def _speeds(rounds: Sequence[Mapping[str, Any]], size: int) -> list[float]:
    return [size / MIB / found["upload"]["seconds"] for found in rounds]


def _times(ours: Sequence[float], base: Sequence[float]) -> Spread | None:
    # A server that has answered nothing in its turn gives no ratio.
    pairs = [(own, other) for own, other in zip(ours, base, strict=False) if other]
    return Spread.of(own / other for own, other in pairs) if pairs else None


def _shown(times: Spread | None) -> str:
    return "–" if times is None else f"{times} ×"


def _posts_table(rounds: Mapping[str, list[Any]], missing: Mapping[str, str]) -> Table:
    lines = []
    for connections in CONNECTIONS:
        base = _rates(rounds.get(BARE, []), connections)
        for name, found in rounds.items():
            if str(connections) not in found[0]["posts"]:
                continue
            told = [round_["posts"][str(connections)] for round_ in found]
            rates = _rates(found, connections)
            work = Spread.of(one["work"] * 1000 / max(one["answers"], 1) for one in told)
            busy = "–" if name == DISK else f"{Spread.of(one['busy'] * 100 for one in told)} %"
            shown = (str(Spread.of(rates)), _shown(_times(rates, base)), str(work), busy)
            lines.append((f"{name}, {connections} at once", *shown))
        lines += [(f"{name}, {connections} at once", why, "", "", "") for name, why in missing.items()]
    head = ("posts", "a second", "× bare", "server’s work, ms a post", "client’s own work")
    return Table(head, lines, "Metrics:")


def _upload_table(rounds: Mapping[str, list[Any]], missing: Mapping[str, str], size: int) -> Table:
    base = _speeds(rounds.get(BARE, []), size)
    lines = []
    for name, found in rounds.items():
        speeds = _speeds(found, size)
        uploads = [round_["upload"] for round_ in found]
        work = "–" if name == DISK else str(Spread.of(told["work"] for told in uploads))
        memory = "–" if name == DISK else growth(max(told["grown"] for told in uploads))
        lines.append((name, str(Spread.of(speeds)), _shown(_times(speeds, base)), work, memory))
    lines += [(name, why, "", "", "") for name, why in missing.items()]
    head = (f"upload of {size // MIB} MiB", "MiB/s", "× bare", "server’s work, s", "memory")
    return Table(head, lines, "Checkpoints:")


def _goals(rounds: Mapping[str, list[Any]], size: int) -> list[Goal]:
    ours, bare, theirs = (rounds.get(name, []) for name in SERVERS)
    goals = []
    for connections in CONNECTIONS:
        rates = _rates(ours, connections)
        for base, what, least in ((bare, "the bare server", HALF), (theirs, "mlflow server", 1.0)):
            goal = f"posts a second, {connections} at once, ≥ {number(least)} × {what}"
            goals.append(_goal(goal, _times(rates, _rates(base, connections)), least))
    goals.append(_goal("upload ≥ 0.5 × the bare server", _times(_speeds(ours, size), _speeds(bare, size)), HALF))
    grown = max(told["upload"]["grown"] for told in ours)
    goals.append(Goal("an upload adds < 64 MiB to the server", growth(grown), grown < UPLOAD_MEMORY))
    return goals


def _goal(what: str, times: Spread | None, least: float) -> Goal:
    if times is None:
        return Goal(what, "nothing to compare with", None)
    return Goal(what, ratio(times.median, 1), times.median >= least)
