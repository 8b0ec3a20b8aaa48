"""``hubport sync``: what runs that are over have left is sent, and nothing else is touched."""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from hubport.testing.lab import Hang, Refuse, Reset, Script, Stall, Status
from hubport.testing.lab.sandbox import Sandbox
from tests.integration.conftest import TrainerSandbox
from tests.integration.left_overs import (
    another_model,
    closed_in_an_outage,
    is_unauthorized,
    killed,
    killed_behind_the_last_delivery,
    outcome,
    refused,
    statuses,
    training,
    tree,
)

ALL = {0: {"loss": 1.0}, 1: {"loss": 0.5}, 2: {"loss": 0.25}}


def asked(site: TrainerSandbox) -> list[str]:
    """The kinds of requests that the HUB has seen."""
    return [entry.kind for entry in site.lab.ledger]


def assert_arrived(site: TrainerSandbox, model_id: str) -> None:
    assert ALL == site.hub.metrics(model_id)
    assert [0, 2] == [checkpoint.epoch for checkpoint in site.hub.checkpoints(model_id)]


@pytest.mark.parametrize("leave", [killed, closed_in_an_outage, is_unauthorized])
def test_what_a_run_has_left_is_sent(site: TrainerSandbox, leave: Any) -> None:
    model_id = leave(site)
    before = len(site.lab.ledger)

    status, said, complaints = outcome(site.hubport("sync"))

    assert (0, []) == (status, complaints)
    (line,) = said
    assert line.startswith(f"2 of 2 metrics and 1 of 1 checkpoints delivered to {site.url}/models/{model_id}")
    assert_arrived(site, model_id)
    assert [] == site.spools()
    assert {"auth", "metrics", "upload"} == set(asked(site)[before:])  # and no heartbeat: nothing runs
    assert (0, 1) == (outcome(site.hubport("sync"))[0], asked(site)[before:].count("auth"))


def test_of_several_runs_of_several_models_everything_is_sent(site: TrainerSandbox) -> None:
    runs = [training(site, "end"), training(site, "end")]  # side by side, of one model
    for run in runs:
        run.kill()
    models = [site.model_id] * 2
    for leave in (closed_in_an_outage, refused, killed_behind_the_last_delivery, is_unauthorized):
        another_model(site)
        models.append(leave(site))

    status, said, complaints = outcome(site.hubport("sync", "--json"))

    assert (0, [kept(site)]) == (status, complaints)
    result = json.loads("\n".join(said))
    assert {"hub", "models"} == set(result)
    assert site.url == result["hub"]
    reports = {report["model_id"]: report for report in result["models"]}
    assert {models[0], models[2], models[5]} == set(reports)
    for model_id, report in reports.items():
        assert report["is_complete"]
        assert ("synced", {}) == (report["state"], report["reasons"])
        count = models.count(model_id)
        assert (2 * count, 2 * count) == (report["metrics"]["logged"], report["metrics"]["delivered"])
        assert 0 == report["heartbeats"]["sent"]
        assert ALL == site.hub.metrics(model_id)
        # Of two runs the newer one's checkpoint supersedes the other's.
        assert {0, 2} == {checkpoint.epoch for checkpoint in site.hub.checkpoints(model_id)}
    (left,) = statuses(site)  # what was refused lies there for its owner
    assert (models[3], "refused") == (left["model_id"], left["state"])


def test_a_rehearsal_sends_nothing_needs_no_key_and_changes_nothing(site: TrainerSandbox) -> None:
    model_id = killed(site)
    before, requests = tree(site.state_dir), len(site.lab.ledger)

    status, said, complaints = outcome(site.hubport("sync", "--dry-run", HUB_API_KEY=""))
    assert (0, []) == (status, complaints)
    assert ["MODEL", "HUB", "AGE", "SIZE", "STATE", "WAITING", "WHY"] == said[0].split()
    assert model_id in said[1]
    assert "2 records, 1 checkpoint" in said[1]
    status, said, complaints = outcome(site.hubport("sync", "--dry-run", "--json", HUB_API_KEY=""))
    assert (0, []) == (status, complaints)
    assert {"hub": site.url, "waiting": statuses(site)} == json.loads("\n".join(said))

    assert before == tree(site.state_dir)
    assert requests == len(site.lab.ledger)


@pytest.mark.parametrize("options", [(), ("--dry-run",)])
def test_where_nothing_waits_nobody_is_asked(site: TrainerSandbox, options: tuple[str, ...]) -> None:
    """No key is needed to be told so."""
    status, said, complaints = outcome(site.hubport("sync", *options, HUB_API_KEY=""))
    assert (0, [f"Nothing waits for {site.url} in {outbox(site)}."], []) == (status, said, complaints)
    _, said, _ = outcome(site.hubport("sync", "--json", *options, HUB_API_KEY=""))
    assert {"hub": site.url, "waiting" if options else "models": []} == json.loads("\n".join(said))
    assert [] == asked(site)


def outbox(site: TrainerSandbox) -> Path:
    return site.state_dir / "outbox" / site.url.replace("://", "_").replace(":", "_")


# What goes wrong


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"HUB_API_KEY": ""}, "no key for the HUB at"),
        ({"HUB_API_KEY": "0" * 42}, "does not take this key"),
        ({"HUB_API_KEY": "not a key"}, "holds blanks"),
    ],
    ids=["none", "wrong", "impossible"],
)
def test_without_the_right_key_nothing_is_sent_and_everything_stays(
    site: TrainerSandbox, options: dict[str, str], says: str
) -> None:
    killed(site)
    before, requests = tree(site.state_dir), len(site.lab.ledger)
    status, said, complaints = outcome(site.hubport("sync", fresh=False, **options))
    assert (1, []) == (status, said)
    (line,) = complaints
    assert line.startswith("hubport: ")
    assert says in line
    assert options["HUB_API_KEY"] not in line or not options["HUB_API_KEY"]
    assert asked(site)[requests:] in ([], ["auth"])
    assert before == tree(site.state_dir)


def test_a_key_may_be_given_on_the_command_line(site: TrainerSandbox) -> None:
    model_id = killed(site)
    child = site.hubport("sync", "--api-key", site.hub.api_key, "--hub", f"{site.url}/", HUB_API_KEY="0" * 42)
    status, said, complaints = outcome(child)
    assert (0, []) == (status, complaints)
    assert site.hub.api_key not in "".join(said)
    assert_arrived(site, model_id)


def test_a_hub_that_is_down_is_one_line(site: TrainerSandbox) -> None:
    killed(site)
    before = tree(site.state_dir)
    site.lab.always(Refuse())
    status, said, complaints = outcome(site.hubport("sync", HUBPORT_CONNECT_TIMEOUT="0.5"))
    assert (1, []) == (status, said)
    (line,) = complaints
    assert line.startswith(f"hubport: no answer from the HUB at {site.url}")
    assert before == tree(site.state_dir)


@pytest.mark.parametrize(
    "script",
    [Refuse(), Hang(), Reset(after=10), Stall(after=20), Status(503)],
    ids=lambda script: type(script).__name__,
)
def test_a_hub_that_goes_down_in_the_middle_costs_nothing(site: TrainerSandbox, script: Script) -> None:
    """What did not go out in the given time is said, and goes out the next time."""
    first = killed(site)
    another_model(site)
    second = killed(site)
    for kind in ("metrics", "upload"):
        site.lab.always(Status(503) if isinstance(script, Refuse) else script, on=kind)
    before = len(asked(site))
    child = site.hubport("sync", "--timeout", "1.5")
    # Behind the answer to its key.
    site.lab.ledger.wait_for(lambda: {"metrics", "upload"} & set(asked(site)[before:]))
    if isinstance(script, Refuse):
        site.lab.always(script)

    status, said, complaints = outcome(child)

    assert 1 == status
    assert 2 == len(said)
    for line, model_id in zip(said, (first, second), strict=True):
        assert line.startswith(f"0 of 2 metrics and 0 of 1 checkpoints delivered to {site.url}/models/{model_id}")
        assert "2 metrics and 1 checkpoint wait in" in line
    assert not [line for line in complaints if "Traceback" in line]
    assert [2, 2] == [one["metrics"] for one in statuses(site)]
    site.lab.heal()
    assert 0 == outcome(site.hubport("sync"))[0]
    assert_arrived(site, first)
    assert_arrived(site, second)
    assert [] == site.spools()


def test_a_model_that_is_gone_from_the_hub(site: TrainerSandbox) -> None:
    """Nobody will ever take it: it is put aside, said, and not tried again. The others go."""
    gone = killed(site)
    another_model(site)
    model_id = killed(site)
    site.hub.refuse(404, "no such model", when=lambda request: gone in request.path)

    status, said, complaints = outcome(site.hubport("sync"))

    assert 1 == status
    assert f"2 metrics and 1 checkpoint were refused by the HUB and lie in {outbox(site)}/{gone}." in said[0]
    assert not [line for line in complaints if "Traceback" in line]
    assert_arrived(site, model_id)
    (left,) = statuses(site)
    assert (gone, "refused", 3, "status 404: no such model") == (
        left["model_id"],
        left["state"],
        left["refused"],
        left["reason"],
    )
    assert b"weights" == next(Path(left["spool"]).glob("*.pt")).read_bytes()
    before = len(site.lab.ledger)
    assert (0, [f"Nothing waits for {site.url} in {outbox(site)}."], [kept(site)]) == outcome(site.hubport("sync"))
    assert before == len(site.lab.ledger)


def kept(site: TrainerSandbox) -> str:
    """What a sync says of one run of which the HUB has refused something."""
    return (
        f"hubport: {site.url} has refused something of 1 run, which is kept: hubport status says why, "
        f"and hubport sync --refused --hub {site.url} sends it once more"
    )


def refused_whole(site: TrainerSandbox) -> str:
    """A run of a model that the HUB did not know when it was synced: nothing but its first epoch has arrived."""
    model_id = killed(site)
    site.hub.refuse(404, "no such model", when=lambda request: model_id in request.path)
    assert 1 == outcome(site.hubport("sync"))[0]
    site.hub.heal()
    return model_id


def test_what_was_refused_is_sent_again_where_that_is_asked_for(site: TrainerSandbox) -> None:
    model_id = refused_whole(site)
    nothing = f"Nothing waits for {site.url} in {outbox(site)}."
    assert (0, [nothing], [kept(site)]) == outcome(site.hubport("sync"))
    before, requests = tree(site.state_dir), len(site.lab.ledger)
    _, said, _ = outcome(site.hubport("sync", "--refused", "--dry-run"))
    assert [model_id, "refused"] == [said[1].split()[column] for column in (0, 6)]
    assert (before, requests) == (tree(site.state_dir), len(site.lab.ledger))

    status, said, complaints = outcome(site.hubport("sync", "--refused"))

    assert (0, []) == (status, complaints)
    (line,) = said
    assert line.startswith(f"2 of 2 metrics and 1 of 1 checkpoints delivered to {site.url}/models/{model_id}")
    assert_arrived(site, model_id)
    assert [] == site.spools()
    assert (0, [nothing], []) == outcome(site.hubport("sync", "--refused"))


def test_what_is_refused_again_stays(site: TrainerSandbox) -> None:
    model_id = refused_whole(site)
    site.hub.refuse(422, "not like this", on="metrics")
    site.hub.refuse(413, "too large", on="upload")

    status, said, _ = outcome(site.hubport("sync", "--refused"))

    assert 1 == status
    assert "2 metrics and 1 checkpoint were refused by the HUB" in said[0]
    assert "hubport sync --refused" in said[0]
    (left,) = statuses(site)
    assert (model_id, "refused", 3) == (left["model_id"], left["state"], left["refused"])
    assert left["reason"] in {"status 422: not like this", "status 413: too large"}
    site.hub.heal()
    assert 0 == outcome(site.hubport("sync", "--refused"))[0]
    assert_arrived(site, model_id)
    assert [] == site.spools()


def test_one_that_is_killed_while_it_sends_again_has_harmed_nothing(site: TrainerSandbox) -> None:
    """What was refused waits from then on, as if it had never been."""
    model_id = refused_whole(site)
    site.lab.always(Hang(), on="metrics")
    child = site.hubport("sync", "--refused")
    site.lab.ledger.wait_for_hanging("metrics")
    child.kill()
    site.lab.heal()
    (one,) = statuses(site)
    assert ("waiting", 2, 0) == (one["state"], one["metrics"], one["refused"])
    assert 0 == outcome(site.hubport("sync"))[0]
    assert_arrived(site, model_id)
    assert [] == site.spools()


def test_a_damaged_journal_costs_the_damaged_lines(site: TrainerSandbox) -> None:
    model_id = killed(site)
    (spool,) = site.spools()
    journal = bytearray((spool / "journal").read_bytes())
    journal[journal.index(b'["m", 1') + 3] ^= 0x10
    (spool / "journal").write_bytes(journal)
    status, said, complaints = outcome(site.hubport("sync"))
    assert 0 == status
    assert "1 of 1 metrics and 1 of 1 checkpoints delivered" in said[0]
    assert "damaged line in the outbox" in said[0]
    (warning,) = complaints
    assert "outbox.damaged" in warning
    assert {0: ALL[0], 2: ALL[2]} == site.hub.metrics(model_id)
    assert [] == site.spools()


def test_a_journal_whose_first_line_is_damaged_is_sent_too(site: TrainerSandbox) -> None:
    model_id = killed(site)
    (spool,) = site.spools()
    journal = bytearray((spool / "journal").read_bytes())
    journal[20] ^= 0x10
    (spool / "journal").write_bytes(journal)
    assert 0 == outcome(site.hubport("sync"))[0]
    assert_arrived(site, model_id)
    assert [] == site.spools()


def test_a_checkpoint_that_somebody_has_removed_is_said_to_be_lost(site: TrainerSandbox) -> None:
    model_id = killed(site)
    next(site.spools()[0].glob("*.pt")).unlink()
    status, said, _ = outcome(site.hubport("sync"))
    assert 1 == status
    assert "0 metrics and 1 checkpoint could not be kept" in said[0]
    assert ALL == site.hub.metrics(model_id)
    assert [] == site.spools()


# Who else is there


@pytest.fixture
def elsewhere(tmp_path: Path) -> Iterator[Sandbox]:
    """Another HUB."""
    (tmp_path / "elsewhere").mkdir()
    with Sandbox(tmp_path / "elsewhere") as elsewhere:
        elsewhere.hub.api_key = "e" * 42
        yield elsewhere


def test_a_key_goes_to_the_hub_that_was_asked_for_and_to_no_other(site: TrainerSandbox, elsewhere: Sandbox) -> None:
    """Runs of both have left something; the other HUB is named, and sees nothing."""
    ours = killed(site)
    lab, hub, key = site.lab, site.hub, site.hub.api_key
    site.lab, site.hub, site.model_id = elsewhere.lab, elsewhere.hub, elsewhere.model_id
    theirs = killed(site)
    site.lab, site.hub = lab, hub
    before = len(elsewhere.lab.ledger)
    _, said, _ = outcome(site.hubport("sync", "--dry-run", "--json"))
    assert [(ours, site.url)] == [(one["model_id"], one["hub"]) for one in json.loads("\n".join(said))["waiting"]]

    status, _, complaints = outcome(site.hubport("sync"))

    assert 0 == status
    expected = f"hubport: 1 run has left something for {elsewhere.url}: hubport sync --hub {elsewhere.url}"
    assert [expected] == complaints
    assert_arrived(site, ours)
    assert before == len(elsewhere.lab.ledger)
    assert [elsewhere.url] == [one["hub"] for one in statuses(site)]

    before = len(site.lab.ledger)
    status, _, complaints = outcome(site.hubport("sync", "--hub", elsewhere.url, "--api-key", "e" * 42))
    assert (0, []) == (status, complaints)
    assert ALL == elsewhere.hub.metrics(theirs)
    assert before == len(site.lab.ledger)
    assert {key} == {entry.headers["x-api-key"] for entry in site.lab.ledger}
    assert {"e" * 42} == {entry.headers["x-api-key"] for entry in elsewhere.lab.ledger}
    assert [] == site.spools()


def test_what_another_hub_has_refused_is_named_where_it_is_asked_for(site: TrainerSandbox, elsewhere: Sandbox) -> None:
    lab, hub = site.lab, site.hub
    site.lab, site.hub, site.model_id = elsewhere.lab, elsewhere.hub, elsewhere.model_id
    refused(site)
    site.lab, site.hub = lab, hub
    _, _, complaints = outcome(site.hubport("sync", "--refused"))
    command = f"hubport sync --refused --hub {elsewhere.url}"
    assert [f"hubport: 1 run has left something for {elsewhere.url}: {command}"] == complaints
    assert [] == outcome(site.hubport("sync"))[2]


def test_what_several_runs_have_left_elsewhere_is_counted(site: TrainerSandbox, elsewhere: Sandbox) -> None:
    lab, hub = site.lab, site.hub
    site.lab, site.hub, site.model_id = elsewhere.lab, elsewhere.hub, elsewhere.model_id
    runs = [training(site, "end"), training(site, "end")]
    for run in runs:
        run.kill()
    site.lab, site.hub = lab, hub
    _, _, (line,) = outcome(site.hubport("sync"))
    assert line.startswith("hubport: 2 runs have left something for")


def test_a_living_run_keeps_what_is_its_own(site: TrainerSandbox) -> None:
    model_id = killed(site)
    living = training(site, "close", exit_timeout="60")  # it has claimed what the dead one has left
    status, said, complaints = outcome(site.hubport("sync"))
    assert (0, [f"Nothing waits for {site.url} in {outbox(site)}."], []) == (status, said, complaints)
    assert [("in use", f"process {living.pid} is sending it")] * 2 == [
        (one["state"], one["reason"]) for one in statuses(site)
    ]
    living.say("close")
    assert 0 == living.end()
    assert ALL == site.hub.metrics(model_id)
    assert [] == site.spools()


def test_of_two_at_once_one_sends(site: TrainerSandbox) -> None:
    """The other finds it in use, as a status does."""
    model_id = killed(site)
    site.lab.always(Hang(), on="metrics")
    first = site.hubport("sync")
    site.lab.ledger.wait_for_hanging("metrics")

    (one,) = statuses(site)
    assert ("in use", f"process {first.pid} is sending it") == (one["state"], one["reason"])
    second = outcome(site.hubport("sync"))
    assert (0, [f"Nothing waits for {site.url} in {outbox(site)}."], []) == second

    site.lab.heal()
    status, _, _ = outcome(first)
    assert 0 == status
    assert_arrived(site, model_id)
    assert 1 == len([entry for entry in site.hub.received("metrics") if "1" in entry.json["metrics"]])
    assert [] == site.spools()


@pytest.mark.parametrize(("number", "expected"), [(signal.SIGINT, 130), (signal.SIGTERM, -15), (signal.SIGKILL, -9)])
def test_one_that_is_ended_in_the_middle_has_harmed_nothing(site: TrainerSandbox, number: int, expected: int) -> None:
    model_id = killed(site)
    site.lab.always(Hang(), on="upload")
    child = site.hubport("sync")
    site.lab.ledger.wait_for_hanging("upload")
    child.signal(number)
    status, said, complaints = outcome(child)
    assert (expected, [], []) == (status, said, complaints)
    site.lab.heal()
    (one,) = statuses(site)
    assert ("waiting", 1) == (one["state"], one["checkpoints"])
    assert 0 == outcome(site.hubport("sync"))[0]
    assert_arrived(site, model_id)
    assert [] == site.spools()


@pytest.mark.parametrize(
    "arguments",
    [
        ("sync", "--timeout", "soon"),
        ("sync", "--timeout", "-1"),
        ("sync", "--timeout", "inf"),
        ("sync", "--timeout", "nan"),
        ("sync", "now"),
        ("status", "--timeout", "1"),
        ("status", "all"),
    ],
    ids=" ".join,
)
def test_a_command_line_without_sense(site: TrainerSandbox, arguments: tuple[str, ...]) -> None:
    status, said, complaints = outcome(site.hubport(*arguments))
    assert (2, []) == (status, said)
    assert complaints[0].startswith("usage: hubport")
    assert "Traceback" not in "".join(complaints)


@pytest.mark.parametrize(
    "hub", ["nonsense", "ftp://hub.example", "http://hub.example", "https://me:secret@hub.example"]
)
def test_an_address_that_no_key_may_go_to_is_one_line(site: TrainerSandbox, hub: str) -> None:
    status, said, complaints = outcome(site.hubport("sync", "--hub", hub))
    assert (1, []) == (status, said)
    (line,) = complaints
    assert line.startswith("hubport: --hub: ")
    assert site.hub.api_key not in line
