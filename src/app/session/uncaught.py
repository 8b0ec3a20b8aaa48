"""Whether the interpreter ends because of an exception that nobody caught.

The one rule: an interactive interpreter ends for no reason of ours: what failed in it was shown and is long over.
"""

from __future__ import annotations

import sys

#: Of the outermost frame of a script, and of what runs a module as one. In a notebook it is a module of the kernel.
_SCRIPTS = {"__main__", "runpy"}


def uncaught_exception() -> type[BaseException] | None:
    """The class of the exception that ended the script, for whoever is called at the end of the interpreter.

    Before it calls ``sys.excepthook``, whoever has replaced that, the interpreter keeps what it is about to show in
    ``sys.last_value``. It does not do so for ``SystemExit``, nor for what ends another thread.
    """
    value, trace = getattr(sys, "last_value", None), getattr(sys, "last_traceback", None)
    if hasattr(sys, "ps1") or value is None or trace is None:
        return None
    return type(value) if trace.tb_frame.f_globals.get("__name__") in _SCRIPTS else None
