"""Files from clients, piece by piece.

The one rule: a pending blob is committed or discarded, whatever becomes of the client, and nobody writes to it then.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress

import attrs

from ...domain.hub.api.context import HubContext
from ...domain.hub.api.messages import ApiError, HubRequest, HubResponse
from ...domain.hub.api.routing import Match
from .exchange import Exchange, file_too_large
from .limits import Limits
from .thread_pool import ThreadPool
from .upload_form import Form

#: What a form may have beside its file.
_FORM = 1 << 20
#: Pieces are gathered to this size: a hop to a thread for each is then nothing beside the writing.
_GATHERED = 1 << 20


class Uploads:
    """Takes forms with a file for *context*: so many at a time as *limits* say."""

    def __init__(self, context: HubContext, pool: ThreadPool, limits: Limits) -> None:
        self._context = context
        self._pool = pool
        self._limits = limits
        self._turns = asyncio.Semaphore(limits.uploads)

    def whole(self, match: Match, request: HubRequest, body: bytes) -> HubResponse:
        """The answer to a small form, which is here already; in a thread.

        Raises:
            ApiError: when it is no whole form.
            OSError: when its file cannot be kept.
        """
        form = self._form(request)
        try:
            form.feed(body)
            return self._answer(match, request, form)
        finally:
            form.discard()

    async def take(self, exchange: Exchange, match: Match, request: HubRequest) -> HubResponse:
        """The answer to a form as it comes: while one piece is written, the next is gathered.

        Raises:
            ApiError: when it is no whole form, or too large, or too slow.
            ClientDisconnected: when the rest will never come.
            OSError: when its file cannot be kept.
        """
        most = self._limits.upload + _FORM
        if exchange.length > most:
            raise ApiError(413, file_too_large(self._limits.upload))
        form = self._form(request)
        async with self._turns:
            writing: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            writing.set_result(None)
            try:
                while gathered := await _gathered(exchange):
                    await self._pool.result(writing)
                    writing = self._pool.submit(form.feed, gathered)
                await self._pool.result(writing)
                return await self._pool.run(self._answer, match, request, form)
            finally:
                with suppress(Exception):
                    await self._pool.result(writing)
                await self._pool.run(form.discard)

    def _form(self, request: HubRequest) -> Form:
        return Form(request.headers.get("content-type", ""), self._context.blobs, self._limits)

    def _answer(self, match: Match, request: HubRequest, form: Form) -> HubResponse:
        fields, file = form.end()
        return match.answer(self._context, attrs.evolve(request, fields=fields, file=file))


async def _gathered(exchange: Exchange) -> bytes:
    pieces, size = [], 0
    while size < _GATHERED and (piece := await exchange.read_chunk()):
        pieces.append(piece)
        size += len(piece)
    return b"".join(pieces)
