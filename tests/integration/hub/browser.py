"""A HUB in this process, and a real Chromium that looks at its pages.

The one rule: a page that complains, or asks anybody but its HUB, fails its test, unless the test has said beforehand
what will fail.
"""

from __future__ import annotations

import io
import json
import re
import secrets
import shutil
from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

import attrs
import pytest
from playwright.sync_api import Browser, BrowserContext, Locator, Page, Request, expect, sync_playwright

from hubport.adapters.system_clock import SystemClock
from hubport.adapters.web.limits import Limits
from hubport.adapters.web.server import HubServer
from hubport.app.hub.environment import SystemEnvironment
from hubport.domain.hub.api.context import HubContext
from hubport.domain.hub.api.hub import HubApi
from hubport.domain.hub.api.in_process import InProcessHub
from hubport.domain.ports import http
from hubport.domain.ports.http import FilePart
from hubport.testing.fakes.blobs import FakeBlobs
from hubport.testing.fakes.hub_store import FakeHubStore

#: Debian's: nothing is downloaded.
CHROMIUM = "/usr/bin/chromium"
QUIET = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
# A busy machine is no failure.
expect.set_options(timeout=30_000)
_IS_NOT_THERE = f"{CHROMIUM} is not there: apt-get install chromium"
_VIOLATIONS = """
    addEventListener("securitypolicyviolation", (event) => {
        console.error("the content security policy has stopped", event.violatedDirective, event.blockedURI);
    });
"""


class PastClock(SystemClock):
    """Its date is so many seconds in the past."""

    behind = 0.0

    def wall(self) -> float:
        """Unix seconds."""
        return super().wall() - self.behind


class PagesHub:
    """A HUB with one key, in memory, behind the server that users get."""

    def __init__(self) -> None:
        self.key = secrets.token_hex(21)
        self.keys = {self.key}
        self.store = FakeHubStore()
        self.clock = PastClock()
        # Directly everybody is let in: tests set up and look, whatever becomes of the key.
        self._hub = HubApi(HubContext(self.store, FakeBlobs(), SystemEnvironment(self.clock, self._user)))
        self._direct = InProcessHub(
            HubApi(HubContext(self.store, self._hub.context.blobs, SystemEnvironment(self.clock, lambda _: "owner"))),
            lambda: self.url,
        )
        self._server: HubServer | None = None
        self._port = 0
        self.come()

    @property
    def url(self) -> str:
        """Where it listens, or did."""
        return f"http://127.0.0.1:{self._port}"

    @property
    def link(self) -> str:
        """What opens its pages without asking for the key."""
        return f"{self.url}/#key={self.key}"

    def come(self) -> None:
        """Listen: at the port where it was before, if it was anywhere."""
        self._server = HubServer(self._hub, port=self._port, limits=Limits(poll=0.1))
        self._port = self._server.port

    def go(self) -> None:
        """Listen no more."""
        if self._server is not None:
            self._server.close(timeout=1.0)
            self._server = None

    def create(self, name: str = "a model", **body: Any) -> str:
        """A new model's ID; *body* is what a client sends."""
        parts = {"dataset": {"name": "coco8.yaml"}, "lineage": {"parent": {"name": "yolov8n.pt"}}} | body
        created: str = self._asked("POST", "/v1/models", json={"meta": {"name": name}, **parts})["id"]
        return created

    def page_of(self, model: str) -> str:
        """The address of *model*'s page."""
        return f"{self.url}/models/{model}"

    def log(self, model: str, epochs: Mapping[int, Mapping[str, Any]]) -> None:
        """Metrics, as a trainer sends them."""
        metrics = {str(epoch): json.dumps(values) for epoch, values in epochs.items()}
        self._asked("POST", f"/v1/models/{model}", json={"type": "metrics", "metrics": metrics})

    def upload(self, model: str, epoch: int, content: bytes = b"weights", *, final: bool = False) -> None:
        """A checkpoint."""
        name = "best.pt" if final else "last.pt"
        fields = {"epoch": str(epoch), "type": "final" if final else "epoch"}
        fields |= {"map": "0.5"} if final else {"isBest": "True"}
        file = FilePart(name, len(content), partial(io.BytesIO, content))
        self._asked("POST", f"/v1/models/{model}/upload", fields=fields, file=file)

    def beat(self, model: str, agent: str, agent_id: str | None = None, **said: str) -> str:
        """A heartbeat, and what it says besides; the agent's ID."""
        body = {"agent": agent, "agentId": agent_id} | said
        given: str = self._asked("POST", f"/v1/agent/heartbeat/models/{model}", json=body)["agentId"]
        return given

    def change(self, model: str, **changes: Any) -> None:
        """As the body of a ``PATCH``."""
        self._asked("PATCH", f"/v1/models/{model}", json=changes)

    def delete(self, model: str, *, hard: bool = False) -> None:
        """Into the trash, or for good."""
        self._asked("DELETE", f"/v1/models/{model}?hard={hard}")

    def _user(self, headers: Mapping[str, str]) -> str | None:
        key = headers.get("x-api-key")
        return key if key in self.keys else None

    def _asked(self, method: str, path: str, **body: Any) -> Any:
        response = self._direct.send(http.Request(method, path, **body), timeout=0.0)
        answer = json.loads(response.body)
        assert response.status < 300, answer
        return answer.get("data")


@attrs.define
class Visitor:
    """Somebody with a browser of their own. ``asked`` are all requests so far, ``complaints`` what was not foreseen."""

    page: Page
    context: BrowserContext
    origin: str
    asked: list[Request] = attrs.field(factory=list)
    complaints: list[str] = attrs.field(factory=list)
    _foreseen: list[str] = attrs.field(factory=list)

    def foresees(self, *pieces: str) -> None:
        """Complaints with one of these texts in them are no fault from now on."""
        self._foreseen.extend(pieces)

    def watch(self, page: Page) -> None:
        """Listen to *page*'s complaints."""
        page.on("console", lambda message: self._complain(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: self._complain(str(error)))
        page.on("dialog", lambda dialog: self._complain(f"a dialog: {dialog.message}"))

    def note(self, request: Request) -> None:
        """Look at whom it asks."""
        self.asked.append(request)
        if not request.url.startswith((f"{self.origin}/", "data:")):
            self.complaints.append(f"it asked {request.url}")

    def calls(self) -> list[str]:
        """The paths of the API that were asked for."""
        return [path for request in self.asked if (path := request.url.removeprefix(self.origin)).startswith("/v1/")]

    def _complain(self, text: str) -> None:
        if not any(piece in text for piece in self._foreseen):
            self.complaints.append(text)


class Visits:
    """Makes visitors, and sees them all out."""

    def __init__(self, browser: Browser, hub: PagesHub) -> None:
        self._browser = browser
        self._hub = hub
        self._visitors: list[Visitor] = []

    def __call__(self, **how: Any) -> Visitor:
        """A new visitor; *how* is what a context of Playwright takes: ``color_scheme``, ``viewport``."""
        context = self._browser.new_context(**({"viewport": {"width": 1200, "height": 800}} | how))
        context.add_init_script(_VIOLATIONS)
        visitor = Visitor(context.new_page(), context, self._hub.url)
        visitor.watch(visitor.page)
        context.on("request", lambda request: visitor.note(request))  # noqa: PLW0108 - Playwright marks whose method it gets
        self._visitors.append(visitor)
        return visitor

    def end(self) -> list[str]:
        """Close all of them; what they complained of."""
        for visitor in self._visitors:
            # A route that is being answered would fail in the middle of the next test.
            visitor.context.unroute_all(behavior="ignoreErrors")
            for page in visitor.context.pages:
                page.unroute_all(behavior="ignoreErrors")
            visitor.context.close()
        return [complaint for visitor in self._visitors for complaint in visitor.complaints]


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """For a module and not for the session: while Playwright lives, nothing else has an event loop in its thread."""
    if shutil.which(CHROMIUM) is None:
        pytest.skip(_IS_NOT_THERE)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        yield browser
        browser.close()


@pytest.fixture
def hub() -> Iterator[PagesHub]:
    """An empty HUB."""
    hub = PagesHub()
    yield hub
    hub.go()


@pytest.fixture
def visit(chromium: Browser, hub: PagesHub) -> Iterator[Visits]:
    """Makes visitors to the HUB."""
    visits = Visits(chromium, hub)
    yield visits
    if complaints := visits.end():
        pytest.fail("\n".join(complaints))


@pytest.fixture
def visitor(visit: Visits) -> Visitor:
    """One visitor at a desk, in the light."""
    return visit()


def numbers(path: str | None) -> list[float]:
    """The coordinates in the ``d`` of a line."""
    return [float(number) for number in re.findall(r"-?\d+(?:\.\d+)?", path or "")]


def opened(hub: PagesHub, visitor: Visitor, model: str) -> Page:
    """The page of *model*, with the key in the browser."""
    page = visitor.page
    page.goto(hub.link)
    page.goto(hub.page_of(model))
    return page


def plot_of(page: Page, metric: str) -> Locator:
    """The plot of *metric*, a slider."""
    return page.get_by_role("slider", name=f"{metric}, by epoch")


def line_of(page: Page, metric: str) -> Locator:
    """The line in it."""
    return plot_of(page, metric).locator("path.line")


def points_of(page: Page, metric: str) -> int:
    """How many points the line has."""
    return len(numbers(line_of(page, metric).get_attribute("d"))) // 2
