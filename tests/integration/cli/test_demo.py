"""`hubport demo` on the embedded HUB: a page while it trains, and a folder where that was asked for."""

from __future__ import annotations

import re

import pytest
import requests

from hubport.testing.lab import HANG_TIMEOUT
from tests.integration.cli.conftest import Machine
from tests.integration.cli.terminal import at_terminal


def test_the_page_is_there_while_it_trains(machine: Machine) -> None:
    child = machine.hubport("demo", "--epochs", "100000")
    while not (line := child.line()).startswith("Look at it: "):
        pass
    link = re.fullmatch(r"Look at it: (http://127\.0\.0\.1:\d+)/models/(\w{20})#key=([0-9a-f]{42})", line)
    assert link is not None
    root, model_id, key = link.groups()
    page = requests.get(f"{root}/models/{model_id}", timeout=HANG_TIMEOUT)
    assert (200, True) == (page.status_code, page.headers["content-type"].startswith("text/html"))
    record = requests.get(f"{root}/v1/models/{model_id}", headers={"x-api-key": key}, timeout=HANG_TIMEOUT).json()[
        "data"
    ]
    assert "handwritten digits" == record["meta"]["name"]
    child.interrupt()
    child.rest()
    assert 130 == child.end()
    assert "Traceback" not in child.stderr
    assert not machine.data.exists()
    assert [] == list(machine.folder.glob("hubport-demo-*"))


def test_in_a_terminal_the_page_stays_until_enter(machine: Machine) -> None:
    with at_terminal(machine.environment(), "demo", "--epochs", "1") as terminal:
        terminal.wait_for("until you press Enter: ")
        terminal.wait_for("#key=")
        link = re.search(r"until you press Enter: (http://127\.0\.0\.1:\d+/models/\w{20})", terminal.shown)
        assert link is not None
        assert 200 == requests.get(link[1], timeout=HANG_TIMEOUT).status_code
        terminal.type("\r")
        assert 0 == terminal.end(), terminal.shown
    with pytest.raises(requests.ConnectionError):
        requests.get(link[1], timeout=HANG_TIMEOUT)
    assert "What the HUB holds now:" in terminal.shown


@pytest.mark.parametrize("typed", ["\x03", "\x04"], ids=["Ctrl-C", "end"])
def test_the_wait_may_be_ended_in_any_way(machine: Machine, typed: str) -> None:
    kept = str(machine.folder / "kept")
    with at_terminal(machine.environment(), "demo", "--epochs", "1", "--keep", kept) as terminal:
        terminal.wait_for("until you press Enter: ")
        terminal.wait_for("#key=")
        terminal.type(typed)
        assert 0 == terminal.end(), terminal.shown
    assert "Traceback" not in terminal.shown
    assert f"It is kept: hubport serve --data-dir {kept}" in terminal.shown
    assert [] == list(machine.folder.glob("hubport-demo-*"))


@pytest.mark.parametrize("option", ["--no-wait", "--json"])
def test_nobody_is_waited_for_who_has_said_so(machine: Machine, option: str) -> None:
    with at_terminal(machine.environment(), "demo", "--epochs", "1", option) as terminal:
        assert 0 == terminal.end(), terminal.shown
    assert "press Enter" not in terminal.shown


def test_what_is_kept_is_served_again(machine: Machine) -> None:
    kept = machine.folder / "kept"
    status, said, complaints = machine.ended("demo", "--epochs", "1", "--keep", kept)
    assert (0, []) == (status, complaints)
    assert f"It is kept: hubport serve --data-dir {kept}" == said[-1]
    key = re.fullmatch(r"To see it again: http://127\.0\.0\.1:8421/models/\w{20}#key=(\w{42})", said[-2])
    assert key is not None
    (model,) = machine.json("models", "list", "--data-dir", kept)
    assert "trained" == model["status"]

    _, ready = machine.served("--data-dir", kept)
    assert ready["key"] is None
    headers = {"x-api-key": key[1]}
    record = requests.get(f"{ready['url']}/v1/models/{model['id']}", headers=headers, timeout=HANG_TIMEOUT).json()[
        "data"
    ]
    assert record["weights"].startswith(ready["url"])
    assert 200 == requests.get(record["weights"], timeout=HANG_TIMEOUT).status_code


def test_it_may_be_kept_where_serve_looks(machine: Machine) -> None:
    """Beside what is there, which has keys that nobody remembers here."""
    machine.json("keys", "create")
    status, said, complaints = machine.ended("demo", "--epochs", "1", "--keep")
    assert (0, []) == (status, complaints)
    assert "It is kept: hubport serve" == said[-1]
    assert ["demo", "unnamed"] == [key["name"] for key in machine.json("keys", "list")]
    assert 1 == len(machine.json("models", "list"))


def test_where_it_cannot_be_kept(machine: Machine) -> None:
    (machine.folder / "file").touch()
    status, said, (line,) = machine.ended("demo", "--keep", machine.folder / "file" / "below")
    assert (1, []) == (status, said)
    assert "--data-dir" in line
