from __future__ import annotations

import copy
import os
import pickle
from pathlib import Path
from typing import Any

import attrs
import pytest

from hubport import InvalidSettings, Settings
from hubport.app.hub.settings import HubSettings

KEY = "0123456789abcdef0123456789abcdef0123456789"


def test_the_defaults_are_the_protocols_and_no_hub_is_one_of_them() -> None:
    settings = Settings()
    assert (None, None, None) == (settings.api_root, settings.web_root, settings.config_file)
    assert not settings.is_named
    assert (3.0, 900.0, 300.0) == (settings.metrics_interval, settings.checkpoint_interval, settings.heartbeat_interval)
    assert (5.0, 10.0, 3600.0) == (settings.connect_timeout, settings.request_timeout, settings.finish_timeout)
    assert (2.0, 5.0) == (settings.exit_timeout, settings.signal_timeout)
    assert settings.api_key is None
    assert settings.agent.startswith("python-")
    assert settings.agent.endswith("-local")
    assert "hubport" in str(settings.state_dir)


def test_every_field_can_be_set_from_the_environment() -> None:
    environ = {
        "ULTRALYTICS_HUB_API": "http://127.0.0.1:8421/",
        "ULTRALYTICS_HUB_WEB": "http://localhost:8421",
        "HUB_API_KEY": KEY,
        "HUBPORT_METRICS_INTERVAL": "0",
        "HUBPORT_CHECKPOINT_INTERVAL": "1.5",
        "HUBPORT_HEARTBEAT_INTERVAL": "60",
        "HUBPORT_CONNECT_TIMEOUT": "1",
        "HUBPORT_REQUEST_TIMEOUT": "2",
        "HUBPORT_UPLOAD_TIMEOUT": "3",
        "HUBPORT_FINISH_TIMEOUT": "4",
        "HUBPORT_EXIT_TIMEOUT": "5",
        "HUBPORT_SIGNAL_TIMEOUT": "6",
        "HUBPORT_HANDLE_SIGNALS": "off",
        "HUBPORT_STATE_DIR": "/somewhere/else",
        "HUBPORT_AGENT": "an agent",
        "HUBPORT_PROGRESS": "1",
        "HUBPORT_JITTER": "0.25",
        "HUBPORT_START_OFFLINE": "on",
        "HUBPORT_RANK": "3",
        "HUBPORT_STRICT": "1",
        "HUBPORT_ANNOUNCE": "0",
        "HUBPORT_OUTBOX_LIMIT": "500 MB",
        "HUBPORT_ALLOW_PLAIN_HTTP": "yes",
        "HUBPORT_CONFIG_FILE": "/somewhere/login.json",
    }
    settings = Settings.from_env(environ)
    assert (
        Settings(
            api_root="http://127.0.0.1:8421",
            web_root="http://localhost:8421",
            api_key=KEY,
            metrics_interval=0.0,
            checkpoint_interval=1.5,
            heartbeat_interval=60.0,
            connect_timeout=1.0,
            request_timeout=2.0,
            upload_timeout=3.0,
            finish_timeout=4.0,
            exit_timeout=5.0,
            signal_timeout=6.0,
            handle_signals=False,
            state_dir=Path("/somewhere/else"),
            agent="an agent",
            progress=True,
            jitter=0.25,
            start_offline=True,
            rank=3,
            strict=True,
            announce=False,
            outbox_limit=500_000_000,
            allow_plain_http=True,
            config_file=Path("/somewhere/login.json"),
        )
        == settings
    )
    assert len(attrs.fields(Settings)) == len(environ)


def test_an_empty_variable_is_none_and_an_argument_comes_first() -> None:
    environ = {"HUBPORT_AGENT": " ", "HUBPORT_METRICS_INTERVAL": "nonsense", "HUB_API_KEY": KEY}
    settings = Settings.from_env(environ, metrics_interval=7.0, api_key=None)
    assert (7.0, None) == (settings.metrics_interval, settings.api_key)
    assert settings.agent.startswith("python-")


def test_on_colab_the_agent_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLAB_RELEASE_TAG", "release-colab")
    assert Settings().agent.endswith("-colab")


@pytest.mark.parametrize(
    ("variable", "text"),
    [
        ("HUBPORT_METRICS_INTERVAL", "soon"),
        ("HUBPORT_HANDLE_SIGNALS", "perhaps"),
        ("HUBPORT_PROGRESS", "2"),
    ],
)
def test_nonsense_in_the_environment_names_its_variable(variable: str, text: str) -> None:
    with pytest.raises(ValueError, match=f"{variable}.*{text}"):
        Settings.from_env({variable: text})


@pytest.mark.parametrize("value", [-1, float("nan"), float("inf"), "3", True, None])
def test_an_interval_is_a_number_of_seconds(value: object) -> None:
    with pytest.raises(InvalidSettings, match="metrics_interval"):
        Settings(metrics_interval=value)  # type: ignore[arg-type]


def test_the_key_crosses_no_network_in_the_clear_unless_asked_for() -> None:
    with pytest.raises(InvalidSettings, match="HUBPORT_ALLOW_PLAIN_HTTP"):
        Settings(api_root="http://hub.example")
    assert "http://hub.example" == Settings(api_root="http://hub.example", allow_plain_http=True).api_root
    pages = Settings(api_root="https://hub.example", web_root="http://hub.example")
    assert "http://hub.example" == pages.web_root
    with pytest.raises(InvalidSettings, match="HUBPORT_ALLOW_PLAIN_HTTP"):
        Settings(web_root="http://hub.example")  # where alone it names the API as well


@pytest.mark.parametrize(
    ("given", "api", "pages"),
    [
        ({"api_root": "http://127.0.0.1:8421"}, "http://127.0.0.1:8421", "http://127.0.0.1:8421"),
        ({"web_root": "http://127.0.0.1:8421/"}, "http://127.0.0.1:8421", "http://127.0.0.1:8421"),
        ({"api_root": "https://a.example", "web_root": "https://w.example"}, "https://a.example", "https://w.example"),
        ({"api_root": "https://api.ultralytics.com"}, "https://api.ultralytics.com", "https://hub.ultralytics.com"),
        ({"web_root": "https://hub.ultralytics.com"}, "https://api.ultralytics.com", "https://hub.ultralytics.com"),
    ],
)
def test_one_address_of_a_hub_says_the_other(given: dict[str, Any], api: str, pages: str) -> None:
    """A HUB of one's own has both at one address, the vendor's had not."""
    settings = Settings(**given)
    assert (True, api, pages) == (settings.is_named, settings.hub_root, settings.page_root)
    assert f"{pages}/models/x" == settings.model_url("x")


@pytest.mark.parametrize("ask", ["hub_root", "page_root", "outbox_dir", "records_dir"])
def test_settings_that_name_no_hub_say_what_to_do(ask: str) -> None:
    with pytest.raises(InvalidSettings) as caught:
        getattr(Settings(), ask)
    first, second = str(caught.value).splitlines()
    assert first.startswith("the HUB's address: none is named, so nothing was sent.")
    assert "hubport login URL`" in first
    assert "ULTRALYTICS_HUB_API" in first
    assert "hubport serve` starts a HUB on this machine" in second


def test_the_pages_of_the_environments_hub_are_not_those_of_another() -> None:
    environ = {"ULTRALYTICS_HUB_API": "https://a.example/", "ULTRALYTICS_HUB_WEB": "https://w.example"}
    assert "https://w.example" == Settings.from_env(environ, api_root="https://a.example").page_root
    assert "https://b.example" == Settings.from_env(environ, api_root="https://b.example").page_root
    del environ["ULTRALYTICS_HUB_API"]
    assert "https://w.example" == Settings.from_env(environ, api_root="https://b.example").page_root


def test_the_key_is_in_no_repr() -> None:
    assert KEY not in repr(Settings(api_key=KEY))
    assert "…6789" in repr(Settings(api_key=KEY))


def test_each_hub_has_an_outbox_of_its_own(tmp_path: Path) -> None:
    folders = {
        Settings(state_dir=tmp_path, api_root=root).outbox_dir
        for root in ("https://a.example", "https://a.example:1", "https://a.example/hub", "https://b.example")
    }
    assert 4 == len(folders)
    assert {tmp_path / "outbox"} == {folder.parent for folder in folders}


@pytest.mark.parametrize(
    ("given", "wanted"),
    [(5, 5), ("7", 7), ("1kB", 1000), ("1 KiB", 1024), ("1.5GiB", 3 << 29), ("2T", 2 * 10**12), ("0", 0)],
)
def test_sizes_may_be_text(given: int | str, wanted: int) -> None:
    assert wanted == Settings(outbox_limit=given).outbox_limit


@pytest.mark.parametrize("given", ["", "much", "-1", "1e3", "5 PB", True])
def test_what_is_no_size_is_said(given: object) -> None:
    with pytest.raises(InvalidSettings, match=r"outbox_limit.*number of bytes, such as 500MB or 8GiB"):
        Settings(outbox_limit=given)  # type: ignore[arg-type]


def test_a_size_in_the_environment_that_is_none_is_named() -> None:
    with pytest.raises(InvalidSettings, match="HUBPORT_OUTBOX_LIMIT: 'much' is not a number of bytes"):
        Settings.from_env({"HUBPORT_OUTBOX_LIMIT": "much"})


@pytest.mark.parametrize("given", ["1", 1.0, True])
def test_what_is_no_rank_is_said(given: object) -> None:
    with pytest.raises(InvalidSettings, match=r"rank: .* is not a rank"):
        Settings(rank=given)  # type: ignore[arg-type]


def test_a_pickle_holds_no_key(tmp_path: Path) -> None:
    """In the process that reads it the key comes from where keys come from."""
    settings = Settings(api_key="1" * 42, state_dir=tmp_path, exit_timeout=9, rank=3)
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        written = pickle.dumps(settings, protocol)
        assert b"1" * 42 not in written
        assert attrs.evolve(settings, api_key=None) == pickle.loads(written)  # noqa: S301 - made a moment ago
    keyless = attrs.evolve(settings, api_key=None)
    assert keyless == pickle.loads(pickle.dumps(keyless))  # noqa: S301


def test_copies_in_the_same_process_have_the_key(tmp_path: Path) -> None:
    settings = Settings(api_key="1" * 42, state_dir=tmp_path)
    assert {"1" * 42} == {copied.api_key for copied in (copy.copy(settings), copy.deepcopy(settings))}


@pytest.fixture
def homeless(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Neither the environment nor the system knows a home of this user."""
    tmp_path_factory.getbasetemp()  # asks who the user is, the first time
    for name in ("HOME", "HUBPORT_STATE_DIR", "XDG_STATE_HOME", "XDG_DATA_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(os, "getuid", lambda: 12345678)


@pytest.mark.usefixtures("homeless")
class TestWithoutHome:
    def test_settings_need_none(self) -> None:
        settings = Settings.from_env({})

        assert (None, None) == (settings.state_dir, settings.records_dir)

    def test_what_is_kept_needs_a_folder(self) -> None:
        with pytest.raises(InvalidSettings, match=r"HUBPORT_STATE_DIR.*no home folder"):
            _ = Settings(api_root="http://127.0.0.1:1").outbox_dir

    def test_one_that_is_named_is_taken(self, tmp_path: Path) -> None:
        settings = Settings.from_env({"HUBPORT_STATE_DIR": str(tmp_path), "ULTRALYTICS_HUB_API": "http://127.0.0.1:1"})

        assert tmp_path / "outbox" == settings.outbox_dir.parent

    def test_a_tilde_leads_nowhere(self) -> None:
        with pytest.raises(InvalidSettings, match=r"HUBPORT_STATE_DIR.*'~/state'.*absolute path"):
            Settings.from_env({"HUBPORT_STATE_DIR": "~/state"})

    def test_a_hub_needs_a_folder(self) -> None:
        with pytest.raises(InvalidSettings, match=r"--data-dir.*no home folder"):
            HubSettings()
        with pytest.raises(InvalidSettings, match=r"--data-dir.*absolute path"):
            HubSettings(data_dir=Path("~/data"))


def test_a_relative_folder_below_one_that_is_gone_is_an_error_of_ours(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()

    with pytest.raises(InvalidSettings, match=r"HUBPORT_STATE_DIR.*'state'.*absolute path"):
        Settings(state_dir=Path("state"))
