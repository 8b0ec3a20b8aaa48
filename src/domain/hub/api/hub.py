"""What a HUB answers to whatever it is asked.

The one rule: who may not ask learns that before anything of a body is read, and every refusal is the envelope.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import attrs

from ..rate_limit import RateLimiter
from .context import HubContext
from .handlers import downloads, models, projects_datasets, training, unsupported
from .messages import ApiError, HubRequest, HubResponse, envelope
from .routing import Match, Route, Routes, Together

_NO_KEY = "this key is not one of this HUB's: check it, or create one with `hubport keys create`"


def _authenticate(hub: HubContext, request: HubRequest) -> HubResponse:
    return envelope(200, data={"hubId": hub.store.identity})


ROUTES = Routes(
    (
        Route("POST", "/v1/auth", "authenticate", "Is this key one of yours?", _authenticate, response_schema="Hub"),
        *models.ROUTES,
        *training.ROUTES,
        *projects_datasets.ROUTES,
        *downloads.ROUTES,
        *unsupported.ROUTES,
    )
)


def _plenty() -> RateLimiter:
    return RateLimiter(6000, 60.0)


def _few() -> RateLimiter:
    return RateLimiter(120, 60.0)


@attrs.frozen
class HubApi:
    """Answers over ``context``. ``allowance`` is for each user; ``wrong_keys`` for each address that has no key."""

    context: HubContext
    allowance: RateLimiter = attrs.field(factory=_plenty)
    wrong_keys: RateLimiter = attrs.field(factory=_few)

    def answer(self, request: HubRequest) -> HubResponse:
        """The response to *request*, whatever it is."""
        try:
            match = self.admit(request)
        except ApiError as error:
            return error.answer()
        return match.answer(self.context, request)

    def answer_together(
        self, together: Together, calls: Sequence[tuple[HubRequest, Callable[[HubRequest], HubRequest]]]
    ) -> list[HubResponse]:
        """The answers to *calls* of the one route that has *together*; each comes with how its body is read."""
        answers: list[HubResponse | None] = [None] * len(calls)
        admitted: list[tuple[int, Match, HubRequest]] = []
        for number, (request, with_body) in enumerate(calls):
            try:
                admitted.append((number, self.admit(request), with_body(request)))
            except ApiError as error:
                answers[number] = error.answer()
        if admitted:
            given = together(self.context, [(request, match.parts[0]) for _, match, request in admitted])
            for (number, _, _), answer in zip(admitted, given, strict=True):
                answers[number] = answer
        return [answer for answer in answers if answer is not None]

    def admit(self, request: HubRequest) -> Match:
        """The route of *request*, once its key and its rate allow it; its body is not read for that.

        The key is compared by ``HubContext.environment``, the environment. A 429 has the headers of ``rate_limit.py``.

        Raises:
            ApiError: 401, 404, 405 or 429.
        """
        match = ROUTES.match(request.method, request.path)
        if match.route.is_open:
            return match
        now = self.context.environment.wall()
        user = self.context.environment.user(request.headers)
        if user is None:
            headers = self.wrong_keys.acquire(request.peer, now)
            if headers is None:
                raise ApiError(401, _NO_KEY, {"www-authenticate": "Bearer"})
            raise ApiError(429, f"too many calls without a good key: wait {headers['retry-after']} s", headers)
        headers = self.allowance.acquire(user, now)
        if headers is not None:
            raise ApiError(429, f"too many calls with this key: wait {headers['retry-after']} s", headers)
        return match
