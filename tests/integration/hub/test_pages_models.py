"""The list of models."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from tests.integration.hub.browser import PagesHub, Visitor

_GONE = ("ERR_CONNECTION", "ERR_EMPTY_RESPONSE")


def _row(page: Page, name: str) -> str:
    row = page.get_by_role("row").filter(has=page.get_by_role("rowheader", name=name))
    expect(row).to_have_count(1)
    return row.inner_text()


def _best(page: Page, name: str) -> str:
    row = page.get_by_role("row").filter(has=page.get_by_role("rowheader", name=name))
    return row.get_by_role("cell").nth(2).inner_text().strip()


def test_an_empty_hub_says_how_to_create_the_first_model_and_shows_it(hub: PagesHub, visitor: Visitor) -> None:
    visitor.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page = visitor.page
    page.goto(hub.link)
    expect(page.get_by_role("heading", name="No models yet")).to_be_visible()
    lines = page.get_by_role("region", name="How to create a model")
    expect(lines).to_contain_text("hubport models create --weights yolov8n.pt --data coco8.yaml --epochs 100")
    expect(lines).not_to_contain_text(hub.key)
    page.get_by_role("button", name="Copy the lines").click()
    expect(page.get_by_text("Copied").first).to_be_visible()
    copied = page.evaluate("navigator.clipboard.readText()")
    assert f"export HUB_API_KEY={hub.key}\n" in copied
    assert f"export ULTRALYTICS_HUB_API={hub.url} " in copied
    hub.create("the first")
    expect(page.get_by_role("link", name="the first")).to_be_visible()


def test_a_model_is_new_trains_goes_silent_and_is_trained(hub: PagesHub, visitor: Visitor) -> None:
    states = {name: hub.create(name) for name in ("is new", "has begun", "is training", "was silent", "is trained")}
    hub.log(states["has begun"], {0: {"train/loss": 2.0}})
    for name in ("is training", "is trained"):
        hub.upload(states[name], 3)
        hub.beat(states[name], "python-8.0.100-local")
    hub.upload(states["is trained"], 4, final=True)
    hub.clock.behind = 1000.0
    hub.log(states["was silent"], {0: {"train/loss": 2.0}})
    hub.clock.behind = 0.0
    page = visitor.page
    page.goto(hub.link)
    assert "new" in _row(page, "is new")
    assert "never" in _row(page, "is new")
    assert "training" in _row(page, "has begun")
    assert "training" in _row(page, "is training").replace("is training", "")
    assert "python-8.0.100-local" in _row(page, "is training")
    assert "disconnected" in _row(page, "was silent")
    assert "16 min ago" in _row(page, "was silent")
    assert "trained" in _row(page, "is trained").replace("is trained", "")


def test_progress_and_the_best_value_keep_themselves_fresh(hub: PagesHub, visitor: Visitor) -> None:
    model = hub.create("moves", config={"epochs": 4})
    page = visitor.page
    page.goto(hub.link)
    bar = page.get_by_role("progressbar", name="Progress")
    expect(bar).to_have_js_property("value", 0)
    hub.log(model, {0: {"metrics/mAP50-95(B)": 0.25}, 1: {"metrics/mAP50-95(B)": 0.5}})
    expect(bar).to_have_js_property("value", 0.5)
    expect(page.get_by_text("2 of 4 epochs")).to_be_visible()
    hub.create("short", config={"epochs": 1})
    expect(page.get_by_text("0 of 1 epoch", exact=True)).to_be_visible()
    assert re.search(r"0\.5000\s+metrics/mAP50-95\(B\)", _row(page, "moves"))


def test_the_best_value_of_a_score_is_the_greatest_and_a_last_one_is_called_so(hub: PagesHub, visitor: Visitor) -> None:
    for name, metric in (("score", "eval/reward"), ("error", "metrics/rmse"), ("something", "foo")):
        hub.log(hub.create(name), {epoch: {metric: value} for epoch, value in enumerate((5, 9, 7))})
    hub.log(hub.create("chosen", best_metric="foo", best_direction="max"), {0: {"foo": 3}, 1: {"foo": 2}})
    hub.create("waits", best_metric="val/f1")
    page = visitor.page
    page.goto(hub.link)
    _row(page, "score")
    assert re.search(r"\b9\s+eval/reward$", _best(page, "score"))
    assert re.search(r"\b5\s+metrics/rmse$", _best(page, "error"))
    assert re.search(r"\b7\s+foo\s+last value$", _best(page, "something"))
    assert re.search(r"\b3\s+foo$", _best(page, "chosen"))
    assert re.search(r"–\s+val/f1$", _best(page, "waits"))


def test_a_refresh_leaves_the_focus_where_it_is(hub: PagesHub, visitor: Visitor) -> None:
    hub.create("older")
    page = visitor.page
    page.goto(hub.link)
    page.get_by_role("link", name="older").focus()
    hub.create("newer")
    expect(page.get_by_role("rowheader")).to_have_text([re.compile("newer"), re.compile("older")])
    expect(page.get_by_role("link", name="older")).to_be_focused()


def test_a_long_list_comes_in_pages(hub: PagesHub, visitor: Visitor) -> None:
    for number in range(60):
        hub.create(f"model {number:02}")
    page = visitor.page
    page.goto(hub.link)
    expect(page.get_by_text("60 models")).to_be_visible()
    seen = []
    for last in ("model 35", "model 10", "model 00"):
        expect(page.get_by_role("link", name=last, exact=True)).to_be_visible()
        seen += page.locator("tbody .name").all_inner_texts()
        older = page.get_by_role("link", name="Older")
        if last != "model 00":
            older.click()
    assert [f"model {number:02}" for number in reversed(range(60))] == seen
    expect(page.get_by_role("link", name="Older")).to_have_count(0)
    page.get_by_role("link", name="Newest").click()
    expect(page.get_by_role("link", name="model 59")).to_be_visible()


def test_a_search_is_in_the_address_and_narrows_the_list(hub: PagesHub, visitor: Visitor) -> None:
    for name in ("cats & dogs 100%", "birds", "fish #7"):
        hub.create(name)
    page = visitor.page
    page.goto(hub.link)
    field = page.get_by_role("searchbox", name="Search by name")
    field.fill("dogs 100%")
    expect(page.locator("tbody .name")).to_have_text(["cats & dogs 100%"])
    page.reload()
    expect(field).to_have_value("dogs 100%")
    expect(page.locator("tbody .name")).to_have_text(["cats & dogs 100%"])
    field.fill("<b>elephants</b>")
    field.press("Enter")
    expect(page.get_by_text("No model has “<b>elephants</b>” in its name.")).to_be_visible()
    page.get_by_role("link", name="Show all models").click()
    expect(page.locator("tbody .name")).to_have_count(3)


def test_what_is_in_the_trash_is_shown_there_alone(hub: PagesHub, visitor: Visitor) -> None:
    hub.create("kept")
    hub.delete(hub.create("thrown away"))
    page = visitor.page
    page.goto(hub.link)
    expect(page.locator("tbody .name")).to_have_text(["kept"])
    page.get_by_role("link", name="Trash").click()
    expect(page.get_by_role("heading", name="Trash")).to_be_visible()
    expect(page.locator("tbody .name")).to_have_text(["thrown away"])
    expect(page.get_by_role("link", name="thrown away")).to_have_count(0)  # it has no page
    expect(page.get_by_text("hubport models restore")).to_be_visible()
    page.get_by_role("link", name="Models", exact=True).click()
    expect(page.locator("tbody .name")).to_have_text(["kept"])


def test_a_hub_that_goes_away_and_comes_back_is_told_of(hub: PagesHub, visitor: Visitor) -> None:
    visitor.foresees(*_GONE)
    hub.create("stays to be seen")
    page = visitor.page
    page.goto(hub.link)
    expect(page.get_by_role("link", name="stays to be seen")).to_be_visible()
    hub.go()
    expect(page.get_by_text("The HUB does not answer.")).to_be_visible()
    expect(page.get_by_role("link", name="stays to be seen")).to_be_visible()
    hub.create("made meanwhile")
    hub.come()
    expect(page.get_by_role("link", name="made meanwhile")).to_be_visible()
    expect(page.get_by_text("The HUB does not answer.")).to_be_hidden()


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        ({"status": 200, "body": "<h1>Please log in</h1>"}, "What answers is not the HUB."),
        ({"status": 200, "json": {"success": True, "data": None}}, "What answers is not the HUB."),
        ({"status": 502, "body": "<h1>Bad gateway</h1>"}, "The HUB answered 502."),
        ({"status": 429, "json": {"message": "too many calls"}, "headers": {"retry-after": "1"}}, "Too many calls."),
    ],
)
def test_a_strange_answer_is_told_of_and_asked_for_again(
    hub: PagesHub, visitor: Visitor, answer: dict[str, object], says: str
) -> None:
    visitor.foresees("status of")
    hub.create("there after all")
    page = visitor.page
    page.route("**/v1/models?*", lambda route: route.fulfill(**answer), times=1)
    page.goto(hub.link)
    expect(page.get_by_text(says)).to_be_visible()
    expect(page.get_by_role("link", name="there after all")).to_be_visible()
    expect(page.get_by_text(says)).to_be_hidden()


def test_a_page_that_nobody_sees_asks_for_nothing(hub: PagesHub, visitor: Visitor) -> None:
    page = visitor.page
    page.add_init_script("Object.defineProperty(document, 'hidden', { get: () => globalThis.isHidden === true });")
    page.clock.install()
    page.goto(hub.link)
    expect(page.get_by_role("heading", name="No models yet")).to_be_visible()
    with page.expect_request("**/v1/models?*"):
        page.clock.run_for(3000)
    page.evaluate("globalThis.isHidden = true")
    page.clock.run_for(3000)  # the pause under way ends, and the page sees that nobody does
    before = len(visitor.calls())
    page.clock.run_for(3_600_000)
    assert before == len(visitor.calls())
    with page.expect_request("**/v1/models?*"):
        page.evaluate("globalThis.isHidden = false; document.dispatchEvent(new Event('visibilitychange'))")
