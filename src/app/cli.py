"""The command ``hubport``.

The one rule: an error is one line on stderr that says what to do, and the exit status says what kind it was.

======  ==========================================================
0       all is well
1       it failed, or something did not arrive; the line says what
2       the command line makes no sense
130     interrupted
======  ==========================================================
"""

from __future__ import annotations

import argparse
import contextlib
import io
import os
import sys
from collections.abc import Sequence
from importlib import metadata

from ..domain.errors import AuthenticationFailed, HubportError
from ..domain.printable import printable
from .command_name import command, program_name
from .commands import demo, keys, login, models, outbox, serve

_WRONG_USAGE = 2
_FIRST_STEPS = """\
First steps:
  demo                see a HUB, a training and its page at work
  serve               start a HUB of your own; it prints its address and a key
  login URL           keep both for every training and command of yours
  models create ...   make a model to train, with hubport.connect(ID)
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; the exit status."""
    for stream in (sys.stdout, sys.stderr):
        # A name that a terminal cannot show is no reason to fail; neither is a stream that cannot be told so.
        if isinstance(stream, io.TextIOWrapper):
            with contextlib.suppress(OSError):
                stream.reconfigure(errors="backslashreplace")
    options = _parser().parse_args(arguments)
    try:
        status = int(options.run(options))
        sys.stdout.flush()
        return status
    except AuthenticationFailed as exc:  # its own advice is for a script
        return _failed(
            f"{exc.problem}. `{command('login')}` asks for a key and keeps it; HUB_API_KEY gives one for this shell, "
            "and --api-key for one command"
        )
    except HubportError as exc:
        return _failed(str(exc))
    except BrokenPipeError:
        # Who reads us has seen enough. What is still to be written goes nowhere, or the interpreter would complain.
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        return 1
    except OSError as exc:
        return _failed(f"{exc.strerror or exc}{f': {exc.filename}' if exc.filename else ''}")
    except KeyboardInterrupt:
        return 130


def _failed(reason: str) -> int:
    # It may quote a HUB.
    print("hubport:", printable(" ".join(reason.splitlines())), file=sys.stderr)
    return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=program_name(),
        description="Keeps a trainer connected to its HUB, and is a HUB.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog=_FIRST_STEPS
        + "\nExit status: 0 all is well, 1 it failed or something did not arrive, 2 wrong usage, 130 interrupted.",
    )
    parser.add_argument("--version", action="version", version=f"hubport {metadata.version('hubport')}")

    def helped(_: argparse.Namespace) -> int:  # whoever types the name alone wants to know what there is
        parser.print_help(sys.stderr)
        return _WRONG_USAGE

    parser.set_defaults(run=helped)
    commands = parser.add_subparsers(metavar="COMMAND")

    for module in (demo, serve, login, models, keys, outbox):
        module.add(commands)
    return parser
