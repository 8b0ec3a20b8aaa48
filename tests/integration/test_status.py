"""``hubport status``: what waits on this machine, and why."""

from __future__ import annotations

import json
import re
from pathlib import Path

from hubport.domain.client.journal import metrics_line
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

FIELDS = {
    "model_id",
    "hub",
    "hub_id",
    "host",
    "spool",
    "begun",
    "size",
    "state",
    "metrics",
    "checkpoints",
    "refused",
    "damaged",
    "reason",
}


def test_where_nothing_ever_ran_there_is_nothing(site: TrainerSandbox) -> None:
    assert (0, [f"Nothing waits in {site.state_dir / 'outbox'}."], []) == outcome(site.hubport("status", fresh=True))
    assert [] == statuses(site)
    assert not site.state_dir.exists()


def test_a_spool_of_each_kind(site: TrainerSandbox) -> None:
    """As a table and as JSON, oldest first; no HUB is asked, no key is needed, and nothing is changed."""
    models = [killed(site)]
    for leave in (closed_in_an_outage, is_unauthorized, refused, killed_behind_the_last_delivery):
        another_model(site)
        models.append(leave(site))
    another_model(site)
    living = training(site, "end")
    before, asked = tree(site.state_dir), len(site.lab.ledger)

    status, said, complaints = outcome(site.hubport("status", "--json", HUB_API_KEY=""))
    assert (0, []) == (status, complaints)
    found = json.loads("\n".join(said))
    status, said, complaints = outcome(site.hubport("status", HUB_API_KEY="", ULTRALYTICS_HUB_API=""))

    assert (0, []) == (status, complaints)
    assert before == tree(site.state_dir)
    assert asked == len(site.lab.ledger)
    assert [*models, site.model_id] == [one["model_id"] for one in found]
    assert [FIELDS] * 6 == [set(one) for one in found]
    assert {site.url} == {one["hub"] for one in found}
    assert site.spools() == sorted(Path(one["spool"]) for one in found)
    assert sorted(one["begun"] for one in found) == [one["begun"] for one in found]
    assert [
        ("waiting", 2, 1, 0, "its process was killed"),
        ("waiting", 2, 1, 0, "no answer"),
        ("waiting", 2, 1, 0, "status 401"),
        ("refused", 0, 0, 2, "status 422: not like this"),
        ("delivered", 0, 0, 0, "its process was killed behind the last delivery"),
        ("in use", 2, 1, 0, f"process {living.pid} is sending it"),
    ] == [
        (one["state"], one["metrics"], one["checkpoints"], one["refused"], re.sub(r" \(.*\)", "", one["reason"]))
        for one in found
    ]
    for one in found:
        files = [file for file in Path(one["spool"]).iterdir() if not file.name.startswith("owner.")]
        assert sum(file.stat().st_size for file in files) == one["size"]
    header, *rows = said[:7]
    assert ["MODEL", "HUB", "AGE", "SIZE", "STATE", "WAITING", "WHY"] == header.split()
    for row, one in zip(rows, found, strict=True):
        words = re.split(r"  +", row)
        assert [one["model_id"], site.url, one["state"]] == [words[0], words[1], words[4]]
        assert {"waiting": "2 records, 1 checkpoint", "in use": "2 records, 1 checkpoint"}.get(
            one["state"], "nothing"
        ) == words[5]
        assert words[6].startswith(one["reason"])
    assert f"To send what waits for {site.url}: HUB_API_KEY=<its key> hubport sync --hub {site.url}" == said[-1]
    assert site.hub.api_key not in "".join(said) + json.dumps(found)


def test_what_cannot_be_sent_asks_for_no_sync(site: TrainerSandbox) -> None:
    refused(site)
    _, said, _ = outcome(site.hubport("status"))
    assert "hubport sync" not in "\n".join(said)


def test_where_nothing_waits_no_command_is_named(site: TrainerSandbox) -> None:
    """A run that was killed behind its last delivery has left a folder, and nothing to send."""
    killed_behind_the_last_delivery(site)
    status, said, _ = outcome(site.hubport("status"))
    assert 0 == status
    assert "delivered" in said[1]
    assert "To send" not in "\n".join(said)


def test_a_run_that_began_in_the_future_has_no_age(site: TrainerSandbox) -> None:
    """The clock was ahead: it was not "0 s" ago."""
    killed(site)
    (spool,) = site.spools()
    number, _, random = spool.name.split("-")
    in_2031 = 1_930_000_000 * 10**9
    spool.rename(spool.with_name(f"{number}-{in_2031:016x}-{random}"))
    _, said, _ = outcome(site.hubport("status"))
    assert "?" == re.split(r"  +", said[1])[2]


def test_of_several_hubs_each_is_named(site: TrainerSandbox, tmp_path: Path) -> None:
    killed(site)
    (tmp_path / "elsewhere").mkdir()
    with Sandbox(tmp_path / "elsewhere") as elsewhere:
        here, site.lab, site.hub, site.model_id = site.lab, elsewhere.lab, elsewhere.hub, elsewhere.model_id
        killed(site)
        site.lab = here
        found = statuses(site)
        _, said, _ = outcome(site.hubport("status"))
        assert {here.url, elsewhere.url} == {one["hub"] for one in found}
        for url in (here.url, elsewhere.url):
            assert f"To send what waits for {url}: HUB_API_KEY=<its key> hubport sync --hub {url}" in said


def test_a_damaged_journal_is_shown_as_such(site: TrainerSandbox) -> None:
    killed(site)
    (spool,) = site.spools()
    journal = bytearray((spool / "journal").read_bytes())
    journal[journal.index(b'["m", 1') + 3] ^= 0x10
    (spool / "journal").write_bytes(bytes(journal) + metrics_line(7, {"torn": 1.0})[:-5])
    (one,) = statuses(site)
    assert ("waiting", 1, 1, 1) == (one["state"], one["metrics"], one["checkpoints"], one["damaged"])
    _, said, _ = outcome(site.hubport("status"))
    assert "its process was killed; 1 damaged line" in said[1]


def test_a_journal_whose_first_line_is_damaged_still_belongs_to_its_hub(site: TrainerSandbox) -> None:
    """The folder says which HUB it is for."""
    killed(site)
    (spool,) = site.spools()
    journal = bytearray((spool / "journal").read_bytes())
    journal[20] ^= 0x10
    (spool / "journal").write_bytes(journal)
    (one,) = statuses(site)
    assert ("waiting", 2, 1, 1) == (one["state"], one["metrics"], one["checkpoints"], one["damaged"])
    assert site.url == one["hub"]


def test_a_spool_whose_process_was_killed_before_its_first_line_is_nothing_to_send(site: TrainerSandbox) -> None:
    killed(site)
    (spool,) = site.spools()
    (spool / "journal").write_bytes(b"")
    (one,) = statuses(site)
    assert ("delivered", 0, 0, site.url) == (one["state"], one["metrics"], one["checkpoints"], one["hub"])


def test_whatever_else_lies_there_is_passed_over(site: TrainerSandbox) -> None:
    killed(site)
    root = site.state_dir / "outbox"
    (root / "a file").write_bytes(b"")
    (root / "empty").mkdir()
    (root / "dangling").symlink_to("nowhere")
    hub = site.spools()[0].parent
    (hub / "a file").write_bytes(b"")
    (hub / f"{site.model_id}.0123456789abcdef-01234567").mkdir()
    (hub / f".new-{site.model_id}.0123456789abcdef-01234568").mkdir()
    (hub / f"{site.model_id}.notatime-01234567").mkdir()
    assert 1 == len(statuses(site))


def test_a_status_while_a_run_writes_sees_it_in_use_and_harms_nothing(site: TrainerSandbox) -> None:
    """Also while its journal is written anew, in the little room that it has."""
    child = site.start("logs_numbers", 0, "alone", HUBPORT_METRICS_INTERVAL="0.01", HUBPORT_OUTBOX_LIMIT="1MB")
    assert "ready" == child.line()
    last = 0
    for _ in range(4):
        for _ in range(2000):
            last = int(child.line())
        (one,) = statuses(site)
        assert ("in use", f"process {child.pid} is sending it", 0) == (one["state"], one["reason"], one["damaged"])
    child.kill()
    last = max([last, *map(int, child.rest())])
    (one,) = statuses(site)
    assert "waiting" == one["state"] or not one["metrics"]
    site.recover()
    held = {number for values in site.hub.metrics(site.model_id).values() for number in values.values()}
    assert set(range(last + 1)) <= held <= set(range(last + 2))
