"""What the parts of the contract of a way to a HUB share.

The one rule: what an adapter sends is read in the HUB behind it, and nowhere else.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Any

import pytest

from ....app.delivery.upload_progress import CountedReader, Meter
from ....domain.client.protocol import model_path
from ....domain.hub.model import HubModel
from ....domain.ports.http import FilePart, Http, Reader, Request, Response
from ...fakes.clock import FakeClock
from ...fakes.hub import FakeHub


class Readers:
    """Gives the readers of a file, as a session does, and remembers its files: whoever opened one must have closed it.

    ``asked`` are the sizes of the pieces that were wanted.
    """

    def __init__(self, content: bytes, *, fails_after: int | None = None) -> None:
        self.content = content
        self.given: list[_File] = []
        self.asked: list[int] = []
        self._fails_after = fails_after

    def __call__(self) -> Reader:
        """A fresh reader at the start."""
        self.given.append(_File(self.content, self.asked, self._fails_after))
        return CountedReader(self.given[-1], Meter(), lambda: None)

    @property
    def closed(self) -> list[bool]:
        """For each reader, whether it was closed."""
        return [file.closed for file in self.given]


class _File(io.BytesIO):
    """A file, maybe on a disk that gives up *after* so many bytes."""

    def __init__(self, content: bytes, asked: list[int], after: int | None) -> None:
        super().__init__(content)
        self._asked = asked
        self._after = after

    def read(self, size: int | None = -1, /) -> bytes:
        size = -1 if size is None else size
        self._asked.append(size)
        if self._after is None:
            return super().read(size)
        if self.tell() >= self._after:
            raise OSError(5, "Input/output error")
        left = self._after - self.tell()
        return super().read(min(size, left) if size >= 0 else left)


class HttpKit:
    """The adapter, the HUB behind it, and how to send something."""

    #: Seconds for calls that are answered: nothing is asked of their speed.
    patient = 60.0
    #: Seconds for calls that are not answered in time, whatever time that is.
    impatient = 0.2

    @pytest.fixture
    def hub(self) -> Iterator[FakeHub]:
        """What the requests must reach. Its time stands still, so that a slow answer is slower than any client."""
        clock = FakeClock()
        yield FakeHub(clock=clock, bearer="a-bearer-token")
        clock.advance(1e6)  # lets go whoever still waits to answer

    @pytest.fixture
    def model(self, hub: FakeHub) -> HubModel:
        """A model in that HUB."""
        return hub.create_model()

    @pytest.fixture
    def http(self, hub: FakeHub) -> Http:
        """The adapter under test, whose root is *hub*."""
        raise NotImplementedError("override the fixture `http`")

    def ask(self, http: Http, hub: FakeHub, method: str, path: str, **content: Any) -> Response:
        """Send a request with the key, and all the time it needs."""
        return http.send(Request(method, path, {"x-api-key": hub.api_key}, **content), timeout=self.patient)

    def upload(self, http: Http, hub: FakeHub, model: HubModel, file: FilePart, **fields: str) -> Response:
        """Send a checkpoint."""
        fields = fields or {"epoch": "12", "type": "epoch", "isBest": "True"}
        return self.ask(http, hub, "POST", f"{model_path(model.id)}/upload", fields=fields, file=file)
