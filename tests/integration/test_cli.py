"""The command ``hubport``, as a user runs it."""

from __future__ import annotations

import json
import re
import signal
from importlib import metadata

import pytest

from hubport.testing.lab import Child, Refuse
from tests.integration.conftest import TrainerSandbox


def outcome(child: Child) -> tuple[int, list[str], list[str]]:
    said = child.rest()
    return child.end(), said, child.stderr.splitlines()


def test_the_demo_as_json(site: TrainerSandbox) -> None:
    status, said, complaints = outcome(
        site.hubport("demo", "--epochs", "2", "--json", fresh=True, TMPDIR=str(site.folder))
    )
    assert (0, []) == (status, complaints)
    result = json.loads("\n".join(said))
    assert {
        "model_url",
        "status",
        "epochs_wanted",
        "epochs_held",
        "accuracy",
        "missing",
        "checkpoints",
        "report",
    } == set(result)
    assert ("trained", 2, 2, []) == tuple(
        result[name] for name in ("status", "epochs_wanted", "epochs_held", "missing")
    )
    assert ["epoch", "final"] == [checkpoint["kind"] for checkpoint in result["checkpoints"]]
    for checkpoint in result["checkpoints"]:
        assert checkpoint["is_identical"]
        assert checkpoint["size"] > 1000
        assert re.fullmatch("[0-9a-f]{64}", checkpoint["sha256"])
    assert 0.5 < result["accuracy"] <= 1.0
    assert result["report"]["is_complete"]
    assert result["report"]["final_delivered"]
    assert [] == list(site.folder.glob("hubport-demo-*"))


def test_the_demo_against_a_hub_elsewhere(site: TrainerSandbox) -> None:
    status, said, complaints = outcome(
        site.hubport("demo", "--epochs", "2", "--hub", site.url, "--api-key", site.hub.api_key, HUB_API_KEY="0" * 42)
    )
    assert (0, []) == (status, complaints)
    (created,) = {entry.path.split("/")[3] for entry in site.hub.received("model")}
    assert [0, 1] == list(site.hub.metrics(created))
    assert ["epoch", "final"] == [checkpoint.kind.value for checkpoint in site.hub.checkpoints(created)]
    table = "\n".join(said)
    for word in (
        "epoch   1/2",
        "epoch   2/2",
        f"{site.url}/models/{created}",
        "2 of 2",
        "trained",
        "accuracy",
        "as sent",
    ):
        assert word in table
    assert site.hub.api_key not in table
    assert [] == site.spools()


def test_the_demo_says_what_did_not_arrive(site: TrainerSandbox) -> None:
    site.hub.refuse(422, on="metrics")
    status, said, complaints = outcome(site.hubport("demo", "--epochs", "2", "--hub", site.url, "--json"))
    assert 1 == status
    assert site.hub.api_key not in "".join(said + complaints)
    assert "hubport: missing in the HUB: 2 epochs of metrics" == complaints[-1]
    assert not [line for line in complaints if line.startswith("hubport: ")][1:]


def test_a_hub_that_is_down_is_one_line(site: TrainerSandbox) -> None:
    site.lab.always(Refuse())
    status, said, complaints = outcome(site.hubport("demo", "--hub", site.url))
    assert (1, []) == (status, said)
    (line,) = complaints
    assert line.startswith(f"hubport: no answer from the HUB at {site.url}")
    assert "hubport's command `serve`" in line


def test_a_wrong_key_is_one_line_without_the_key(site: TrainerSandbox) -> None:
    wrong = site.hub.api_key[::-1]
    status, said, complaints = outcome(site.hubport("demo", "--hub", site.url, "--api-key", wrong))
    assert (1, []) == (status, said)
    (line,) = complaints
    assert line.startswith("hubport: ")
    assert "key" in line
    assert wrong not in line


def test_no_key_is_one_line(site: TrainerSandbox) -> None:
    status, said, complaints = outcome(site.hubport("demo", "--hub", site.url, HUB_API_KEY=""))
    assert (1, []) == (status, said)
    (line,) = complaints
    assert line.startswith(f"hubport: no key for the HUB at {site.url}")
    assert [] == site.hub.ledger


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("unheard-of",),
        ("demo", "--epochs", "0"),
        ("demo", "--epochs", "many"),
        ("demo", "--keep", "folder", "--hub", "http://127.0.0.1:8421"),
    ],
)
def test_a_command_line_without_sense(site: TrainerSandbox, arguments: tuple[str, ...]) -> None:
    status, said, complaints = outcome(site.hubport(*arguments))
    assert (2, []) == (status, said)
    assert complaints[0].startswith("usage: hubport")
    assert "Traceback" not in "".join(complaints)


def test_the_version(site: TrainerSandbox) -> None:
    assert (0, [f"hubport {metadata.version('hubport')}"], []) == outcome(site.hubport("--version", fresh=True))


def test_an_impatient_user_of_the_demo(site: TrainerSandbox) -> None:
    child = site.hubport("demo", "--epochs", "100000", TMPDIR=str(site.folder))
    while "epoch   3/100000" not in child.line():
        pass
    child.signal(signal.SIGINT)
    status, _, complaints = outcome(child)
    assert 130 == status
    assert "Traceback" not in "\n".join(complaints)
    assert [] == list(site.folder.glob("hubport-demo-*"))
