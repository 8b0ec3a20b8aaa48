"""Imports hubport, and prints as JSON what that did to the process."""

import json
import logging
import os
import signal
import sys
import threading
from pathlib import Path

#: What would be more than reading modules.
DEEDS = ("open", "os.", "shutil.", "tempfile.", "socket.", "subprocess.", "signal.", "_thread.", "sqlite3.", "ctypes.")
LOOKS = ("os.listdir", "os.scandir")
seen: list[str] = []
watching = True


def hook(event: str, arguments: tuple[object, ...]) -> None:
    if not watching or event in LOOKS or not event.startswith(DEEDS):
        return
    if event == "open":
        _, mode, flags = arguments
        is_read = (mode is None or "r" in str(mode)) and not int(str(flags)) & (os.O_WRONLY | os.O_RDWR | os.O_CREAT)
        if is_read:
            return
    seen.append(f"{event} {arguments[:1]}")


def state() -> dict[str, object]:
    handlers = logging.getLogger().handlers + logging.getLogger("hubport").handlers
    return {
        "threads": threading.active_count(),
        "files": len(list(Path("/dev/fd").iterdir())),
        "handlers": [repr(handler) for handler in handlers],
        "levels": [logging.getLogger(name).level for name in (None, "hubport")],
        "signals": [str(signal.getsignal(number)) for number in (signal.SIGTERM, signal.SIGINT)],
    }


before = state()
modules = set(sys.modules)
sys.addaudithook(hook)
import hubport  # noqa: E402

watching = False
after = state()
new = set(sys.modules) - modules
sys.stdout.write(
    json.dumps(
        {
            "before": before,
            "after": after,
            "seen": seen,
            "modules": sorted({name.partition(".")[0] for name in new}),
            "version": bool(hubport.__all__),
        }
    )
)
