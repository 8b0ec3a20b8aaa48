"""The key: how a page gets it, keeps it, and loses it."""

from __future__ import annotations

from playwright.sync_api import expect

from tests.integration.hub.browser import PagesHub, Visitor

_REFUSED = "status of 401"


def test_a_page_without_a_key_asks_for_it_and_keeps_it(hub: PagesHub, visitor: Visitor) -> None:
    hub.create("known by its key alone")
    page = visitor.page
    page.goto(hub.url)
    field = page.get_by_label("Key")
    expect(field).to_be_focused()
    assert [] == visitor.calls()
    field.fill(f"  {hub.key} ")
    field.press("Enter")
    expect(page.get_by_role("link", name="known by its key alone")).to_be_visible()
    page.reload()
    expect(page.get_by_role("link", name="known by its key alone")).to_be_visible()
    assert hub.url == page.url.rstrip("/")


def test_the_key_of_a_link_is_taken_out_of_the_address_at_once(hub: PagesHub, visitor: Visitor) -> None:
    hub.create("linked")
    page = visitor.page
    before = page.evaluate("history.length")
    page.goto(hub.link)
    expect(page.get_by_role("link", name="linked")).to_be_visible()
    assert f"{hub.url}/" == page.url
    assert not any(hub.key in request.url for request in visitor.asked)
    # Nor is it one step back.
    assert 1 == page.evaluate("history.length") - before
    page.get_by_role("link", name="linked").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("linked")
    page.go_back()
    expect(page.get_by_role("link", name="linked")).to_be_visible()
    assert f"{hub.url}/" == page.url


def test_a_link_of_the_later_clients_works_and_loses_its_key(hub: PagesHub, visitor: Visitor) -> None:
    model = hub.create("from a link")
    page = visitor.page
    page.goto(f"{hub.page_of(model)}?api_key={hub.key}")
    expect(page.get_by_role("heading", level=1)).to_have_text("from a link")
    assert hub.page_of(model) == page.url
    first, *others = visitor.asked
    assert first.url.endswith(f"?api_key={hub.key}")
    assert not any(hub.key in request.url or hub.key in request.headers.get("referer", "") for request in others)


def test_a_slash_at_the_end_of_a_models_address_does_no_harm(hub: PagesHub, visitor: Visitor) -> None:
    model = hub.create("from a link with a slash")
    page = visitor.page
    page.goto(f"{hub.page_of(model)}/?api_key={hub.key}")
    expect(page.get_by_role("heading", level=1)).to_have_text("from a link with a slash")


def test_a_wrong_key_leads_back_to_the_form_which_says_what_to_do(hub: PagesHub, visitor: Visitor) -> None:
    visitor.foresees(_REFUSED)
    page = visitor.page
    page.goto(f"{hub.url}/#key={'0' * 42}")
    expect(page.get_by_role("alert")).to_contain_text("does not take this key")
    expect(page.get_by_role("alert")).to_contain_text("hubport keys create")
    assert 1 == len(visitor.calls())
    page.get_by_label("Key").fill(hub.key)
    page.get_by_role("button", name="Show").click()
    expect(page.get_by_role("heading", name="No models yet")).to_be_visible()


def test_what_is_no_key_is_never_sent(hub: PagesHub, visitor: Visitor) -> None:
    page = visitor.page
    page.goto(hub.url)
    for typed, says in (
        ("", "Paste the key"),
        ("kurz", "This has 4 characters"),
        ("ключ" * 11, "42 letters and digits"),
    ):
        page.get_by_label("Key").fill(typed)
        page.get_by_role("button", name="Show").click()
        expect(page.get_by_role("alert")).to_contain_text(says)
        expect(page.get_by_label("Key")).to_be_focused()
    page.goto(f"{hub.url}/?api_key=<b>nothing</b>")
    expect(page.get_by_role("alert")).to_contain_text("is no key")
    assert f"{hub.url}/" == page.url
    assert [] == visitor.calls()


def test_a_link_pasted_over_the_page_brings_its_key(hub: PagesHub, visitor: Visitor) -> None:
    page = visitor.page
    page.goto(hub.url)
    expect(page.get_by_label("Key")).to_be_visible()
    page.goto(hub.link)  # only the fragment is another: the page is not loaded again
    expect(page.get_by_role("heading", name="No models yet")).to_be_visible()
    assert f"{hub.url}/" == page.url


def test_a_key_can_be_forgotten_in_every_tab(hub: PagesHub, visitor: Visitor) -> None:
    model = hub.create("seen twice")
    first, second = visitor.page, visitor.context.new_page()
    visitor.watch(second)
    first.goto(hub.link)
    second.goto(hub.page_of(model))
    expect(second.get_by_role("heading", level=1)).to_have_text("seen twice")
    first.get_by_role("button", name="Forget the key").click()
    for page in (first, second):
        expect(page.get_by_label("Key")).to_be_visible()
        expect(page.get_by_text("seen twice")).to_be_hidden()
        assert {} == page.evaluate("({ ...localStorage })")
    first.get_by_label("Key").fill(hub.key)
    first.get_by_role("button", name="Show").click()
    expect(second.get_by_role("heading", level=1)).to_have_text("seen twice")


def test_a_key_that_is_revoked_meanwhile_leads_back_to_the_form(hub: PagesHub, visitor: Visitor) -> None:
    model = hub.create("for members")
    visitor.foresees(_REFUSED)
    page = visitor.page
    page.goto(hub.link)
    page.goto(hub.page_of(model))
    expect(page.get_by_role("heading", level=1)).to_have_text("for members")
    hub.keys.clear()
    hub.log(model, {0: {"loss": 1.0}})
    expect(page.get_by_role("alert")).to_contain_text("does not take this key")
    expect(page.get_by_text("for members")).to_be_hidden()


def test_a_browser_that_keeps_nothing_has_the_key_for_as_long_as_the_page(hub: PagesHub, visitor: Visitor) -> None:
    visitor.context.add_init_script(
        "Object.defineProperty(window, 'localStorage', { get() { throw new DOMException('no', 'SecurityError'); } });"
    )
    page = visitor.page
    page.goto(hub.link)
    expect(page.get_by_role("heading", name="No models yet")).to_be_visible()
    page.reload()
    expect(page.get_by_label("Key")).to_be_visible()


def test_after_the_key_no_frame_is_around_the_page_and_reading_begins_there(hub: PagesHub, visitor: Visitor) -> None:
    hub.create("shown")
    page = visitor.page
    page.goto(hub.url)
    page.get_by_label("Key").fill(hub.key)
    page.keyboard.press("Enter")
    expect(page.get_by_role("link", name="shown")).to_be_visible()
    expect(page.locator("#content")).to_be_focused()
    assert "none" == page.locator("#content").evaluate("element => getComputedStyle(element).outlineStyle")
    page.keyboard.press("Tab")
    expect(page.get_by_role("searchbox", name="Search by name")).to_be_focused()
    field = page.get_by_role("searchbox", name="Search by name")
    assert "solid" == field.evaluate("element => getComputedStyle(element).outlineStyle")
