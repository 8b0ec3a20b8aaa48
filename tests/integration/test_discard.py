"""``hubport discard``: what nobody wants is thrown away, never what a run has that lives."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from hubport.testing.lab.sandbox import Sandbox
from tests.integration.conftest import TrainerSandbox
from tests.integration.left_overs import another_model, killed, outcome, refused, statuses, training


def test_all_that_is_left_of_a_model(site: TrainerSandbox) -> None:
    """By count; another model's stays."""
    model_id = refused(site)
    killed(site)
    another_model(site)
    other = killed(site)
    before = len(site.lab.ledger)

    status, said, complaints = outcome(site.hubport("discard", model_id, "--yes", HUB_API_KEY="", fresh=True))

    assert (0, []) == (status, complaints)
    assert said[0].endswith("is gone, and with it 2 that the HUB has refused.")
    assert said[1].endswith("is gone, and with it 2 records, 1 checkpoint.")
    assert [other] == [one["model_id"] for one in statuses(site)]
    assert before == len(site.lab.ledger)


@pytest.mark.parametrize("by", ["path", "name"])
def test_one_run_alone(site: TrainerSandbox, by: str) -> None:
    runs = [training(site, "end"), training(site, "end")]
    for run in runs:
        run.kill()
    first, second = (Path(one["spool"]) for one in statuses(site))

    status, said, _ = outcome(site.hubport("discard", f"{first}/" if by == "path" else first.name, "--yes", "--json"))

    assert 0 == status
    assert [str(first)] == [one["spool"] for one in json.loads("\n".join(said))]
    assert [second] == site.spools()


def test_without_a_yes_nothing_is_lost(site: TrainerSandbox) -> None:
    model_id = killed(site)

    status, said, complaints = outcome(site.hubport("discard", model_id))

    assert (1, []) == (status, said)
    assert "2 records, 1 checkpoint" in complaints[1]
    assert "hubport: nothing was thrown away: confirm it with --yes" == complaints[-1]
    assert 1 == len(site.spools())


def test_what_a_living_run_has_is_kept(site: TrainerSandbox) -> None:
    model_id = site.model_id
    living = training(site, "end")

    for more in ((), ("--take-over",)):
        status, said, complaints = outcome(site.hubport("discard", model_id, "--yes", *more))

        assert (1, []) == (status, said)
        (line,) = complaints
        assert line.endswith(f"is kept: process {living.pid} is sending it")
    assert 1 == len(site.spools())


def test_what_is_not_there_is_said(site: TrainerSandbox) -> None:
    status, _, complaints = outcome(site.hubport("discard", "Ab3Cd5Ef7Gh9Ij1Kl2Mn", "--yes"))

    assert 1 == status
    assert ["hubport: nothing is left of Ab3Cd5Ef7Gh9Ij1Kl2Mn: hubport status shows what is"] == complaints


def test_of_another_machine_only_by_force(site: TrainerSandbox) -> None:
    """Its run may live: it has given a sign of life a moment ago."""
    model_id = killed(site)
    (spool,) = site.spools()
    (owner,) = spool.glob("owner.*")
    owner.write_text(json.dumps(json.loads(owner.read_text()) | {"boot": "another kernel's", "host": "gpu-3"}))
    (one,) = statuses(site)
    assert ("in use", "gpu-3") == (one["state"], one["host"])
    assert one["reason"].endswith(" on gpu-3 is sending it")
    assert 1 == outcome(site.hubport("discard", model_id, "--yes"))[0]
    assert 0 == outcome(site.hubport("sync"))[0]
    assert 1 == len(site.spools())

    status, said, _ = outcome(site.hubport("sync", "--take-over"))

    assert 0 == status
    assert said[0].startswith("2 of 2 metrics and 1 of 1 checkpoints delivered")
    assert [] == site.spools()


def test_the_status_names_the_command(site: TrainerSandbox) -> None:
    refused(site)
    _, said, _ = outcome(site.hubport("status"))
    assert "To throw away what nobody wants: hubport discard MODEL" in said


def test_a_sync_sends_what_was_kept_for_the_same_hub_under_another_address(site: TrainerSandbox) -> None:
    """And not what was kept for another HUB, nor to any address but the one that is named."""
    model_id = killed(site)
    url = site.url.replace("127.0.0.1", "localhost")

    status, said, _ = outcome(site.hubport("sync", "--hub", url, NO_PROXY="localhost,127.0.0.1"))

    assert 0 == status
    assert said[0].startswith(f"2 of 2 metrics and 1 of 1 checkpoints delivered to {url}/models/{model_id}")
    assert [] == site.spools()


def test_where_the_hub_does_not_say_what_it_is_called_what_waits_elsewhere_is_named(
    site: TrainerSandbox, tmp_path: Path
) -> None:
    killed(site)
    (tmp_path / "elsewhere").mkdir()
    with Sandbox(tmp_path / "elsewhere") as elsewhere:
        elsewhere.hub.identity = None
        options = ("--hub", elsewhere.url, "--api-key", elsewhere.hub.api_key)
        status, said, complaints = outcome(site.hubport("sync", *options))

        assert 0 == status
        assert said[0].startswith("Nothing waits for")
        assert [f"hubport: 1 run has left something for {site.url}: hubport sync --hub {site.url}"] == complaints
        assert {"auth"} == {entry.kind for entry in elsewhere.lab.ledger}
    assert 1 == len(site.spools())
