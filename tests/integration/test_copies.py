"""Sessions that go to other processes, with what holds them; and scripts that other processes import."""

from __future__ import annotations

import json
from typing import Any

import pytest

from hubport.testing.lab import Child
from tests.integration.conftest import TrainerSandbox


def last_word(child: Child) -> dict[str, Any]:
    word = "\n".join(child.rest())
    assert 0 == child.end(), child.stderr
    said: dict[str, Any] = json.loads(word)
    return said


@pytest.mark.parametrize("how", ["spawn", "forkserver", "fork", "cloudpickle", "joblib"])
def test_a_trainer_that_holds_sessions_goes_to_another_process(site: TrainerSandbox, how: str) -> None:
    second = site.hub.create_model(epochs=3).id
    child = site.start("copies", second, how, site.folder, fresh=True)
    said = last_word(child)
    state = "forked" if how == "fork" else "copy"
    assert [state, state] == said["states"]
    assert site.model_id == said["model_id"]
    assert said["train_args_of_session"] == said["train_args"]
    assert (False, 3) == (said["is_complete"], said["lost"])
    if how not in {"cloudpickle", "joblib"}:
        assert 1 == said["threads"]
    if how != "fork":  # what a fork copies is the whole memory
        assert not said["key"]
    assert 2 == child.stderr.count("session.not_sent"), child.stderr
    assert said["own"]["is_complete"]
    assert {0: {"own": 1.0}} == site.hub.metrics(site.model_id)
    assert {} == site.hub.metrics(second)
    assert 2 == len(site.hub.received("auth"))


@pytest.mark.parametrize(
    ("method", "how"),
    [("spawn", "logs nothing"), ("spawn", "logs"), ("spawn", "worker"), ("forkserver", "logs")],
    ids=lambda value: value,
)
def test_a_script_without_a_guard_has_one_session(site: TrainerSandbox, method: str, how: str) -> None:
    second = site.hub.create_model(epochs=3).id
    child = site.start("unguarded", second, method, how, fresh=True)
    said = last_word(child)
    expected = {
        "logs nothing": [["disabled", True]] * 2,
        "logs": [["disabled", False]] * 2,
        "worker": [["running", True]] * 2,
    }
    assert expected[how] == said["found"]
    assert said["is_complete"]
    # The server of forkserver has imported the script for its workers.
    assert 1 == child.stderr.count("session.disabled"), child.stderr
    assert '__name__ == "__main__"' in child.stderr
    assert (1 if how == "logs" else 0) == child.stderr.count("session.not_sent"), child.stderr
    assert {0: {"own": 1.0}} == site.hub.metrics(site.model_id)
    assert (3 if how == "worker" else 1) == len(site.hub.received("auth"))
    assert [0, 1] == list(site.hub.metrics(second)) if how == "worker" else {} == site.hub.metrics(second)


def test_who_asks_for_it_has_a_session_in_each(site: TrainerSandbox) -> None:
    second = site.hub.create_model(epochs=3).id
    child = site.start("unguarded", second, "spawn", "logs nothing", fresh=True, HUBPORT_RANK="0")
    assert ["running", "running"] == [state for state, _ in last_word(child)["found"]]
    assert 2 == len(site.hub.received("auth"))
