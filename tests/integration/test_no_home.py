"""A user without a home folder, as a container with an arbitrary number has one: one line says what to name."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.integration.conftest import TrainerSandbox
from tests.integration.left_overs import outcome

_WITHOUT_HOME = Path(__file__).with_name("cli") / "hubport_without_home.py"


@pytest.fixture(autouse=True)
def _as_root() -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can become a user whom the system does not know")


@pytest.mark.parametrize("command", [["status"], ["sync"], ["sync", "--dry-run"], ["status", "--json"]], ids=" ".join)
def test_what_waits_is_nowhere_without_a_folder(site: TrainerSandbox, command: list[str]) -> None:
    status, said, complaints = outcome(site.run(_WITHOUT_HOME, *command, zygote=site.command_zygote))

    assert (1, []) == (status, said)
    expected = "this user has no home folder: name a folder that this user can write to"
    assert [f"hubport: state_dir (HUBPORT_STATE_DIR): {expected}"] == complaints


@pytest.mark.parametrize(
    "command",
    [["serve", "--port", "0"], ["models", "list"], ["keys", "list"], ["keys", "create"], ["demo", "--keep"]],
    ids=" ".join,
)
def test_a_hub_of_ones_own_is_nowhere_without_a_folder(site: TrainerSandbox, command: list[str]) -> None:
    child = site.run(
        _WITHOUT_HOME, *command, zygote=site.command_zygote, ULTRALYTICS_HUB_API="", ULTRALYTICS_HUB_WEB=""
    )
    status, said, complaints = outcome(child)

    assert (1, []) == (status, said)
    (line,) = complaints
    assert line.startswith("hubport: HUBPORT_DATA_DIR (--data-dir): this user has no home folder")


def test_a_hub_elsewhere_needs_no_folder(site: TrainerSandbox) -> None:
    child = site.run(_WITHOUT_HOME, "models", "list", "--hub", site.url, zygote=site.command_zygote)
    status, said, complaints = outcome(child)

    assert (0, []) == (status, complaints)
    assert site.model_id in "\n".join(said)
