"""`hubport keys`: made, listed and revoked on the machine where the data is, whether a server runs or not."""

from __future__ import annotations

import re

import pytest
import requests

from hubport.testing.lab import HANG_TIMEOUT
from tests.integration.cli.conftest import Machine


def takes(url: str, key: str) -> bool:
    return requests.post(f"{url}/v1/auth", headers={"x-api-key": key}, timeout=HANG_TIMEOUT).status_code == 200


def test_a_key_is_shown_where_it_is_made_and_nowhere_else(machine: Machine) -> None:
    status, said, complaints = machine.outcome("keys", "create", "--name", "lab 7")
    assert (0, []) == (status, complaints)
    found = re.search(r"export HUB_API_KEY=([0-9a-f]{42})", "\n".join(said))
    assert found is not None
    table = "\n".join(machine.outcome("keys", "list")[1])
    assert "lab 7" in table
    assert f"…{found[1][-4:]}" in table
    assert found[1] not in table
    assert found[1] not in str(machine.json("keys", "list"))
    assert found[1].encode() not in (machine.data / "hub.sqlite3").read_bytes()


def test_a_running_server_takes_a_new_key_at_once(machine: Machine) -> None:
    _, ready = machine.served()
    made = machine.json("keys", "create", "--name", "mine")
    assert takes(ready["url"], made["key"])
    used = {key["id"]: key for key in machine.json("keys", "list")}
    assert {made["id"]} < set(used)
    assert not any(key["is_revoked"] for key in used.values())


def test_a_running_server_that_is_asked_again_and_again_stops_taking_a_revoked_one(machine: Machine) -> None:
    """Within seconds: it holds for two what it has seen to be good."""
    _, ready = machine.served("--rate-limit", 10**9)
    made = machine.json("keys", "create")
    assert takes(ready["url"], made["key"])
    revoked = machine.json("keys", "revoke", made["id"])
    assert [True] == [key["is_revoked"] for key in revoked]
    while takes(ready["url"], made["key"]):
        pass  # asked again, until it is not
    assert takes(ready["url"], ready["key"])


def test_the_last_use_is_in_the_list_when_the_server_has_stopped(machine: Machine) -> None:
    child, ready = machine.served()
    assert [None] == [key["last_used"] for key in machine.json("keys", "list")]
    assert takes(ready["url"], ready["key"])
    child.terminate()
    assert 0 == child.end()
    assert [True] == [key["last_used"] is not None for key in machine.json("keys", "list")]


def test_a_key_that_was_made_before_the_first_start_is_the_first(machine: Machine) -> None:
    """So that the key of a service need not go through its log."""
    made = machine.json("keys", "create")
    _, ready = machine.served()
    assert ready["key"] is None
    assert takes(ready["url"], made["key"])


def test_revoking_what_is_not_there(machine: Machine) -> None:
    machine.json("keys", "create")
    status, said, (line,) = machine.outcome("keys", "revoke", "nobody")
    assert (1, []) == (status, said)
    assert "hubport keys list" in line


@pytest.mark.parametrize("arguments", [("list",), ("revoke", "x")])
def test_where_there_is_no_hub_none_is_begun(machine: Machine, arguments: tuple[str, ...]) -> None:
    status, said, (line,) = machine.outcome("keys", *arguments)
    assert (1, []) == (status, said)
    assert str(machine.data) in line
    assert not machine.data.exists()


def test_a_revoked_key_stays_in_the_list(machine: Machine) -> None:
    made = machine.json("keys", "create", "--name", "lost")
    status, said, _ = machine.outcome("keys", "revoke", made["id"])
    assert (0, [f"{made['id']} (lost, …{made['key'][-4:]}) is good no more."]) == (status, said)
    assert "revoked" in "\n".join(machine.outcome("keys", "list")[1])


@pytest.mark.parametrize(
    "arguments",
    [(), ("unheard-of",), ("revoke",), ("create", "--name", ""), ("create", "--name", "a\nb")],
)
def test_wrong_usage(machine: Machine, arguments: tuple[str, ...]) -> None:
    status, said, complaints = machine.outcome("keys", *arguments)
    assert (2, []) == (status, said)
    assert complaints[0].startswith("usage: hubport keys")


def test_what_was_revoked_before_a_bad_id_is_said(machine: Machine) -> None:
    key = machine.json("keys", "create")["id"]
    status, said, (line,) = machine.outcome("keys", "revoke", key, key, "nope")
    assert (1, 1) == (status, len(said))
    assert said[0].startswith(key)
    assert "nope" in line
