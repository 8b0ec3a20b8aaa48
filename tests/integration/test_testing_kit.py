"""The testing kit as a team that embeds hubport uses it: fixtures and contracts in a project of its own."""

from __future__ import annotations

import pytest

from tests.integration.adapters.child_process import output, unmeasured

pytest_plugins = ["pytester"]

CONFTEST = 'pytest_plugins = ["hubport.testing.fixtures"]\n'


@pytest.fixture
def project(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    # Its pytest has no plugin but ours, whatever this project's own tests need.
    for name, value in {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", **unmeasured()}.items():
        monkeypatch.setenv(name, value)
    pytester.makeconftest(CONFTEST)
    pytester.makeini("[pytest]\nfilterwarnings = error\n")
    return pytester


def run(project: pytest.Pytester, *options: str) -> pytest.RunResult:
    """In a process of its own, so that nothing of this one's pytest helps."""
    return project.runpytest_subprocess("-p", "no:cacheprovider", *options)


def test_the_kit_does_not_need_pytest_until_contracts_are_asked_for() -> None:
    """Fakes are also for benchmarks and examples."""
    assert output("import sys, hubport.testing; print('pytest' in sys.modules)") == "False\n"


def test_the_fixtures_are_all_that_a_test_of_a_training_needs(
    project: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HUBPORT_STATE_DIR", "/of/the/user")
    monkeypatch.setenv("ULTRALYTICS_HUB_API", "https://hub.of-the-user.invalid")
    monkeypatch.setenv("ULTRALYTICS_HUB_WEB", "https://web.of-the-user.invalid")
    monkeypatch.setenv("HUB_API_KEY", "a-key-of-the-user")
    monkeypatch.setenv("HUBPORT_METRICS_INTERVAL", "12345")
    project.makepyfile(
        """
        import threading

        import hubport

        sessions = []

        def test_metrics_arrive_after_an_outage(hub_session, fake_hub, hub_clock):
            session = hub_session()
            fake_hub.down(seconds=600)
            session.log_metrics(0, {"loss": 1.0})
            hub_clock.advance(3600)
            assert fake_hub.metrics(session.model_id) == {0: {"loss": 1.0}}

        def test_a_model_and_other_arguments_may_be_given(hub_session, fake_hub):
            model = fake_hub.create_model(epochs=7)
            settings = hubport.Settings(agent="mine")
            session = hub_session(model.id, api_key=fake_hub.api_key, settings=settings)
            assert session.model_id == model.id
            assert session.train_args["epochs"] == 7
            assert session.settings.agent == "mine"

        def test_what_a_session_leaves_a_later_one_finds(hub_session, fake_hub, hub_clock, hub_outbox):
            first = hub_session()
            fake_hub.down()
            first.log_metrics(0, {"loss": 1.0})
            first.close()
            assert len(hub_outbox.spools) == 1
            fake_hub.heal()
            hub_session(first.model_id)
            hub_clock.advance(60)
            assert fake_hub.metrics(first.model_id) == {0: {"loss": 1.0}}

        def test_nothing_of_the_user_is_touched(tmp_path):
            settings = hubport.Settings.from_env()
            assert settings.state_dir.is_relative_to(tmp_path)
            assert settings.api_key is None
            assert settings.metrics_interval == 3
            assert "of-the-user" not in f"{settings.api_root} {settings.web_root}"

        def test_the_folder_is_made_when_it_is_needed(hubport_home, tmp_path):
            assert hubport.Settings.from_env().state_dir == hubport_home
            assert not list(tmp_path.iterdir())

        def test_sessions_may_be_left_open(hub_session):
            sessions.extend([hub_session(), hub_session()])

        def test_they_are_closed_with_their_test():
            assert [session.status().state for session in sessions] == ["closed"] * 2
            assert not [thread for thread in threading.enumerate() if thread.name.startswith("hubport-")]
        """
    )

    run(project).assert_outcomes(passed=7)


def test_a_contract_passes_for_who_keeps_it_and_says_what_it_compared_to_who_does_not(project: pytest.Pytester) -> None:
    project.makepyfile(
        """
        import pytest
        import attrs
        from hubport.testing.fakes.blobs import FakeBlobs
        from hubport.testing.fakes.hub_store import FakeHubStore
        from hubport.testing.contracts import BlobsContract, HubStoreContract

        class Forgetful(FakeHubStore):
            def metrics(self, model_id, *, after=0):
                series = super().metrics(model_id, after=after)
                return attrs.evolve(series, epochs=dict(list(series.epochs.items())[:1]))

        class TestForgetful(HubStoreContract):
            @pytest.fixture
            def store(self):
                return Forgetful()

        class TestGood(BlobsContract):
            @pytest.fixture
            def blobs(self):
                return FakeBlobs()
        """
    )

    result = run(project)

    outcomes = result.parseoutcomes()
    assert outcomes["passed"] > 10
    assert 3 < outcomes["failed"] < 10
    assert not [line for line in result.outlines if line.startswith("FAILED") and "TestGood" in line]
    result.stdout.fnmatch_lines(["E * assert {0: *, 1: *} == {0: *}"])


def test_each_contract_says_which_fixture_to_override(project: pytest.Pytester) -> None:
    project.makepyfile(
        """
        from hubport.testing import contracts

        for name in contracts.__all__:
            globals()[f"Test{name}"] = type(f"Test{name}", (getattr(contracts, name),), {})
        """
    )

    result = run(project, "--tb=line")  # hundreds of them: what is looked for is their last line

    assert set(result.parseoutcomes()) == {"errors"}
    for name in ("blobs", "clock", "filesystem", "http", "store", "outbox", "signals"):
        result.stdout.fnmatch_lines([f"*NotImplementedError: override the fixture `{name}`*"])


def test_the_contract_of_the_way_to_a_hub_catches_what_production_would_break(project: pytest.Pytester) -> None:
    """A session's files have `read` and `close` alone, and no answer is `HubUnreachable` alone."""
    project.makepyfile(
        """
        import io
        import attrs
        import pytest
        from hubport.domain.errors import HubUnreachable
        from hubport.domain.ports.http import Response
        from hubport.testing.contracts import HttpContract

        class Passes:
            def __init__(self, hub):
                self.hub = hub

            def file(self, reader, size):
                return reader

            def send(self, request, *, timeout):
                file = request.file
                if file is not None:
                    file = attrs.evolve(file, open=lambda: self.file(request.file.open(), file.size))
                return self.hub.send(attrs.evolve(request, file=file), timeout=timeout)

            def close(self):
                pass

        class Seeks(Passes):
            def file(self, reader, size):
                reader.seek(0)
                return reader

        class ReadsInto(Passes):
            def file(self, reader, size):
                reader.readinto(bytearray(1))
                return reader

        class Measures(Passes):
            def file(self, reader, size):
                len(reader.getbuffer())
                return reader

        class ReadsWhole(Passes):
            def file(self, reader, size):
                with reader:
                    return io.BytesIO(reader.read())

        class LeavesOpen(Passes):
            def file(self, reader, size):
                return io.BytesIO(reader.read(size))

        class RaisesABuiltIn(Passes):
            def send(self, request, *, timeout):
                try:
                    return super().send(request, timeout=timeout)
                except HubUnreachable as exc:
                    raise ConnectionError(str(exc)) from None

        class RaisesForAStatus(Passes):
            def send(self, request, *, timeout):
                response = super().send(request, timeout=timeout)
                if response.status >= 400:
                    raise HubUnreachable("root", str(response.status))
                return response

        class ReturnsATuple(Passes):
            def send(self, request, *, timeout):
                response = super().send(request, timeout=timeout)
                return response.status, response.headers, response.body

        for kind in (Passes, *Passes.__subclasses__()):
            def http(self, hub, kind=kind):
                return kind(hub)

            globals()[f"Test{kind.__name__}"] = type(
                f"Test{kind.__name__}", (HttpContract,), {"http": pytest.fixture(http)}
            )
        """
    )

    result = run(project, "--tb=no", "-rf")

    failed = {line.split("::")[1] for line in result.outlines if line.startswith("FAILED")}
    broken = {"Seeks", "ReadsInto", "Measures", "ReadsWhole", "LeavesOpen"}
    broken |= {"RaisesABuiltIn", "RaisesForAStatus", "ReturnsATuple"}
    assert {f"Test{name}" for name in broken} == failed
