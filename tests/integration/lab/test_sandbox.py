"""A machine with trainers on it."""

from __future__ import annotations

import os
import sys
import textwrap
from pathlib import Path

import pytest

import hubport
from hubport.testing.lab import Hang, Sandbox, Zygote
from tests.integration.adapters.child_process import unmeasured

pytest_plugins = ["pytester"]

TRAINER = """
import os, sys
import hubport

with hubport.connect(os.environ["MODEL_ID"]) as session:
    print("connected", *sys.argv[1:], flush=True)
    for line in sys.stdin:
        session.log_metrics(int(line), {"loss": 1.0})
        print("logged", flush=True)
"""


@pytest.fixture
def trainer(tmp_path: Path) -> Path:
    path = tmp_path / "train.py"
    path.write_text(TRAINER)
    return path


@pytest.mark.parametrize("fresh", [False, True])
def test_a_trainer_finds_the_hub_and_its_model(tmp_path: Path, zygote: Zygote, trainer: Path, *, fresh: bool) -> None:
    with Sandbox(tmp_path, zygote) as site:
        child = site.run(trainer, "a b", fresh=fresh, HUBPORT_EXIT_TIMEOUT="60")
        assert "connected a b" == child.line()
        child.say("0")
        assert "logged" == child.line()
        child.say_no_more()
        assert ("", 0) == ("".join(child.rest()), child.end()), child.stderr
        assert [0] == list(site.hub.metrics(site.model_id))
        assert [] == site.spools()


def test_what_a_killed_trainer_leaves_the_next_start_delivers(tmp_path: Path, zygote: Zygote, trainer: Path) -> None:
    with Sandbox(tmp_path, zygote) as site:
        child = site.run(trainer)
        child.line()
        site.lab.always(Hang())
        child.say("0")
        assert "logged" == child.line()
        site.lab.ledger.wait_for_hanging("metrics")
        child.kill()
        site.lab.heal()
        assert {} == site.hub.metrics(site.model_id)
        assert 1 == len(site.spools())
        report = site.recover()
        assert 1 == report.metrics.delivered
        assert [0] == list(site.hub.metrics(site.model_id))
        assert [] == site.spools()


def test_recovering_from_what_is_refused_is_a_failure(tmp_path: Path, zygote: Zygote, trainer: Path) -> None:
    with Sandbox(tmp_path, zygote) as site:
        child = site.run(trainer)
        child.line()
        site.lab.always(Hang())
        child.say("0")
        child.line()
        site.lab.ledger.wait_for_hanging("metrics")
        child.kill()
        site.lab.heal()
        site.hub.refuse(422, on="metrics")
        with pytest.raises(AssertionError, match="refused by the HUB"):
            site.recover()


def test_its_trainers_know_nothing_of_the_users_settings(
    tmp_path: Path, zygote: Zygote, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HUB_API_KEY", "a-key-of-the-user")
    monkeypatch.setenv("HUBPORT_METRICS_INTERVAL", "12345")
    monkeypatch.setenv("ULTRALYTICS_HUB_API", "https://hub.of-the-user.invalid")
    with Sandbox(tmp_path, zygote) as site:
        environment = site.environment(HUBPORT_AGENT="mine")
    assert (site.hub.api_key, site.url) == (environment["HUB_API_KEY"], environment["ULTRALYTICS_HUB_API"])
    assert "mine" == environment["HUBPORT_AGENT"]
    assert "HUBPORT_METRICS_INTERVAL" not in environment
    assert os.environ["PATH"] == environment["PATH"]


def test_sessions_of_the_tests_own_process_are_of_the_site_too(tmp_path: Path) -> None:
    with Sandbox(tmp_path) as site:
        with site.connect(agent="mine") as session:
            assert isinstance(session, hubport.TrainingSession)
            assert Path(session.status().spool).is_relative_to(site.state_dir)
        assert [(True, True)] == [(entry.has_key, entry.committed) for entry in site.lab.ledger.of("auth")]


def test_any_command_may_be_run(tmp_path: Path) -> None:
    with Sandbox(tmp_path) as site:
        child = site.command([sys.executable, "-c", "import os; print(os.environ['MODEL_ID'])"])
        assert [site.model_id] == child.rest()


def test_the_fixtures_are_a_site_each_and_one_zygote(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A pytest with no plugin but ours.
    for name, value in {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", **unmeasured()}.items():
        monkeypatch.setenv(name, value)
    pytester.makeconftest('pytest_plugins = ["hubport.testing.lab.fixtures"]\n')
    pytester.makeini("[pytest]\nfilterwarnings = error\n")
    pytester.makepyfile(
        textwrap.dedent(
            """
            import hubport
            from hubport.testing.lab import Reset

            seen = []

            def test_one(hub_site, hub_zygote):
                seen.append((hub_site, hub_zygote))
                hub_site.lab.play(Reset(), on="metrics")
                with hub_site.connect() as session:
                    session.log_metrics(0, {"loss": 1.0})
                    assert session.flush(timeout=60)

            def test_another(hub_site, hub_zygote):
                (site, zygote), = seen
                assert site is not hub_site
                assert zygote is hub_zygote
            """
        )
    )

    pytester.runpytest_subprocess("-p", "no:cacheprovider").assert_outcomes(passed=2)
