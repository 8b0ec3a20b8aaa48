"""The contract of :class:`~hubport.domain.ports.http.Http`.

The one rule: a status, whatever it is, is a response; only "no answer" raises, and then ``HubUnreachable``.
"""

from __future__ import annotations

import json
import traceback
from typing import Any

import pytest

from ....domain.client.protocol import model_path
from ....domain.errors import HubUnreachable
from ....domain.hub.model import HubModel
from ....domain.ports.http import FilePart, Http, Request
from ...fakes.hub import FakeHub
from ..waiting import run_concurrently
from .forms import FormsContract
from .harness import Readers

_STATUSES = [200, 201, 202, 300, 301, 302, 303, 307, 308, 400, 401, 403, 404, 405, 407, 408, 409, 410, 411, 413]
_STATUSES += [415, 418, 421, 422, 425, 426, 429, 431, 451, 500, 501, 502, 503, 504, 507, 511, 520, 599]


class HttpContract(FormsContract):
    """A way to a HUB: every answer is a response, and no answer is ``HubUnreachable``.

    Override the fixture :meth:`http`, with *hub* behind it. For an adapter of sockets a server goes in between::

        class TestMyHttp(HttpContract):
            @pytest.fixture
            def http(self, hub):
                with LoopbackServer(hub) as server:
                    http = MyHttp(server.url)
                    yield http
                    http.close()
    """

    # Answers.

    def test_an_answer_is_status_headers_and_body(self, http: Http, hub: FakeHub, model: HubModel) -> None:
        """Whole, and as the HUB gave it."""
        response = self.ask(http, hub, "GET", model_path(model.id))

        assert response.status == 200
        assert response.headers["content-type"] == "application/json"
        assert json.loads(response.body)["data"]["id"] == model.id

    @pytest.mark.parametrize("status", _STATUSES)
    def test_every_status_is_a_response(self, http: Http, hub: FakeHub, model: HubModel, status: int) -> None:
        """Success, refusal or failure: the adapter does not judge."""
        hub.refuse(status, "the reason")

        response = self.ask(http, hub, "GET", model_path(model.id))

        assert status == response.status
        assert json.loads(response.body)["message"] == "the reason"
        assert len(hub.ledger) == 1

    @pytest.mark.parametrize("status", [204, 205, 304])
    def test_an_answer_without_a_body_does_not_spoil_the_next(
        self, http: Http, hub: FakeHub, model: HubModel, status: int
    ) -> None:
        """Statuses that have no body by the rules of HTTP."""
        hub.garble(b"", status=status, calls=1)

        assert status == self.ask(http, hub, "GET", model_path(model.id)).status
        assert self.ask(http, hub, "GET", model_path(model.id)).status == 200

    def test_header_names_are_lower_case(self, http: Http, hub: FakeHub, model: HubModel) -> None:
        """So that everybody finds them, values untouched."""
        hub.rate_limit(7, calls=1)

        response = self.ask(http, hub, "GET", model_path(model.id))

        assert response.status == 429
        assert response.headers["retry-after"] == "7"
        assert response.headers["x-ratelimit-remaining"] == "0"
        assert all(name == name.lower() for name in response.headers)

    @pytest.mark.parametrize(
        "body",
        [
            b"",
            b"<html>Welcome to the hotel's network</html>",
            b'{"success": true, "da',
            b"\xff\xfe\x00 no text in any encoding",
            bytes(range(256)) * 12_000,
        ],
        ids=["empty", "html", "half", "bytes", "three megabytes"],
    )
    @pytest.mark.parametrize("status", [200, 502])
    def test_a_body_comes_as_it_is(self, http: Http, hub: FakeHub, model: HubModel, status: int, body: bytes) -> None:
        """What it means, and whether it means anything, is not the adapter's question."""
        hub.garble(body, status=status)

        response = self.ask(http, hub, "GET", model_path(model.id))

        assert status == response.status
        assert response.headers["content-type"] == "text/html"
        assert body == response.body

    # Requests.

    @pytest.mark.parametrize(
        "body",
        [
            {"metrics": {"0": '{"loss": 0.5}', "1": "{}"}, "type": "metrics"},
            {"agent": "Größe 😀 \x00 \"'\\", "agentId": None, "deep": [[{"": [True, False, 1e-300, -1]}]]},
            {},
        ],
        ids=["metrics", "odd values", "empty"],
    )
    def test_json_arrives_as_it_was_sent(self, http: Http, hub: FakeHub, model: HubModel, body: dict[str, Any]) -> None:
        """An empty object is not nothing."""
        self.ask(http, hub, "POST", model_path(model.id), json=body)

        (received,) = hub.ledger
        assert (received.method, received.path) == ("POST", model_path(model.id))
        assert body == received.json
        assert (received.fields, received.file) == (None, None)

    def test_a_megabyte_of_json_arrives(self, http: Http, hub: FakeHub, model: HubModel) -> None:
        """What an outage has held back."""
        metrics = {str(epoch): json.dumps({"values": "x" * 1000}) for epoch in range(1000)}

        response = self.ask(http, hub, "POST", model_path(model.id), json={"metrics": metrics, "type": "metrics"})

        assert response.status == 200
        assert list(range(1000)) == list(hub.metrics(model.id))

    def test_no_content_arrives_as_none(self, http: Http, hub: FakeHub, model: HubModel) -> None:
        """The authentication posts an empty body."""
        assert self.ask(http, hub, "POST", "/v1/auth").status == 200
        assert self.ask(http, hub, "GET", model_path(model.id)).status == 200

        assert [(entry.json, entry.fields, entry.file) for entry in hub.ledger] == [(None, None, None)] * 2

    def test_method_path_and_query_arrive(self, http: Http, hub: FakeHub, model: HubModel) -> None:
        """As they were given."""
        wanted = [
            (method, f"{model_path(model.id)}?limit=2&query=a%20b") for method in ("GET", "POST", "PATCH", "DELETE")
        ]
        for method, path in wanted:
            self.ask(http, hub, method, path)

        assert wanted == [(entry.method, entry.path) for entry in hub.ledger]

    def test_the_key_arrives(self, http: Http, hub: FakeHub, model: HubModel) -> None:
        """In its own header, for this request and no other one."""
        path = model_path(model.id)

        assert http.send(Request("GET", path), timeout=self.patient).status == 401
        assert http.send(Request("GET", path, {"x-api-key": hub.api_key}), timeout=self.patient).status == 200
        assert http.send(Request("GET", path, {"x-api-key": "another"}), timeout=self.patient).status == 401
        assert http.send(Request("GET", path), timeout=self.patient).status == 401

    def test_a_bearer_token_arrives(self, http: Http, hub: FakeHub, model: HubModel) -> None:
        """And nothing else is put in its place."""
        bearer = {"authorization": f"Bearer {hub.bearer}"}

        assert http.send(Request("GET", model_path(model.id), bearer), timeout=self.patient).status == 200

    # No answer.

    def test_no_answer_is_hub_unreachable(self, http: Http, hub: FakeHub, model: HubModel) -> None:
        """With a cause to show, and none of it holds the key."""
        hub.down()

        with pytest.raises(HubUnreachable) as caught:
            self.ask(http, hub, "GET", model_path(model.id))

        assert caught.value.root
        assert caught.value.cause
        assert hub.api_key not in "".join(traceback.format_exception(caught.value))

    def test_an_answer_that_got_lost_is_none(self, http: Http, hub: FakeHub, model: HubModel) -> None:
        """The request may have been heeded all the same; it was sent once."""
        hub.lose_answers(calls=1)

        with pytest.raises(HubUnreachable):
            self.ask(http, hub, "POST", model_path(model.id), json={"metrics": {"0": '{"a": 1}'}, "type": "metrics"})

        assert hub.metrics(model.id) == {0: {"a": 1}}
        assert len(hub.ledger) == 1

    def test_an_answer_that_comes_too_late_is_none(self, http: Http, hub: FakeHub, model: HubModel) -> None:
        """The call ends without it."""
        hub.slow(3600.0)

        with pytest.raises(HubUnreachable):
            http.send(Request("GET", model_path(model.id), {"x-api-key": hub.api_key}), timeout=self.impatient)

    def test_an_upload_that_is_answered_too_late_is_unanswered(self, http: Http, hub: FakeHub, model: HubModel) -> None:
        """It was sent whole, and the wait for the answer ends."""
        hub.slow(3600.0)
        file = FilePart("last.pt", 7, Readers(b"weights"))
        request = Request(
            "POST",
            f"{model_path(model.id)}/upload",
            {"x-api-key": hub.api_key},
            fields={"epoch": "1", "type": "epoch"},
            file=file,
        )

        with pytest.raises(HubUnreachable):
            http.send(request, timeout=self.impatient)

        assert hub.checkpoints(model.id) == ()

    def test_the_next_call_is_answered_again(self, http: Http, hub: FakeHub, model: HubModel) -> None:
        """Nothing is left behind by a call that failed."""
        for _ in range(3):
            hub.down(calls=1)
            with pytest.raises(HubUnreachable):
                self.ask(http, hub, "GET", model_path(model.id))
            assert self.ask(http, hub, "GET", model_path(model.id)).status == 200

    # Its life.

    def test_redirects_are_not_followed(self, http: Http, hub: FakeHub, model: HubModel) -> None:
        """They would carry the key somewhere else: the 3xx itself is the answer."""
        hub.refuse(302)

        assert self.ask(http, hub, "POST", model_path(model.id), json={"metrics": {}}).status == 302
        assert len(hub.ledger) == 1

    def test_many_threads_use_it_together(self, http: Http, hub: FakeHub, model: HubModel) -> None:
        """Each gets the answer to its own request."""

        def work(thread: int) -> None:
            for number in range(10):
                epoch = thread * 100 + number
                metrics = {"metrics": {str(epoch): f'{{"a": {epoch}}}'}, "type": "metrics"}
                assert self.ask(http, hub, "POST", model_path(model.id), json=metrics).status == 200
                path = f"/there/is/nothing/{epoch}"
                assert f"/{epoch}" in json.loads(self.ask(http, hub, "GET", path).body)["message"]

        run_concurrently(work, threads=8)

        wanted = {thread * 100 + number for thread in range(8) for number in range(10)}
        assert {epoch: {"a": epoch} for epoch in sorted(wanted)} == hub.metrics(model.id)

    def test_after_close_one_may_send_again(self, http: Http, hub: FakeHub, model: HubModel) -> None:
        """And close again."""
        http.close()
        for _ in range(2):
            assert self.ask(http, hub, "GET", model_path(model.id)).status == 200
            http.close()
            http.close()
