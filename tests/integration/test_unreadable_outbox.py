"""What cannot be read is said: ``status`` and ``sync`` do not call it nothing."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import attrs
import pytest

from hubport.testing.lab import Child, Hang, Zygote
from tests.integration.conftest import TrainerSandbox
from tests.integration.left_overs import killed, outcome

_AS_SOMEBODY = Path(__file__).with_name("cli") / "hubport_as_somebody.py"


@attrs.frozen
class Ran:
    status: int
    said: str
    complaints: str


def as_somebody(site: TrainerSandbox, *arguments: str) -> Ran:
    """The command as another user, who is not root."""
    return ended(site.run(_AS_SOMEBODY, *arguments, zygote=site.command_zygote))


def ended(child: Child) -> Ran:
    status, said, complaints = outcome(child)
    assert "Traceback" not in "".join(complaints)
    return Ran(status, "\n".join(said), "\n".join(complaints))


@pytest.fixture
def site(zygote: Zygote, strict_zygote: Zygote, command_zygote: Zygote) -> Iterator[TrainerSandbox]:
    """A site in a folder that every user may look into. The folders that pytest makes are this user's alone."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        with TrainerSandbox(Path(folder), zygote, strict_zygote=strict_zygote, command_zygote=command_zygote) as site:
            yield site


@pytest.fixture
def spool(site: TrainerSandbox) -> Path:
    """What a run as root has left, open to everybody but for what the test closes."""
    if os.geteuid() != 0:
        pytest.skip("only root can become another user")
    killed(site)
    for folder in [site.state_dir, *(path for path in site.state_dir.rglob("*") if path.is_dir())]:
        folder.chmod(0o755)
    (found,) = site.spools()
    return found


def readable(spool: Path) -> None:
    """The journal, and the file that names its owner."""
    for path in spool.iterdir():
        path.chmod(0o644)


@pytest.mark.parametrize("closed", ["state", "outbox", "hub", "spool", "journal"])
@pytest.mark.parametrize("command", [["status"], ["sync"], ["sync", "--dry-run"]], ids=" ".join)
def test_another_users_outbox(site: TrainerSandbox, spool: Path, closed: str, command: list[str]) -> None:
    """Whichever folder is closed, or the journal alone: it is named, with its owner, and the exit status is 1."""
    place = {
        "state": site.state_dir,
        "outbox": spool.parent.parent,
        "hub": spool.parent,
        "spool": spool,
        "journal": spool / "journal",
    }[closed]
    place.chmod(0o700)
    named = {"state": spool.parent.parent, "journal": spool}.get(closed, place)

    result = as_somebody(site, *command)

    assert 1 == result.status
    assert "Nothing waits" not in result.said
    assert f"hubport: {named} cannot be read (Permission denied" in result.complaints
    data = json.loads(as_somebody(site, *command, "--json").said)
    (hidden,) = data if command == ["status"] else data["unreadable"]
    assert ("unreadable", str(named)) == (hidden["state"], hidden["spool"])
    if closed not in {"state", "outbox"}:
        assert "Permission denied: it belongs to root" == hidden["reason"]


def test_what_can_be_read_is_shown_beside_what_cannot(site: TrainerSandbox, spool: Path) -> None:
    """One run's folder is root's alone, another one is everybody's."""
    first = site.model_id
    site.model_id = site.hub.create_model().id
    killed(site)
    spool.chmod(0o700)
    for path in (path for path in site.spools() if path != spool):
        path.chmod(0o755)
        readable(path)

    result = as_somebody(site, "status", "--json")

    assert 1 == result.status
    assert [(first, "unreadable"), (site.model_id, "waiting")] == [
        (one["model_id"], one["state"]) for one in json.loads(result.said)
    ]


def test_what_can_be_read_and_not_be_taken_over_is_not_sent_and_said(site: TrainerSandbox, spool: Path) -> None:
    """A sync as another user."""
    readable(spool)

    result = as_somebody(site, "sync")

    assert 1 == result.status
    assert "Nothing waits" not in result.said
    assert f"hubport: {spool} could not be taken over: can this user write to it?" in result.complaints
    assert {0: {"loss": 1.0}} == site.hub.metrics(site.model_id)


def test_a_state_folder_that_is_a_file(site: TrainerSandbox) -> None:
    site.state_dir.write_bytes(b"")

    for command in ("status", "sync"):
        result = ended(site.hubport(command))

        assert 1 == result.status
        assert f"hubport: {site.state_dir / 'outbox'} cannot be read (Not a directory)" in result.complaints


def test_a_sync_for_one_hub_does_not_fail_for_what_another_one_has(site: TrainerSandbox, spool: Path) -> None:
    """Its folder has another name."""
    other = spool.parent.with_name("https_hub.example")
    other.mkdir(mode=0o700)
    readable(spool)
    site.lab.always(Hang(), on="metrics")

    result = as_somebody(site, "sync", "--dry-run")

    assert (0, "") == (result.status, result.complaints)
