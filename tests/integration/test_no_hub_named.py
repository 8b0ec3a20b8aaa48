"""With a key and no address nothing leaves this machine: a key for one's own HUB must not go elsewhere by default."""

from __future__ import annotations

from tests.integration.conftest import TrainerSandbox
from tests.unit.domain.strategies import KEY


def test_nothing_is_resolved_or_sent_where_no_hub_is_named(site: TrainerSandbox) -> None:
    child = site.start(
        "names_no_hub", KEY, ULTRALYTICS_HUB_API="", ULTRALYTICS_HUB_WEB="", HUB_API_KEY=KEY,
        HUBPORT_DATA_DIR=str(site.folder / "no-hub-here"),
    )  # fmt: skip
    said = child.rest()
    assert 0 == child.end(), child.stderr
    assert [] == [line for line in said if line.startswith("used")]
    assert [] == [line for line in said if KEY in line]
    sessions = [line for line in said if line.startswith(("raised connect", "raised drop-in"))]
    assert 18 == len(sessions)
    for line in sessions:
        assert ": InvalidSettings the HUB's address: none is named, so nothing was sent." in line
        assert "hubport login URL`" in line
        assert "hubport serve`" in line
    assert [] == [line for line in said if line.startswith("returned")]
    models = [line for line in said if line.startswith("raised models")]
    assert 7 == len(models)
    for line in models:
        assert ": SystemExit 1 hubport: the HUB's address: none is named, and there is none in " in line
        assert "so nothing was sent." in line
    assert {
        "raised sync --api-key: SystemExit 0 ",
        "raised status: SystemExit 0 ",
        "raised logout: SystemExit 0 ",
    } < set(said)
    (login,) = [line for line in said if line.startswith("raised login")]
    assert ": SystemExit 1 hubport: say which HUB: `" in login
    whoami = [line for line in said if line.startswith("raised whoami")]
    assert 2 == len(whoami)
    assert all(": SystemExit 1 " in line for line in whoami)
    assert not (site.folder / "no-hub-here").exists()
    assert not site.state_dir.exists()


def test_the_network_is_watched_where_one_is_named(site: TrainerSandbox) -> None:
    """The counterpart: the child above would see what it must not see."""
    child = site.start("names_no_hub", KEY, HUB_API_KEY=KEY, HUBPORT_DATA_DIR=str(site.folder / "no-hub-here"))
    said = child.rest()
    assert 0 == child.end(), child.stderr
    assert [line for line in said if line.startswith("used socket.connect")]
