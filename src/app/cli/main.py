"""The command ``hubport``.

The one rule: an error is one line on stderr that says what to do, and the exit status says what kind it was.

======  ==========================================================
0       all is well
1       it failed, something did not arrive, or its output was lost; the line says what
2       the command line makes no sense
130     interrupted
======  ==========================================================
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from importlib import metadata

from ...domain.errors import AuthenticationFailed, HubportError
from ...domain.terminal_text import sanitize
from ..command_name import command, program_name
from .commands import demo, keys, login, models, outbox, serve
from .standard_streams import standard_streams

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
    with standard_streams() as streams:
        status = _run(arguments)
        streams.output.flush()
        streams.errors.flush()
    # Whatever it did: who reads the output, or a part of it, must not take it for all.
    return status or int(streams.output.is_lossy)


def _run(arguments: Sequence[str] | None) -> int:
    try:
        options = _parser().parse_args(arguments)
        return int(options.run(options))
    except SystemExit as exc:  # --help, --version, and what makes no sense
        return int(exc.code or 0)
    except AuthenticationFailed as exc:  # its own advice is for a script
        return _failed(
            f"{exc.problem}. `{command('login')}` asks for a key and keeps it; HUB_API_KEY gives one for this shell, "
            "and --api-key for one command"
        )
    except HubportError as exc:
        return _failed(str(exc))
    except OSError as exc:
        return _failed(f"{exc.strerror or exc}{f': {exc.filename}' if exc.filename else ''}")
    except KeyboardInterrupt:
        return 130


def _failed(reason: str) -> int:
    # It may quote a HUB.
    print("hubport:", sanitize(" ".join(reason.splitlines())), file=sys.stderr)
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
