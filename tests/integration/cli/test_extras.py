"""Who only trains needs no extra, and who lacks one is told which."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from hubport.testing import FakeHub, LoopbackServer
from hubport.testing.lab import Child
from tests.integration.cli.conftest import Machine

_PROGRAM = Path(__file__).with_name("without_extra_hub.py")


def outcome(machine: Machine, *arguments: str, **environment: str) -> tuple[int, list[str], list[str]]:
    command = [sys.executable, str(_PROGRAM), *arguments]
    child = Child.run(command, machine.environment(**environment), machine.folder / f"stderr-{len(machine.children)}")
    machine.children.append(child)
    said = child.rest()
    return child.end(), said, child.stderr.splitlines()


def test_status_needs_no_extra(machine: Machine) -> None:
    status, said, complaints = outcome(machine, "status", "--json")
    assert (0, ["[]"], []) == (status, said, complaints)


def test_models_of_a_hub_elsewhere_need_no_extra(machine: Machine) -> None:
    hub = FakeHub()
    model = hub.create_model()
    with LoopbackServer(hub) as server:
        status, said, complaints = outcome(
            machine, "models", "list", "--json", ULTRALYTICS_HUB_API=server.url, HUB_API_KEY=hub.api_key
        )
    assert (0, []) == (status, complaints)
    assert [model.id] == [record["id"] for record in json.loads("\n".join(said))]


def test_serve_names_the_extra_in_one_line(machine: Machine) -> None:
    status, said, (line,) = outcome(machine, "serve")
    assert (1, []) == (status, said)
    assert line.startswith("hubport: ")
    assert "pip install 'hubport[hub]'" in line


def test_so_does_the_demo(machine: Machine) -> None:
    status, said, (line,) = outcome(machine, "demo")
    assert (1, []) == (status, said)
    assert "pip install 'hubport[hub]'" in line
