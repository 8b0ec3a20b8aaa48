"""How much a HUB takes from one client, and for how long it waits for it.

The one rule: nothing that a client sends, or does not send, costs more than what is said here.
"""

from __future__ import annotations

import attrs

_KIB, _MIB, _GIB = 1 << 10, 1 << 20, 1 << 30


@attrs.frozen
class Limits:
    """Sizes are bytes, times are seconds."""

    #: A JSON body.
    json: int = 16 * _MIB
    #: A form with its file.
    upload: int = 64 * _GIB
    #: The first line and the headers of a request.
    head: int = 32 * _KIB
    #: The parts of a form, the headers of one, the text of one, and a name in it.
    parts: int = 32
    part_head: int = 4 * _KIB
    field: int = 64 * _KIB
    #: Until a request's first line and headers are there.
    header_timeout: float = 15.0
    #: Until the next byte of a body; and until a client has taken what it is given.
    body_chunk_timeout: float = 30.0
    #: What a body may take at all: so many seconds, and more for each piece of `pace` bytes.
    body_timeout: float = 60.0
    pace: int = 4 * _KIB
    #: Between two requests of one connection.
    keepalive_timeout: float = 30.0
    #: How long and how far a client that was refused is heard out, so that it hears the refusal.
    lingering_timeout: float = 5.0
    discard: int = 64 * _MIB
    #: At the same time: connections, uploads, JSON bodies above 64 KiB, and those that listen to changes.
    connections: int = 512
    uploads: int = 32
    large: int = 4
    listeners: int = 64
    #: Threads for what blocks.
    threads: int = 8
    #: Those that listen: how often the store is looked at, and how often they hear something anyway.
    poll: float = 1.0
    keep_alive: float = 15.0
