"""Files to clients, piece by piece.

The one rule: a reader that was opened is closed, whatever becomes of the client; and a client that was promised so many
bytes gets them, or a broken connection, never fewer that look like all.
"""

from __future__ import annotations

import asyncio
from typing import BinaryIO

from ...domain.hub.api.messages import ApiError, BlobRange, HubResponse
from ...domain.hub.ports.blobs import Blobs
from .exchange import ClientDisconnected, Exchange
from .thread_pool import ThreadPool

_PIECE = 1 << 18


async def send_blob(exchange: Exchange, answer: HubResponse, blobs: Blobs, pool: ThreadPool) -> None:
    """The answer's file, or for HEAD what would be said of it.

    Raises:
        ApiError: 404 when it is gone.
        ClientDisconnected: when nobody takes it any more.
        OSError: when it cannot be read, or is shorter than it was.
    """
    blob = answer.blob
    assert blob is not None  # noqa: S101 - who calls has looked
    if exchange.method == "HEAD":
        await exchange.begin(answer, length=blob.size)
        await exchange.finish()
        return
    reader = await pool.run(_opened, blobs, blob)
    gone = asyncio.ensure_future(exchange.wait_disconnected())
    try:
        await exchange.begin(answer, length=blob.size)
        left = blob.size
        while left:
            piece = await pool.run(reader.read, min(left, _PIECE))
            if not piece:
                raise OSError(f"the blob {blob.name} ended {left} bytes early")
            left -= len(piece)
            if gone.done():
                raise ClientDisconnected
            await exchange.send_chunk(piece)
        await exchange.finish()
    finally:
        gone.cancel()
        await pool.run(reader.close)


def _opened(blobs: Blobs, blob: BlobRange) -> BinaryIO:
    reader = blobs.open(blob.name, start=blob.start)
    if reader is None:
        raise ApiError(404, "there is no such file any more")
    return reader
