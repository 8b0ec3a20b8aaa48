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
import sys
from collections.abc import Sequence
from importlib import metadata

from ..domain.errors import HubportError
from .commands import demo, outbox, serve
from .digits import DemoExtraMissing


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; the exit status."""
    options = _parser().parse_args(arguments)
    try:
        return int(options.run(options))
    except (HubportError, DemoExtraMissing) as exc:
        print(f"hubport: {exc}", file=sys.stderr)
        return 1
    except OSError as exc:
        print(f"hubport: {exc.strerror or exc}{f': {exc.filename}' if exc.filename else ''}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="hubport",
        description="Keeps a trainer connected to its HUB.",
        epilog="Exit status: 0 all is well, 1 it failed or something did not arrive, 2 wrong usage, 130 interrupted.",
    )
    parser.add_argument("--version", action="version", version=f"hubport {metadata.version('hubport')}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    for command in (demo, serve, outbox):
        command.add(commands)
    return parser
