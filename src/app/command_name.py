"""The command line that runs this installation, for messages that tell people to run one.

The one rule: what a message names can be pasted, and runs the hubport that wrote the message.
"""

from __future__ import annotations

import os
import shlex
import shutil
import sys
from pathlib import Path

_NAME = "hubport"
_PYTHONS = ("python", "python3")


def command(arguments: str = "") -> str:
    """``hubport`` with *arguments*, as it is called here.

    It is ``hubport`` where the shell finds this installation by that name; else the path by which it was called just
    now; else ``python -m hubport``, with the interpreter's path where ``python`` is another one.
    """
    return f"{_program()} {arguments}".rstrip()


def program_name() -> str:
    """How usage lines call it: as the shell does, without the path."""
    return f"python -m {_NAME}" if sys.argv and Path(sys.argv[0]).name == "__main__.py" else _NAME


def _program() -> str:
    if not sys.executable:  # an interpreter inside another program cannot say where it is
        return _NAME
    found = shutil.which(_NAME)
    if found is not None and _is_ours(found):
        return _NAME
    called = sys.argv[0] if sys.argv else ""
    if Path(called).name == _NAME and os.access(called, os.X_OK) and _is_ours(called):
        return shlex.quote(called)
    python = next((name for name in _PYTHONS if _is_this_python(name)), None)
    return f"{python or shlex.quote(sys.executable)} -m {_NAME}"


def _is_ours(script: str) -> bool:
    """Whether the console script *script* runs this interpreter, and with it this installation."""
    # Links to the script are followed (pipx makes them). The interpreter's are not: that of a virtual environment is
    # a link to one that has other packages.
    if Path(script).resolve().parent == Path(sys.executable).parent.resolve():
        return True
    try:
        with Path(script).open("rb") as file:
            # The second line is where installers put an interpreter whose path is too long for the first.
            lines = [file.readline(4096) for _ in range(2)]
    except OSError:
        return False
    return lines[0].startswith(b"#!") and os.fsencode(sys.executable) in b" ".join(lines).replace(b"#!", b" ").split()


def _is_this_python(name: str) -> bool:
    found = shutil.which(name)
    if found is None:
        return False
    mine = Path(sys.executable)
    is_beside = Path(found).parent.resolve() == mine.parent.resolve()
    return is_beside and Path(found).resolve() == mine.resolve()
