"""Every call that needs a HUB, with a key and no HUB: nothing may be resolved, connected or sent.

Says ``used`` for each use of the network, and ``raised`` for each call, with its error.
"""

import contextlib
import io
import sys
from collections.abc import Callable

import hubport
from hubport.app.cli.main import main
from hubport.testing import FakeHub  # noqa: F401 - so that its imports are made before the network is watched

_OF_THE_NETWORK = ("socket.getaddrinfo", "socket.gethostbyname", "socket.connect", "socket.sendto", "socket.sendmsg")


def watch(event: str, arguments: tuple[object, ...]) -> None:
    if event.startswith(_OF_THE_NETWORK):
        sys.stdout.write(f"used {event} {arguments!r}\n")


def tell(name: str, call: Callable[[], object]) -> None:
    try:
        result = call()
    except (Exception, SystemExit) as exc:  # noqa: BLE001
        sys.stdout.write(f"raised {name}: {type(exc).__name__} {' '.join(str(exc).splitlines())}\n")
    else:
        sys.stdout.write(f"returned {name}: {result!r}\n")


def command(*arguments: str) -> None:
    errors = io.StringIO()
    with contextlib.redirect_stderr(errors), contextlib.redirect_stdout(io.StringIO()):
        status = main(arguments)
    raise SystemExit(f"{status} {errors.getvalue()}")


model, key = sys.argv[1:]
sys.addaudithook(watch)
for ref in (model, f"{key}_{model}"):
    for settings in (None, hubport.Settings(api_key=key), hubport.Settings.from_env(exit_timeout=1)):
        tell("connect", lambda ref=ref, settings=settings: hubport.connect(ref, settings=settings))  # type: ignore[misc]
        tell("connect", lambda ref=ref: hubport.connect(ref, api_key=key))  # type: ignore[misc]
        tell(
            "drop-in",
            lambda ref=ref, settings=settings: hubport.HUBTrainingSession(ref, settings=settings),  # type: ignore[misc]
        )
for arguments in (
    ("models", "list"),
    ("models", "list", "--api-key", key),
    ("models", "show", model),
    ("models", "create", "--weights", "a.pt", "--data", "b.yaml"),
    ("models", "delete", model),
    ("models", "restore", model),
    ("models", "export-csv", model),
    ("sync", "--api-key", key),
    ("status",),
    ("whoami",),
    ("whoami", "--json"),
    ("login",),
    ("logout",),
):
    tell(" ".join(arguments[:2]), lambda arguments=arguments: command(*arguments))  # type: ignore[misc]
