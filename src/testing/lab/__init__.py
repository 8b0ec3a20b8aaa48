"""The fault lab: what goes wrong between a trainer and its HUB, on real sockets and in real processes, on demand.

A HUB that breaks, with a ledger of what it saw::

    with Lab(FakeHub()) as lab:
        lab.play(Reset(after=1000), on="upload", times=3)
        lab.always(Hang(), on="metrics")
        ...
        lab.heal()
        lab.ledger.wait_for(lambda: lab.ledger.committed("upload"))

Trainers in processes of their own, which a test kills, signals and talks to, and what they leave on the disk:
``Sandbox``, ``Child``, ``Zygote``. Small disks: ``SmallDisk``. Bad certificates and a proxy: ``Authority``,
``Certificate`` and ``Proxy``, for which ``pip install hubport[lab]``. Servers that say exactly these bytes:
``RawServer``.

The one rule: no sleep and no speed. A test waits for what happens, and only something that hangs meets a clock.
"""

from .processes.child import Child
from .processes.zygote import Zygote
from .sandbox import Sandbox
from .server.canned_responses import Empty, Html, RateLimited, Raw, Redirect, Status, TooLarge
from .server.connection import ServerConnection
from .server.exchange import Exchange
from .server.lab import Lab
from .server.ledger import End, Entry, Ledger
from .server.raw_server import RawServer
from .server.scripts import (
    Answer,
    DripBody,
    DripHeaders,
    DropAnswer,
    Hang,
    Late,
    Refuse,
    Reset,
    ResetAnswer,
    Restart,
    Script,
    Stall,
    TruncateAnswer,
)
from .timeouts import HANG_TIMEOUT

__all__ = [
    "HANG_TIMEOUT",
    "Answer",
    "Child",
    "DripBody",
    "DripHeaders",
    "DropAnswer",
    "Empty",
    "End",
    "Entry",
    "Exchange",
    "Hang",
    "Html",
    "Lab",
    "Late",
    "Ledger",
    "RateLimited",
    "Raw",
    "RawServer",
    "Redirect",
    "Refuse",
    "Reset",
    "ResetAnswer",
    "Restart",
    "Sandbox",
    "Script",
    "ServerConnection",
    "Stall",
    "Status",
    "TooLarge",
    "TruncateAnswer",
    "Zygote",
]
