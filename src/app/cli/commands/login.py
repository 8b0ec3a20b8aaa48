"""``hubport login``, ``logout`` and ``whoami``: which HUB this user works with, and the key for it.

The one rule: a key is kept when the HUB has taken it and not before, and no argument ever holds it: the arguments of a
process can be seen by every user of the machine.
"""

from __future__ import annotations

import argparse
import getpass
import json
import sys
import warnings
from contextlib import closing
from typing import Any

import attrs

from ....domain.base_url import validate_base_url
from ....domain.client.credentials import Credentials, redact
from ....domain.client.login import Login
from ....domain.errors import AuthenticationFailed, CallerError, HubError, InvalidSettings
from ...command_name import command
from ...hub_client.client import HubClient
from ...logins import Logins
from ...session.container import Container
from ...session.hub_access import key_for, with_login
from ...settings import Settings, no_hub
from ..tables import pairs

_LONGEST_KEY = 4096
_API, _WEB, _KEY = "ULTRALYTICS_HUB_API", "ULTRALYTICS_HUB_WEB", "HUB_API_KEY"


class LoginFailed(CallerError):
    """It could not be logged in; ``str()`` says why, and what to do."""


def add(commands: Any) -> None:
    """Put them on the command line."""
    login = commands.add_parser(
        "login",
        help="keep a HUB's address and a key for it, for every training and command",
        description="Asks the HUB whether it takes the key, and then keeps both in a file that this user alone can "
        "read. The key is that of --key-stdin, else of HUB_API_KEY, else it is asked for and not shown.",
    )
    login.add_argument(
        "url", nargs="?", metavar="URL", help=f"the HUB's address (else {_API}, else the one kept before)"
    )
    login.add_argument("--web", metavar="URL", help="where its pages are, unless they are at the same address")
    login.add_argument("--key-stdin", action="store_true", help="read the key from standard input, its first line")
    login.add_argument("--allow-plain-http", action="store_true", help="send the key over http to another machine")
    login.set_defaults(run=_login)

    logout = commands.add_parser("logout", help="remove the address and the key that login has kept")
    logout.set_defaults(run=_logout)

    whoami = commands.add_parser(
        "whoami",
        help="which HUB and which key are used here, where they come from, and whether the HUB takes the key",
        description="Ends with 0 when the HUB takes the key, and with 1 when it does not, or cannot be asked.",
    )
    whoami.add_argument("--json", action="store_true", help="the same as JSON on stdout")
    whoami.set_defaults(run=_whoami)


def _login(options: argparse.Namespace) -> int:
    more: dict[str, Any] = {"allow_plain_http": True} if options.allow_plain_http else {}
    usual = Settings.from_env(**more)
    logins = Container(settings=usual).logins()
    settings = _named_by(options, usual, logins)
    key = _key(options, settings, usual)
    try:
        _ask(settings, key)
    except AuthenticationFailed as exc:  # its own advice is what was just done
        raise LoginFailed(
            f"{exc.problem}, and nothing was kept: check that it is this HUB's and whole, or make a new one on the "
            f"HUB's machine with `{command('keys create')}`"
        ) from exc
    kept = logins.keep(
        Login(
            api_root=settings.hub_root,
            web_root=settings.page_root,
            api_key=key.secret,
            allow_plain_http=settings.allow_plain_http,
        )
    )
    print(f"Logged in to the HUB at {settings.hub_root} with the key {_tail(key.secret)}.")
    print(f"Both are kept in {kept}, for this user alone. `{command('logout')}` removes them.")
    _tell_of_variables(settings, key, usual)
    return 0


def _named_by(options: argparse.Namespace, usual: Settings, logins: Logins) -> Settings:
    """*usual* with the HUB to log in to."""
    url = options.url
    if url is not None:
        url = validate_base_url(url, setting="URL", allow_plain_http=usual.allow_plain_http)
    if url is None and not usual.is_named:
        try:
            before = logins.read()
        except InvalidSettings:  # it is to be replaced
            before = None
        if before is None:
            raise LoginFailed(
                f"say which HUB: `{command('login http://127.0.0.1:8421')}`, with the address that "
                f"`{command('serve')}` prints",
            )
        return attrs.evolve(
            usual,
            api_root=before.api_root,
            web_root=options.web or before.web_root,
            allow_plain_http=usual.allow_plain_http or before.allow_plain_http,
        )
    named = {"api_root": url, "web_root": options.web, "allow_plain_http": options.allow_plain_http or None}
    return Settings.from_env(**{name: value for name, value in named.items() if value is not None})


def _key(options: argparse.Namespace, settings: Settings, usual: Settings) -> Credentials:
    if options.key_stdin:
        return _checked(sys.stdin.readline(_LONGEST_KEY))
    # The key of the environment is for the HUB of the environment, where that is set.
    if usual.api_key and (not usual.is_named or usual.hub_root == settings.hub_root):
        return _checked(usual.api_key)
    if not sys.stdin.isatty():
        raise LoginFailed(
            f"there is no terminal to ask for the key on: set {_KEY}, or write it to `{command('login --key-stdin')}`",
        )
    with warnings.catch_warnings():
        warnings.simplefilter("error", getpass.GetPassWarning)
        try:
            return _checked(getpass.getpass(f"Key for {settings.hub_root} (it is not shown): "))
        except (EOFError, getpass.GetPassWarning):
            raise LoginFailed("no key was given, so nothing was changed") from None


def _checked(key: str) -> Credentials:
    # Whoever pastes the whole line that `serve` has printed means the key in it.
    key = key.strip().removeprefix("export ").removeprefix(f"{_KEY}=").strip()
    try:
        return Credentials(key)
    except AuthenticationFailed as exc:
        raise LoginFailed(f"{exc.problem}: paste it once more, without anything around it") from None


def _ask(settings: Settings, key: Credentials) -> None:
    """Whether the HUB takes *key*.

    Raises:
        HubError: when it does not, or cannot be asked.
    """
    container = Container(settings=settings)
    with closing(container.http()) as http:
        client = HubClient(http, container.clock(), key, settings.hub_root, timeout=settings.request_timeout)
        client.request(client.protocol.authenticate())


def _tell_of_variables(settings: Settings, key: Credentials, usual: Settings) -> None:
    """A variable comes before what is kept, which is a riddle for whoever does not know that it is set."""
    others = []
    if usual.is_named and usual.hub_root != settings.hub_root:
        others.append(_API if usual.api_root else _WEB)
    if usual.api_key and usual.api_key != key.secret:
        others.append(_KEY)
    if others:
        print(
            f"hubport: {' and '.join(others)} in this shell {'come' if len(others) > 1 else 'comes'} before it: "
            f"`unset {' '.join(others)}` to use what was kept",
            file=sys.stderr,
        )


def _logout(_: argparse.Namespace) -> int:
    logins = Container(settings=Settings.from_env()).logins()
    if logins.forget():
        print(f"Logged out: {logins.location} is removed. The key is still good; the HUB's owner can revoke it.")
    else:
        print("Not logged in.")
    return 0


@attrs.define
class _Identity:
    """What commands and trainings here would use. ``is_taken`` is ``None`` where the HUB could not be asked."""

    hub: str | None = None
    hub_from: str | None = None
    web: str | None = None
    key: str | None = None
    key_from: str | None = None
    is_taken: bool | None = None
    problem: str | None = None
    login_file: str | None = None


def _whoami(options: argparse.Namespace) -> int:
    usual = Settings.from_env()
    logins = Container(settings=usual).logins()
    found = _Identity(login_file=logins.location)
    try:
        _fill_in(found, usual, logins)
    except AuthenticationFailed as exc:
        found.is_taken = None if found.key is None else False
        found.problem = exc.problem if found.key else f"{exc.problem}: `{command('login')}` keeps one, {_KEY} names one"
    except (CallerError, HubError) as exc:
        found.problem = str(exc)
    if options.json:
        print(json.dumps(attrs.asdict(found), indent=2))
    else:
        if found.hub:
            print(pairs(_rows(found)))
        if found.problem:
            print("hubport:", " ".join(found.problem.splitlines()), file=sys.stderr)
    return 0 if found.is_taken else 1


def _fill_in(found: _Identity, usual: Settings, logins: Logins) -> None:
    settings = with_login(usual, logins)
    if not settings.is_named:
        raise no_hub()
    file = f"the login in {logins.location}"
    found.hub, found.web = settings.hub_root, settings.page_root
    found.hub_from = file if not usual.is_named else _API if usual.api_root else _WEB
    key = key_for(settings, logins)
    found.key, found.key_from = _tail(key.secret), _KEY if usual.api_key else file
    _ask(settings, key)
    found.is_taken = True


def _rows(found: _Identity) -> list[tuple[str, str]]:
    rows = [("HUB", f"{found.hub}  (from {found.hub_from})")]
    if found.web != found.hub:
        rows.append(("pages", str(found.web)))
    if found.key:
        taken = {True: "the HUB takes it", False: "the HUB does not take it", None: "not checked"}[found.is_taken]
        rows.append(("key", f"{found.key}  (from {found.key_from}): {taken}"))
    return rows


def _tail(key: str) -> str:
    return redact(key).strip("'")
