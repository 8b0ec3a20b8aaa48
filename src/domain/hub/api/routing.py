"""Which call is answered by whom.

The one rule: what a path may hold is said once, in its template, and a path that does not fit meets nobody. The
document of the API is made from this table.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence

import attrs

from .context import HubContext
from .messages import ApiError, BodyKind, HubRequest, HubResponse

#: What the parts of a path may hold.
PARTS = {
    "id": r"[0-9A-Za-z]{20}",
    "token": r"[0-9A-Za-z][0-9A-Za-z_-]{0,63}",
    "file": r"[0-9A-Za-z][0-9A-Za-z_.-]{0,127}",
}
Handler = Callable[..., HubResponse]
Together = Callable[[HubContext, Sequence[tuple[HubRequest, str]]], list[HubResponse]]


def _compiled(template: str) -> re.Pattern[str]:
    return re.compile(re.sub(r"\\{(\w+)\\}", lambda part: f"({PARTS[part[1]]})", re.escape(template)))


@attrs.frozen
class Route:
    """One call of the API.

    ``name`` and ``summary`` are for the OpenAPI document; ``request_schema``, ``response_schema`` are schemas there.
    ``handler`` gets the context, the request, and the parts of the path. An ``is_open`` route needs no key. ``errors``
    are the statuses of its own errors, without those that any call may get. ``together`` answers many calls, each with
    the ID in its path, for less than each by itself would cost.
    """

    method: str
    template: str
    name: str
    summary: str
    handler: Handler
    body: BodyKind = BodyKind.NOTHING
    is_open: bool = False
    query: Sequence[str] = ()
    request_schema: str | None = None
    response_schema: str | None = None
    status: int = 200
    errors: Sequence[int] = ()
    together: Together | None = None
    pattern: re.Pattern[str] = attrs.field(
        init=False, repr=False, default=attrs.Factory(lambda self: _compiled(self.template), takes_self=True)
    )


@attrs.frozen
class Match:
    """The route of a call, and the parts of its path."""

    route: Route
    parts: tuple[str, ...]

    def answer(self, context: HubContext, request: HubRequest) -> HubResponse:
        """What its handler answers."""
        try:
            return self.route.handler(context, request, *self.parts)
        except ApiError as error:
            return error.answer()


@attrs.frozen
class Routes:
    """The table."""

    all: tuple[Route, ...]

    def match(self, method: str, path: str) -> Match:
        """Whom a call meets; HEAD is for whatever GET is for.

        Raises:
            ApiError: 404, or 405 with the methods that the path is for.
        """
        method = "GET" if method == "HEAD" else method
        allowed: list[str] = []
        for route in self.all:
            found = route.pattern.fullmatch(path)
            if found is None:
                continue
            if route.method == method:
                return Match(route, found.groups())
            allowed.append(route.method)
        if allowed:
            raise ApiError(405, f"{method[:20]} is not for {path[:100]}", _allow(allowed))
        raise ApiError(404, f"there is nothing at {path[:100]}")


def _allow(methods: Sequence[str]) -> Mapping[str, str]:
    every = [*methods, "HEAD"] if "GET" in methods else [*methods]
    return {"allow": ", ".join(sorted(set(every)))}
