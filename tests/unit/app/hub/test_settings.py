"""What `hubport serve` is told: options before the environment, and nothing unsafe without having been asked for."""

from __future__ import annotations

from pathlib import Path

import pytest

from hubport.app.hub.settings import HubSettings
from hubport.domain.errors import InvalidSettings

EVERYWHERE = ["0.0.0.0", "::"]  # noqa: S104 - nothing listens here


def test_without_a_word_it_is_loopback_and_sqlite_in_the_users_data_directory() -> None:
    settings = HubSettings.from_env({})

    assert ("127.0.0.1", 8421, False) == (settings.host, settings.port, settings.is_remote)
    assert settings.data_dir.is_absolute()
    assert "hubport" == settings.data_dir.name
    assert f"sqlite:///{settings.data_dir}/hub.sqlite3" == settings.database_url
    assert str(settings.data_dir / "blobs") == settings.blobs_location


def test_the_environment_names_the_places(tmp_path: Path) -> None:
    environ = {
        "HUBPORT_DATA_DIR": str(tmp_path),
        "HUBPORT_DATABASE": "postgresql://hub@db/hub",
        "HUBPORT_BLOBS": "s3://bucket/prefix",
    }
    settings = HubSettings.from_env(environ)

    assert tmp_path == settings.data_dir
    assert "postgresql://hub@db/hub" == settings.database_url
    assert "s3://bucket/prefix" == settings.blobs_location
    assert settings.is_here


def test_options_beat_the_environment(tmp_path: Path) -> None:
    environ = {"HUBPORT_DATABASE": "postgresql://hub@db/hub", "HUBPORT_DATA_DIR": "/elsewhere"}
    settings = HubSettings.from_env(environ, database="sqlite:////other.sqlite3", port=None, keep=2)

    assert "sqlite:////other.sqlite3" == settings.database_url
    assert (8421, 2) == (settings.port, settings.keep)


def test_a_folder_that_is_named_is_a_hub_of_its_own(tmp_path: Path) -> None:
    """`--data-dir` of an old HUB must not show the database of the one that the environment is for."""
    environ = {"HUBPORT_DATABASE": "postgresql://hub@db/hub", "HUBPORT_BLOBS": "s3://bucket"}
    settings = HubSettings.from_env(environ, data_dir=str(tmp_path))

    assert f"sqlite:///{tmp_path}/hub.sqlite3" == settings.database_url
    assert str(tmp_path / "blobs") == settings.blobs_location


def test_an_empty_variable_is_none(tmp_path: Path) -> None:
    default = HubSettings.from_env({})
    assert default == HubSettings.from_env({"HUBPORT_DATA_DIR": " ", "HUBPORT_DATABASE": "", "HUBPORT_BLOBS": ""})


@pytest.mark.parametrize("host", [*EVERYWHERE, "192.168.1.2", "hub.example.org", ""])
def test_other_machines_only_when_asked_for(tmp_path: Path, host: str) -> None:
    with pytest.raises(InvalidSettings, match="--allow-remote"):
        HubSettings(data_dir=tmp_path, host=host)
    assert HubSettings(data_dir=tmp_path, host=host, allow_remote=True).is_remote


@pytest.mark.parametrize("host", ["127.0.0.1", "127.1.2.3", "::1", "localhost"])
def test_loopback_needs_no_asking(tmp_path: Path, host: str) -> None:
    assert not HubSettings(data_dir=tmp_path, host=host).is_remote


@pytest.mark.parametrize(
    "url", ["hub.example.org", "ftp://hub", "https://user:word@hub", "https://hub/?a=b", "https://"]
)
def test_an_address_for_clients_is_a_root(tmp_path: Path, url: str) -> None:
    with pytest.raises(InvalidSettings, match="--url"):
        HubSettings(data_dir=tmp_path, url=url)


def test_the_address_for_clients_is_the_one_that_was_given(tmp_path: Path) -> None:
    settings = HubSettings(data_dir=tmp_path, url="https://example.org/hub/")

    assert "https://example.org/hub" == settings.address("http://127.0.0.1:8421", "machine")


@pytest.mark.parametrize("host", EVERYWHERE)
def test_an_address_that_means_all_of_them_is_no_address_for_clients(tmp_path: Path, host: str) -> None:
    settings = HubSettings(data_dir=tmp_path, host=host, allow_remote=True)

    assert "http://machine:8421" == settings.address(f"http://{host}:8421", "machine")


def test_otherwise_it_is_where_it_listens(tmp_path: Path) -> None:
    assert "http://127.0.0.1:1" == HubSettings(data_dir=tmp_path).address("http://127.0.0.1:1", "machine")


@pytest.mark.parametrize("name", ["job%2Fmain", "100%", "what?", "a?b=c", "#1", "a b", "a@b:c", "é+", "x://y"])
def test_a_folder_is_a_path_and_no_part_of_a_url(tmp_path: Path, name: str) -> None:
    folder = tmp_path / name
    settings = HubSettings(data_dir=folder)

    assert f"sqlite:///{folder}/hub.sqlite3" == settings.database_url
    assert str(folder / "blobs") == settings.blobs_location
    assert f"{tmp_path}/{name}" == HubSettings(data_dir=tmp_path, blobs=f"{tmp_path}/{name}").blobs_location


def test_a_database_that_lies_where_its_path_was_read_as_a_url_is_found(tmp_path: Path) -> None:
    """SQLAlchemy 2.1 decodes %2F, and 2.0 does not: an upgrade must show no HUB as empty."""
    settings = HubSettings(data_dir=tmp_path / "job%2Fmain")
    named = HubSettings(data_dir=tmp_path, database=f"sqlite:///{tmp_path}/job%2Fmain/hub.sqlite3")
    assert (None, None, False) == (settings.misplaced_database, named.misplaced_database, settings.is_here)

    decoded = tmp_path / "job" / "main" / "hub.sqlite3"
    decoded.parent.mkdir(parents=True)
    decoded.touch()
    assert (decoded, decoded, True) == (settings.misplaced_database, named.misplaced_database, settings.is_here)

    (tmp_path / "job%2Fmain").mkdir()
    (tmp_path / "job%2Fmain" / "hub.sqlite3").touch()
    assert (None, None, True) == (settings.misplaced_database, named.misplaced_database, settings.is_here)


def test_the_database_of_another_folder_is_left_to_its_own_hub(tmp_path: Path) -> None:
    """`a b` and `a%20b` are two folders, and each may hold a HUB."""
    (tmp_path / "a b").mkdir()
    for name in ("hub.sqlite3", "address"):
        (tmp_path / "a b" / name).touch()

    settings = HubSettings(data_dir=tmp_path / "a%20b")
    assert (None, False) == (settings.misplaced_database, settings.is_here)


def test_a_password_is_in_no_repr(tmp_path: Path) -> None:
    settings = HubSettings(
        data_dir=tmp_path, database="postgresql://hub:secret@db/hub", blobs="s3://b?endpoint_url=http://u:secret@h"
    )
    assert "secret" not in repr(settings)


def test_there_is_a_hub_here_when_its_database_is(tmp_path: Path) -> None:
    settings = HubSettings(data_dir=tmp_path)
    assert not settings.is_here
    (tmp_path / "hub.sqlite3").touch()
    assert settings.is_here


@pytest.mark.parametrize("place", ["ftp://host/files", "file:///srv/files", "S3://bucket", "https://u:secret@host/b"])
def test_files_lie_in_a_folder_or_in_a_bucket(place: str) -> None:
    with pytest.raises(InvalidSettings, match="give a folder, or s3://bucket/prefix") as refused:
        HubSettings(blobs=place)
    assert "secret" not in str(refused.value)
