"""What `hubport serve` stands on, with nothing behind it: ``python -m benchmarks.servers.serve_bare``, on loopback.

uvicorn and the same parser of forms, as their documentations have them: a JSON body is parsed, a form is taken apart as
it comes, and the HUB's envelope is the answer. It writes its address as one line of JSON.

The one rule: nothing is looked up, kept or hashed, and no thread is asked.
"""

from __future__ import annotations

import json
import socket
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import uvicorn
from multipart import PushMultipartParser, parse_options_header

_ENVELOPE = b'{"success": true, "message": ""}'


async def app(
    scope: Mapping[str, Any],
    receive: Callable[[], Awaitable[Mapping[str, Any]]],
    send: Callable[[Mapping[str, Any]], Awaitable[None]],
) -> None:
    """Any request that is a form, or JSON, or nothing."""
    kind, options = parse_options_header(dict(scope["headers"]).get(b"content-type", b"").decode())
    parser = PushMultipartParser(options["boundary"]) if kind == "multipart/form-data" else None
    pieces, more = [], True
    while more:
        message = await receive()
        more = message.get("more_body", False)
        if parser is None:
            pieces.append(message.get("body", b""))
        else:
            for _ in parser.parse(message.get("body", b"")):
                pass
    if parser is None:
        json.loads(b"".join(pieces) or b"null")
    else:
        parser.close()
    headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(_ENVELOPE))]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": _ENVELOPE})


def main() -> None:
    """Listen until it is killed."""
    # asyncio switches Nagle's algorithm off where the socket says that it is TCP, as those that it makes itself do.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.bind(("127.0.0.1", 0))
    listener.listen(512)
    print(json.dumps({"url": f"http://127.0.0.1:{listener.getsockname()[1]}", "key": ""}), flush=True)
    config = uvicorn.Config(
        app, http="h11", loop="asyncio", lifespan="off", ws="none", log_config=None, access_log=False
    )
    uvicorn.Server(config).run([listener])


if __name__ == "__main__":
    main()
