"""One request through an adapter that may be anybody's.

The one rule: what an adapter may not do is told from an outage, and quotes no key.
"""

from __future__ import annotations

from pathlib import Path

from ..domain.client.credentials import redact
from ..domain.errors import HubUnreachable, InvalidAdapter
from ..domain.ports.http import Http, Request, Response

_LONGEST_MESSAGE = 200


def exchange(http: Http, request: Request, *, timeout: float) -> Response:
    """The answer to *request*, within *timeout* seconds; see :meth:`~hubport.domain.ports.http.Http.send`.

    Raises:
        HubUnreachable: when there is no answer.
        InvalidAdapter: when *http* raises something else, or returns something else than a response.
    """
    adapter = f"{type(http).__module__}.{type(http).__qualname__}"
    try:
        response: object = http.send(request, timeout=timeout)
    except HubUnreachable:
        raise
    except Exception as exc:  # noqa: BLE001 - whatever it is, it is not allowed
        said = _scrubbed(str(exc), request)[:_LONGEST_MESSAGE]
        text = f"raised {type(exc).__name__}{f': {said}' if said else ''}{_place(exc)}"
        # Without the chain: what it quotes may be the key.
        raise InvalidAdapter(adapter, text) from None
    if not isinstance(response, Response):
        raise InvalidAdapter(adapter, f"returned no Response but {type(response).__name__}")
    return response


def _scrubbed(text: str, request: Request) -> str:
    """*text* without the values of the headers, one of which is the key."""
    for value in request.headers.values():
        for secret in (str(value), str(value).rpartition(" ")[2]):
            text = text.replace(secret, redact(secret)) if secret else text
    return text


def _place(exc: Exception) -> str:
    """Where it was raised, for who writes the adapter."""
    trace = exc.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return "" if trace is None else f" ({Path(trace.tb_frame.f_code.co_filename).name}:{trace.tb_lineno})"
