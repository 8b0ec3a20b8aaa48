"""Names of our dependencies that they do not promise to keep: which ones, and up to which version they were tried."""

from __future__ import annotations

import asyncio
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest
import tomli
from packaging.requirements import Requirement

ROOT = Path(__file__).parents[2]


def h11_protocol() -> object:
    """uvicorn's protocol as it is before a connection."""
    from uvicorn.config import Config
    from uvicorn.protocols.http.h11_impl import H11Protocol
    from uvicorn.server import ServerState

    loop = asyncio.new_event_loop()
    try:
        config = Config(lambda: None, lifespan="off", ws="none", log_config=None)
        config.load()
        return H11Protocol(config, ServerState(), {}, loop)
    finally:
        loop.close()


def request_response_cycle() -> object:
    from uvicorn.protocols.http import h11_impl

    return set(h11_impl.RequestResponseCycle.__init__.__code__.co_names)


def script_directory() -> object:
    from alembic.script import ScriptDirectory

    return ScriptDirectory


#: Below the public face: uvicorn says nothing of its protocols, and Alembic's documentation uses the name itself.
PRIVATE: dict[str, tuple[Any, frozenset[str]]] = {
    "uvicorn": (
        h11_protocol,
        frozenset(
            {
                "connection_made",
                "connection_lost",
                "data_received",
                "eof_received",
                "pause_writing",
                "resume_writing",
                "send_400_response",
                "shutdown",
                "access_log",
                "conn",
                "connections",
                "cycle",
                "logger",
                "loop",
                "tasks",
                "transport",
            }
        ),
    ),
    "alembic": (script_directory, frozenset({"_upgrade_revs"})),
}


def requirement(name: str) -> Requirement:
    project = tomli.loads((ROOT / "pyproject.toml").read_text())["project"]
    (found,) = (one for one in map(Requirement, project["optional-dependencies"]["hub"]) if one.name == name)
    return found


@pytest.mark.parametrize("package", PRIVATE)
def test_the_private_names_of_a_dependency_are_there(package: str) -> None:
    make, names = PRIVATE[package]
    found = make()
    gone = sorted(name for name in names if not hasattr(found, name))
    version = metadata.version(package)
    assert [] == gone, f"{package} {version} has lost private names that hubport uses: lower its cap in pyproject.toml"


def test_a_request_under_way_at_uvicorns_can_be_cut() -> None:
    gone = {"disconnected", "message_event", "response_complete", "response_started"} - request_response_cycle()  # type: ignore[operator]
    assert set() == gone, "uvicorn has lost what protocol.py cuts a request by"


@pytest.mark.parametrize("package", PRIVATE)
def test_a_dependency_with_private_names_is_capped_at_what_was_tried(package: str) -> None:
    wanted, version = requirement(package), metadata.version(package)
    assert any(one.operator == "<" for one in wanted.specifier), f"{package} has no upper bound"
    assert version in wanted.specifier, f"{package} {version} was not tried: run the tests, then raise the cap"
    dev = tomli.loads((ROOT / "pyproject.toml").read_text())["dependency-groups"]["dev"]
    (ours,) = (one for one in map(Requirement, dev) if one.name == package)
    assert wanted.specifier == ours.specifier
