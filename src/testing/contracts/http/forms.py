"""The part of the contract of a way to a HUB that is about files on their way to it.

The one rule: a file arrives whole, as it was announced, or it does not arrive; and whoever opened it has closed it.
"""

from __future__ import annotations

import hashlib
import random

import pytest

from ....domain.client.protocol import model_path
from ....domain.errors import HubUnreachable
from ....domain.hub.model import HubModel
from ....domain.ports.http import FilePart, Http, Reader
from ...fakes.hub import FakeHub
from .harness import HttpKit, Readers

#: Bytes that an adapter may ask for at once: far below what a checkpoint has, far above what a socket takes.
_LARGEST_PIECE = 16 << 20


class FormsContract(HttpKit):
    """Checkpoints in forms."""

    @pytest.mark.parametrize("size", [1, 262_143, 262_144, 262_145, 3_000_001])
    def test_a_form_arrives_whole(self, http: Http, hub: FakeHub, model: HubModel, size: int) -> None:
        """The file byte for byte, whatever its size."""
        content = random.Random(size).randbytes(size)  # noqa: S311 - bytes to compare

        response = self.upload(http, hub, model, FilePart("last.pt", size, Readers(content)))

        assert response.status == 200
        (stored,) = hub.checkpoints(model.id)
        (received,) = hub.ledger
        assert (size, hashlib.sha256(content).hexdigest()) == (stored.size, stored.sha256)
        assert ("last.pt", stored.size, stored.sha256) == received.file
        assert content == self.ask(http, hub, "GET", stored.path).body

    def test_an_empty_file_arrives_as_one(self, http: Http, hub: FakeHub, model: HubModel) -> None:
        """The form is whole, and the HUB says what is wrong with its file."""
        response = self.upload(http, hub, model, FilePart("last.pt", 0, Readers(b"")))

        assert response.status == 422
        assert b"is empty" in response.body
        (received,) = hub.ledger
        assert received.fields is not None

    @pytest.mark.parametrize(
        "fields",
        [
            {"epoch": "12", "type": "epoch", "isBest": "False"},
            {"epoch": "0", "type": "final", "map": "0.42"},
            {"type": "final", "zeta": "", "epoch": "3", "alpha": "Größe 😀", "lines": 'a\r\nb; c="d"'},
        ],
        ids=["epoch", "final", "odd values"],
    )
    def test_fields_arrive_in_their_order(
        self, http: Http, hub: FakeHub, model: HubModel, fields: dict[str, str]
    ) -> None:
        """Old servers read forms from front to back."""
        self.upload(http, hub, model, FilePart("best.pt", 7, Readers(b"weights")), **fields)

        (received,) = hub.ledger
        assert received.fields is not None
        assert list(fields.items()) == list(received.fields.items())
        assert received.file is not None
        assert received.file[0] == "best.pt"

    def test_a_file_may_look_like_a_form(self, http: Http, hub: FakeHub, model: HubModel) -> None:
        """Line ends, boundaries of others, and line ends at the end."""
        content = b'\r\n--boundary\r\nContent-Disposition: form-data; name="epoch"\r\n\r\n1\r\n--boundary--\r\n\r\n'

        self.upload(http, hub, model, FilePart("last.pt", len(content), Readers(content)))

        (stored,) = hub.checkpoints(model.id)
        assert hashlib.sha256(content).hexdigest() == stored.sha256

    def test_each_attempt_opens_the_file_anew_and_closes_it(self, http: Http, hub: FakeHub, model: HubModel) -> None:
        """One reader for each."""
        readers = Readers(b"weights")
        file = FilePart("last.pt", 7, readers)
        for _ in range(3):
            self.upload(http, hub, model, file)

        assert readers.closed == [True] * 3
        digest = hashlib.sha256(b"weights").hexdigest()
        assert [entry.file for entry in hub.received("upload")] == [("last.pt", 7, digest)] * 3

    def test_a_file_that_has_grown_is_sent_as_it_was_announced(self, http: Http, hub: FakeHub, model: HubModel) -> None:
        """Exactly ``size`` bytes."""
        readers = Readers(b"weights" + b"more" * 100_000)

        assert self.upload(http, hub, model, FilePart("last.pt", 7, readers)).status == 200
        (stored,) = hub.checkpoints(model.id)
        assert hashlib.sha256(b"weights").hexdigest() == stored.sha256
        assert readers.closed == [True]

    def test_a_file_is_read_in_pieces(self, http: Http, hub: FakeHub, model: HubModel) -> None:
        """Never whole: a checkpoint may be larger than the memory that is left. Each piece has a size."""
        readers = Readers(b"x" * 20_000_000)

        assert self.upload(http, hub, model, FilePart("last.pt", 20_000_000, readers)).status == 200
        assert [] == [size for size in readers.asked if not 0 < size <= _LARGEST_PIECE]

    @pytest.mark.parametrize("size", [8, 5_000_000])
    def test_a_file_that_ends_early_is_no_checkpoint(
        self, http: Http, hub: FakeHub, model: HubModel, size: int
    ) -> None:
        """It never arrives: not even the part that was there."""
        readers = Readers(b"weights")

        with pytest.raises(HubUnreachable) as caught:
            self.upload(http, hub, model, FilePart("last.pt", size, readers))

        assert readers.closed == [True], caught.value
        assert hub.checkpoints(model.id) == ()

    @pytest.mark.parametrize("after", [0, 10, 2_000_000])
    def test_a_file_that_cannot_be_read_is_no_checkpoint(
        self, http: Http, hub: FakeHub, model: HubModel, after: int
    ) -> None:
        """A disk that fails looks to a session as a line that fails: it is tried again later."""
        readers = Readers(b"x" * 3_000_000, fails_after=after)

        with pytest.raises(HubUnreachable) as caught:
            self.upload(http, hub, model, FilePart("last.pt", 3_000_000, readers))

        assert readers.closed == [True], caught.value
        assert hub.checkpoints(model.id) == ()
        assert self.ask(http, hub, "GET", model_path(model.id)).status == 200

    def test_a_file_that_cannot_be_opened_is_no_checkpoint(self, http: Http, hub: FakeHub, model: HubModel) -> None:
        """Likewise."""

        def missing() -> Reader:
            raise FileNotFoundError(2, "No such file or directory")

        with pytest.raises(HubUnreachable):
            self.upload(http, hub, model, FilePart("last.pt", 7, missing))

        assert hub.checkpoints(model.id) == ()

    @pytest.mark.parametrize("status", [200, 401, 413, 503])
    def test_a_form_may_be_answered_by_anything(self, http: Http, hub: FakeHub, model: HubModel, status: int) -> None:
        """By a proxy's page, too, and then nothing was stored."""
        readers = Readers(b"x" * 1_000_000)
        hub.garble(status=status, on="upload")

        response = self.upload(http, hub, model, FilePart("last.pt", 1_000_000, readers))

        assert status == response.status
        assert response.body.startswith(b"<html>")
        assert hub.checkpoints(model.id) == ()
        assert all(readers.closed)
