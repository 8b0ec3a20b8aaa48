"""Who cannot see well, has no mouse, no room, or no JavaScript."""

from __future__ import annotations

from itertools import product
from typing import Literal

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, ViewportSize, expect

from tests.integration.hub.browser import PagesHub, Visitor, Visits

_SCREENS: tuple[ViewportSize, ...] = ({"width": 360, "height": 740}, {"width": 1200, "height": 800})
_SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")


def _furnish(hub: PagesHub) -> str:
    model = hub.create("a model of some length in its name", config={"epochs": 30})
    values = {"train/loss": 1.0, "metrics/mAP50-95(B)": 0.5, "val/loss": 1.25}
    hub.log(model, {0: values | {"model/parameters": 3_000_000}} | dict.fromkeys(range(1, 20), values))
    hub.upload(model, 19)
    hub.beat(model, "python-8.0.100-local", state="failed", error="OutOfMemoryError")
    hub.beat(model, "python-8.0.100-local")
    trained = hub.create("another, trained")
    hub.upload(trained, 9, final=True)
    hub.create("new")
    hub.clock.behind = 5000.0
    hub.log(hub.create("silent"), {0: values})
    hub.clock.behind = 0.0
    return model


def _violations(page: Page) -> list[str]:
    """What axe-core finds, but for what it cannot tell."""
    found = Axe().run(page).response["violations"]
    return [f"{entry['id']}: {node['html'][:200]}" for entry in found for node in entry["nodes"]]


def test_axe_finds_nothing_and_nothing_is_wider_than_the_screen(hub: PagesHub, visit: Visits) -> None:
    # Without motion: a dot in the middle of its breath has another contrast each time.
    visitor = visit(reduced_motion="reduce")
    visitor.foresees("status of 404")
    page = visitor.page

    def is_good(where: str) -> None:
        for screen, scheme in product(_SCREENS, _SCHEMES):
            page.set_viewport_size(screen)
            page.emulate_media(color_scheme=scheme)
            assert [] == _violations(page), (where, screen, scheme)
            widths = page.evaluate("[document.documentElement.scrollWidth, document.body.scrollWidth]")
            assert [screen["width"]] * 2 == widths, (where, scheme)

    page.goto(hub.url)
    expect(page.get_by_label("Key")).to_be_visible()
    is_good("the form")
    page.goto(f"{hub.url}/nonsense/of/mine")
    expect(page.get_by_role("heading", name="There is nothing at this address")).to_be_visible()
    is_good("nothing at all")
    page.get_by_role("link", name="Show all models").click()
    page.goto(hub.link)
    expect(page.get_by_role("heading", name="No models yet")).to_be_visible()
    is_good("the empty HUB")
    model = _furnish(hub)
    expect(page.locator("tbody tr")).to_have_count(4)
    is_good("the list")
    page.goto(hub.page_of(model))
    expect(page.locator("path.line").first).to_be_attached()
    for closed in (1, 2):
        page.locator("details summary").nth(closed).click()
    is_good("a model")
    page.goto(hub.page_of("0" * 20))
    expect(page.get_by_role("heading", name="There is no such model")).to_be_visible()
    is_good("no model")


def test_the_two_schemes_differ(hub: PagesHub, visit: Visits) -> None:
    grounds = []
    for scheme in ("light", "dark"):
        page = visit(color_scheme=scheme).page
        page.goto(hub.url)
        grounds.append(page.evaluate("getComputedStyle(document.body).backgroundColor"))
    assert ["rgb(247, 247, 245)", "rgb(17, 18, 20)"] == grounds


def test_everything_is_reached_by_keyboard_in_the_order_in_which_it_stands(hub: PagesHub, visitor: Visitor) -> None:
    model = _furnish(hub)
    page = visitor.page
    page.goto(hub.link)
    expect(page.locator("tbody tr")).to_have_count(4)
    names = _walk(page)
    assert ["Skip to the content", "hubport", "Forget the key", "Search by name", "silent", "new"] == names[:6]
    assert ["another, trained", "a model of some length in its name", "Trash"] == names[6:]
    page.goto(hub.page_of(model))
    expect(page.locator("path.line").first).to_be_attached()
    names = _walk(page)
    assert ["Skip to the content", "hubport", "Forget the key", "← Models"] == names[:4]
    assert ["train/loss, by epoch", "metrics/mAP50-95(B), by epoch", "val/loss, by epoch"] == names[4:7]
    assert [f"{model}-epoch-19.pt", f"Copy the SHA-256 of {model}-epoch-19.pt", "hubport"] == names[7:10]
    assert ["Lines for hubport", "Copy the lines for hubport"] == names[10:12]
    assert ["ultralytics 8.2 and later", "ultralytics 8.0"] == names[12:]


def _walk(page: Page) -> list[str]:
    """What has the focus, from the top of the page on; each of it can be seen to have it."""
    # From where a page begins that was just opened, wherever the focus is now.
    page.evaluate("document.activeElement.blur(); getSelection().setPosition(document.body, 0)")
    names: list[str] = []
    while True:
        page.keyboard.press("Tab")
        name, style = page.evaluate("""() => {
            const at = document.activeElement;
            if (at === document.body) return [null, null];
            const label = at.labels?.[0]?.textContent;
            return [at.getAttribute("aria-label") ?? label ?? at.textContent, getComputedStyle(at).outlineStyle];
        }""")
        if name is None:
            return names
        assert "solid" == style, name
        names.append(name.strip())
        assert len(names) < 100


def test_the_skip_link_skips_to_the_content(hub: PagesHub, visitor: Visitor) -> None:
    _furnish(hub)
    page = visitor.page
    page.goto(hub.link)
    expect(page.locator("tbody tr")).to_have_count(4)
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_in_viewport()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    expect(page.get_by_role("searchbox")).to_be_focused()


def test_a_page_has_landmarks_a_heading_and_a_title(hub: PagesHub, visitor: Visitor) -> None:
    model = hub.create("entitled")
    page = visitor.page
    page.goto(hub.link)
    for address, title in ((hub.url, "Models · hubport"), (hub.page_of(model), "entitled · hubport")):
        page.goto(address)
        expect(page).to_have_title(title)
        for landmark in ("banner", "main", "navigation"):
            expect(page.get_by_role(landmark)).to_have_count(1)
        expect(page.get_by_role("heading", level=1)).to_have_count(1)


@pytest.mark.parametrize("path", ["/", f"/models/{'0' * 20}"])
def test_without_javascript_a_page_says_so(hub: PagesHub, visit: Visits, path: str) -> None:
    visitor = visit(java_script_enabled=False)
    visitor.page.goto(hub.url + path)
    said = visitor.page.locator("noscript")
    expect(said).to_be_visible()
    assert "This page needs JavaScript" in said.inner_text()  # matchers pass over what is in there
