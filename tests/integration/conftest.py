"""A HUB of the fault lab in this process, trainers in processes of their own."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import attrs
import pytest

from hubport.testing.lab import Child, Zygote
from hubport.testing.lab.sandbox import Sandbox, bare_environment
from hubport.testing.lab.server.tls import Authority
from tests.integration.adapters.child_process import unmeasured

_CHILDREN = Path(__file__).with_name("children")
_COMMAND = Path(sys.executable).with_name("hubport")
_FORKED_COMMAND = Path(__file__).with_name("cli") / "hubport_command.py"
_STRICT = ("-X", "dev", "-W", "error")


@attrs.define
class TrainerSandbox(Sandbox):
    """A site that knows our trainers and our command by name, and how strict an interpreter can be."""

    strict_zygote: Zygote | None = None
    command_zygote: Zygote | None = None

    def start(self, script: str, *arguments: object, fresh: bool = False, strict: bool = False, **env: str) -> Child:
        """Run ``children/<script>.py`` with the model's ID and *arguments*; further keywords are environment variables.

        A *fresh* one is measured, where tests are, unless it forks. To a *strict* one every warning is an error, also
        those that are silent by default.
        """
        if script in _FORKING:
            env = unmeasured() | env
        return self.run(
            _CHILDREN / f"{script}.py",
            self.model_id,
            *arguments,
            zygote=self.strict_zygote if strict else self.zygote,
            fresh=fresh,
            options=_STRICT if strict else (),
            **env,
        )

    def hubport(self, *arguments: str, fresh: bool = False, **environment: str) -> Child:
        """Run the command ``hubport``: by a fork of what has imported it, or *fresh*, as it is installed."""
        if fresh:
            return self.command([str(_COMMAND), *arguments], **environment)
        return self.run(_FORKED_COMMAND, *arguments, zygote=self.command_zygote, fresh=False, options=(), **environment)


_FORKING = frozenset({"copies", "forks", "forks_once", "multiprocesses", "unguarded"})


@pytest.fixture(scope="session")
def zygote() -> Iterator[Zygote]:
    with Zygote(env=bare_environment() | unmeasured()) as zygote:
        yield zygote


@pytest.fixture(scope="session")
def strict_zygote() -> Iterator[Zygote]:
    with Zygote(env=bare_environment() | unmeasured(), options=_STRICT) as zygote:
        yield zygote


@pytest.fixture(scope="session")
def command_zygote() -> Iterator[Zygote]:
    """Its forks are measured, where tests are: what they run is run nowhere else."""
    with Zygote(preload=("hubport.app.cli.main",), env=bare_environment()) as zygote:
        yield zygote


@pytest.fixture
def site(
    tmp_path: Path,
    zygote: Zygote,
    strict_zygote: Zygote,
    command_zygote: Zygote,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[TrainerSandbox]:
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.setenv(name, "127.0.0.1")
    with TrainerSandbox(tmp_path, zygote, strict_zygote=strict_zygote, command_zygote=command_zygote) as site:
        yield site


@pytest.fixture(scope="session")
def authority() -> Authority:
    return Authority()


@pytest.fixture
def trusted(authority: Authority, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Authority:
    """The authority, which the environment says is to be trusted."""
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(authority.bundle(tmp_path)))
    return authority


@pytest.fixture
def bare_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing in this machine's environment says whom to trust, or through whom to go."""
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy", "requests_ca_bundle", "curl_ca_bundle"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
