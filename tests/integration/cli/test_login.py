"""`hubport login`, `logout` and `whoami`, and what connects by what they keep."""

from __future__ import annotations

import io
import json
import stat
import sys
from collections.abc import Iterator

import attrs
import pytest

import hubport
from hubport.testing import FakeHub, LoopbackServer
from tests.integration.cli.conftest import Machine
from tests.integration.cli.terminal import at_terminal

OUTCOME = tuple[int, list[str], list[str]]


@attrs.define
class LoggedOut:
    """A machine, a HUB beside it, and nobody logged in."""

    machine: Machine
    hub: FakeHub
    url: str

    def login(self, *arguments: object, key: str | None = None, **environment: str) -> OUTCOME:
        """Log in with *key*, by standard input."""
        before, sys.stdin = sys.stdin, io.StringIO(f"{self.hub.api_key if key is None else key}\n")
        try:
            return self.machine.outcome("login", self.url, *arguments, "--key-stdin", **environment)
        finally:
            sys.stdin = before

    def whoami(self, **environment: str) -> dict[str, object]:
        status, said, _ = self.machine.outcome("whoami", "--json", **environment)
        found: dict[str, object] = json.loads("\n".join(said))
        assert (status == 0) == (found["is_taken"] is True)
        return found

    def named(self, **environment: str) -> dict[str, str]:
        """The variables that name the HUB."""
        return {"ULTRALYTICS_HUB_API": self.url, "HUB_API_KEY": self.hub.api_key} | environment


@pytest.fixture
def user(machine: Machine) -> Iterator[LoggedOut]:
    hub = FakeHub(seed=3)
    with LoopbackServer(hub) as server:
        hub.root = server.url
        yield LoggedOut(machine, hub, server.url)


def test_it_keeps_address_and_key_for_this_user_alone(user: LoggedOut) -> None:
    key, file = user.hub.api_key, user.machine.login_file
    status, said, complaints = user.login()
    assert (0, []) == (status, complaints)
    assert f"Logged in to the HUB at {user.url} with the key …{key[-4:]}." == said[0]
    assert f"Both are kept in {file}, for this user alone." in said[1]
    assert key not in "".join(said)
    assert (0o700, 0o600) == (stat.S_IMODE(file.parent.stat().st_mode), stat.S_IMODE(file.stat().st_mode))
    assert ["auth"] == [entry.kind for entry in user.hub.ledger]


def test_sessions_and_commands_go_by_it(user: LoggedOut) -> None:
    user.login()
    model = user.hub.create_model(epochs=3)
    assert [model.id] == [record["id"] for record in user.machine.json("models", "list")]
    with user.machine.inhabited():
        for ref in (model.id, f"{user.url}/models/{model.id}"):
            with hubport.connect(ref) as session:
                assert f"{user.url}/models/{model.id}" == session.model_url
        old = hubport.HUBTrainingSession(model.id)
        assert f"{user.url}/v1/models/{model.id}" == old.api_url
        old.alive = False
        with hubport.connect(model.id, settings=hubport.Settings.from_env(exit_timeout=1)):
            pass
        with pytest.raises(hubport.InvalidSettings, match="none is named"):
            hubport.connect(model.id, settings=hubport.Settings())
    assert (0, [f"Nothing waits for {user.url} in {_outbox(user)}."], []) == user.machine.outcome("sync")


def _outbox(user: LoggedOut) -> str:
    with user.machine.inhabited():
        return str(hubport.Settings.from_env(api_root=user.url).outbox_dir)


def test_arguments_and_environment_come_first(user: LoggedOut) -> None:
    user.login()
    wrong = user.hub.api_key[::-1]
    assert 1 == user.machine.outcome("models", "list", HUB_API_KEY=wrong)[0]
    assert 0 == user.machine.outcome("models", "list", "--api-key", user.hub.api_key, HUB_API_KEY=wrong)[0]
    with LoopbackServer(FakeHub()) as other:
        status, _, (line,) = user.machine.outcome("models", "list", "--hub", other.url)
        assert (1, f"hubport: no key for the HUB at {other.url}.") == (status, line.partition(" `")[0])
        assert "`" in line
        assert "HUB_API_KEY" in line
        assert "--api-key" in line
        assert "api_key=" not in line
        assert 1 == user.machine.outcome("models", "list", ULTRALYTICS_HUB_API=other.url)[0]


def test_a_key_that_the_hub_does_not_take_is_not_kept(user: LoggedOut) -> None:
    wrong = user.hub.api_key[::-1]
    status, said, (line,) = user.login(key=wrong)
    assert (1, []) == (status, said)
    assert line.startswith(f"hubport: the HUB at {user.url} does not take this key, and nothing was kept: ")
    assert wrong not in line
    assert not user.machine.login_file.exists()
    user.login()
    kept = user.machine.login_file.read_bytes()
    assert 1 == user.login(key=wrong)[0]
    assert kept == user.machine.login_file.read_bytes()


@pytest.mark.parametrize("key", ["", "  ", "a key", "é" * 42])
def test_what_can_be_no_key_is_said_before_anybody_is_asked(user: LoggedOut, key: str) -> None:
    status, said, (line,) = user.login(key=key)
    assert (1, []) == (status, said)
    assert line.startswith("hubport: the key is empty or holds blanks")
    assert [] == user.hub.ledger


def test_a_hub_that_does_not_answer_is_not_logged_in_to(user: LoggedOut) -> None:
    user.hub.down()
    status, _, (line,) = user.login()
    assert 1 == status
    assert user.url in line
    assert not user.machine.login_file.exists()


def test_the_key_may_come_from_the_environment(user: LoggedOut) -> None:
    assert 0 == user.machine.outcome("login", user.url, HUB_API_KEY=user.hub.api_key)[0]
    assert 0 == user.machine.outcome("login", **user.named())[0]
    assert 0 == user.machine.outcome("whoami")[0]


def test_the_key_of_another_hub_in_the_environment_is_not_sent(user: LoggedOut) -> None:
    before, sys.stdin = sys.stdin, io.StringIO("")  # no terminal
    try:
        status, _, (line,) = user.machine.outcome(
            "login", user.url, ULTRALYTICS_HUB_API="https://other.example", HUB_API_KEY="the-key-of-the-other"
        )
    finally:
        sys.stdin = before
    assert 1 == status
    assert "no terminal to ask for the key on" in line
    assert "--key-stdin" in line
    assert [] == user.hub.ledger


def test_no_argument_holds_the_key(user: LoggedOut) -> None:
    status, _, complaints = user.machine.outcome("login", user.url, "--api-key", user.hub.api_key)
    assert 2 == status
    assert user.hub.api_key not in complaints[0]


def test_variables_that_come_before_what_was_kept_are_named(user: LoggedOut) -> None:
    _, _, complaints = user.login(ULTRALYTICS_HUB_API="https://other.example", HUB_API_KEY="another")
    (line,) = complaints
    assert line.startswith("hubport: ULTRALYTICS_HUB_API and HUB_API_KEY in this shell come before it: ")
    assert "`unset ULTRALYTICS_HUB_API HUB_API_KEY`" in line
    assert [] == user.login(**user.named())[2]


def test_without_an_address_it_is_the_one_before(user: LoggedOut) -> None:
    user.login()
    assert 0 == user.machine.outcome("login", HUB_API_KEY=user.hub.api_key)[0]
    assert user.url == user.whoami()["hub"]


def test_plain_http_that_was_allowed_once_stays_allowed(user: LoggedOut) -> None:
    status, _, (line,) = user.machine.outcome("login", "http://hub.invalid:1", HUB_API_KEY="key")
    assert 1 == status
    assert "--allow-plain-http" in line or "HUBPORT_ALLOW_PLAIN_HTTP" in line
    user.login("--allow-plain-http")
    assert json.loads(user.machine.login_file.read_bytes())["allow_plain_http"] is True


def test_logout_removes_it(user: LoggedOut) -> None:
    user.login()
    status, (line,), complaints = user.machine.outcome("logout")
    assert (0, []) == (status, complaints)
    assert line.startswith(f"Logged out: {user.machine.login_file} is removed.")
    assert not user.machine.login_file.exists()
    assert (0, ["Not logged in."], []) == user.machine.outcome("logout")
    assert 1 == user.machine.outcome("whoami")[0]


def test_whoami_says_which_hub_and_key_and_where_they_come_from(user: LoggedOut) -> None:
    user.login()
    tail, file = f"…{user.hub.api_key[-4:]}", f"the login in {user.machine.login_file}"
    assert (
        0,
        [f"HUB  {user.url}  (from {file})", f"key  {tail}  (from {file}): the HUB takes it"],
        [],
    ) == user.machine.outcome("whoami")
    found = user.whoami(HUB_API_KEY=user.hub.api_key)
    assert (user.url, file, tail, "HUB_API_KEY") == tuple(found[n] for n in ("hub", "hub_from", "key", "key_from"))
    found = user.whoami(ULTRALYTICS_HUB_WEB=user.url)
    assert ("ULTRALYTICS_HUB_WEB", file, True) == tuple(found[n] for n in ("hub_from", "key_from", "is_taken"))
    assert str(user.machine.login_file) == found["login_file"]


def test_whoami_says_what_is_wrong(user: LoggedOut) -> None:
    found = user.whoami()
    assert (None, None, None) == (found["hub"], found["key"], found["is_taken"])
    assert "none is named" in str(found["problem"])
    found = user.whoami(ULTRALYTICS_HUB_API=user.url)
    assert (user.url, None, None) == (found["hub"], found["key"], found["is_taken"])
    assert f"no key for the HUB at {user.url}" in str(found["problem"])
    wrong = user.hub.api_key[::-1]
    found = user.whoami(**user.named(HUB_API_KEY=wrong))
    assert (f"…{wrong[-4:]}", False) == (found["key"], found["is_taken"])
    assert "does not take this key" in str(found["problem"])
    user.hub.down()
    found = user.whoami(**user.named())
    assert (f"…{user.hub.api_key[-4:]}", None) == (found["key"], found["is_taken"])
    assert f"no answer from the HUB at {user.url}" in str(found["problem"])
    status, said, (line,) = user.machine.outcome("whoami", **user.named())
    assert (1, 2) == (status, len(said))
    assert "not checked" in said[1]
    assert line.startswith("hubport: no answer")


@pytest.mark.parametrize("data", [b"nonsense", b"", b"\xff" * 100_000, b"{}"])
def test_a_damaged_login_is_named_and_stops_nobody_who_does_not_need_it(user: LoggedOut, data: bytes) -> None:
    user.login()
    file = user.machine.login_file
    file.write_bytes(data)
    model = user.hub.create_model()
    for arguments in (["models", "list"], ["sync"], ["whoami"]):
        status, _, (line,) = user.machine.outcome(*arguments)
        assert 1 == status
        assert line.startswith(f"hubport: the login in {file}: it ")
    with user.machine.inhabited():
        with pytest.raises(hubport.InvalidSettings, match=f"the login in {file}: it "):
            hubport.connect(model.id, api_key=user.hub.api_key)
        with hubport.connect(f"{user.url}/models/{model.id}", api_key=user.hub.api_key):
            pass
    assert 0 == user.machine.outcome("models", "list", **user.named())[0]
    assert 0 == user.machine.outcome("status")[0]
    assert 0 == user.login()[0]
    assert user.whoami()["is_taken"] is True
    file.write_bytes(data)
    assert 0 == user.machine.outcome("logout")[0]


def test_a_login_that_others_can_read_is_not_used(user: LoggedOut) -> None:
    user.login()
    user.machine.login_file.chmod(0o644)
    status, _, (line,) = user.machine.outcome("models", "list")
    assert 1 == status
    assert f"`chmod 600 {user.machine.login_file}`" in line


def test_it_is_not_written_through_a_link(user: LoggedOut) -> None:
    file, elsewhere = user.machine.login_file, user.machine.folder / "elsewhere"
    file.parent.mkdir(parents=True)
    elsewhere.write_bytes(b"of somebody else")
    file.symlink_to(elsewhere)
    status, _, (line,) = user.login()
    assert 1 == status
    assert f"the login in {file}: it cannot be written: it is a symbolic link" in line
    assert b"of somebody else" == elsewhere.read_bytes()


def test_without_a_home_nobody_is_logged_in(user: LoggedOut, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hubport.app.settings._default_config_file", lambda: None)
    without = {"HUBPORT_CONFIG_FILE": ""}
    status, _, (line,) = user.login(**without)
    assert 1 == status
    assert "HUBPORT_CONFIG_FILE: this user has no home folder" in line
    assert (0, ["Not logged in."], []) == user.machine.outcome("logout", **without)
    assert 0 == user.machine.outcome("whoami", **user.named(**without))[0]
    assert 1 == user.machine.outcome("whoami", **without)[0]


def test_a_terminal_is_asked_for_the_key_which_it_does_not_show(user: LoggedOut) -> None:
    """A pseudo-terminal: what it echoes is what a disabled session would see."""
    with at_terminal(user.machine.environment(), "login", user.url) as terminal:
        terminal.wait_for("(it is not shown): ")
        terminal.type(f"export HUB_API_KEY={user.hub.api_key}\r")
        assert 0 == terminal.end(), terminal.shown
    assert user.hub.api_key not in terminal.shown
    assert "Logged in to the HUB at " in terminal.shown
    assert 0 == user.machine.outcome("whoami")[0]


@pytest.mark.parametrize(("typed", "status"), [("\x03", 130), ("\x04", 1), ("\r", 1)], ids=["Ctrl-C", "end", "empty"])
def test_who_gives_no_key_is_not_logged_in(user: LoggedOut, typed: str, status: int) -> None:
    with at_terminal(user.machine.environment(), "login", user.url) as terminal:
        terminal.wait_for("(it is not shown): ")
        terminal.type(typed)
        assert status == terminal.end(), terminal.shown
    assert "Traceback" not in terminal.shown
    assert not user.machine.login_file.exists()
    assert [] == user.hub.ledger
