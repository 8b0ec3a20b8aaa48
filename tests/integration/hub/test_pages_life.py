"""How the life of a run shows on the pages, without a reload."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, Route, expect

from tests.integration.hub.browser import PagesHub, Visitor, opened

SILENCE = 900.0


def state_of(page: Page, name: str) -> str:
    row = page.get_by_role("row").filter(has=page.get_by_role("rowheader", name=name))
    return row.locator(".state").inner_text()


def test_the_list_has_one_word_for_each_state(hub: PagesHub, visitor: Visitor) -> None:
    hub.create("nothing yet")
    ends = {"was left": {"state": "closed"}, "broke": {"state": "failed", "error": "ValueError"}, "goes on": {}}
    for name, said in ends.items():
        hub.beat(hub.create(name), "a client", **said)
    hub.upload(hub.create("is done"), 4, final=True)
    hub.clock.behind = SILENCE
    hub.beat(hub.create("fell silent"), "a client")
    hub.clock.behind = 0.0
    page = visitor.page
    page.goto(hub.link)
    expect(page.locator("tbody tr")).to_have_count(6)

    states = {name: state_of(page, name) for name in (*ends, "nothing yet", "is done", "fell silent")}
    assert {
        "nothing yet": "new",
        "was left": "stopped",
        "broke": "failed (ValueError)",
        "goes on": "training",
        "is done": "trained",
        "fell silent": "disconnected",
    } == states


@pytest.mark.parametrize("is_streamed", [True, False], ids=["streamed", "asked"])
def test_a_page_shows_the_end_of_a_run_and_its_silence_without_a_reload(
    hub: PagesHub, visitor: Visitor, *, is_streamed: bool
) -> None:
    def without_stream(route: Route) -> None:
        route.continue_(headers=route.request.headers | {"accept": "application/json"})

    if not is_streamed:
        visitor.page.route("**/changes?*", without_stream)
    model = hub.create()
    page = opened(hub, visitor, model)
    state = page.locator(".headline .state")
    expect(state).to_have_text("new")
    page.evaluate("globalThis.isTheSame = true")
    agent = hub.beat(model, "a client")
    expect(state).to_have_text("training")
    hub.beat(model, "a client", agent, state="failed", error="OutOfMemoryError")
    expect(state).to_have_text("failed (OutOfMemoryError)")
    hub.beat(model, "a client", agent)
    expect(state).to_have_text("training")
    hub.beat(model, "a client", agent, state="closed")
    expect(state).to_have_text("stopped")
    hub.beat(model, "a client", agent)
    expect(state).to_have_text("training")
    # Nothing is heard of it any more, and nothing else changes either.
    hub.clock.behind = -SILENCE
    expect(state).to_have_text("disconnected")
    assert page.evaluate("globalThis.isTheSame")


def test_what_trains_already_is_not_to_be_started(hub: PagesHub, visitor: Visitor) -> None:
    model = hub.create()
    page = opened(hub, visitor, model)
    how = page.locator("section:has(> #how)")
    lines = page.get_by_role("region", name="Lines for hubport")
    expect(how.get_by_role("heading")).to_have_text("Start")
    expect(lines).to_be_visible()
    agent = hub.beat(model, "a client")
    expect(how.get_by_role("heading")).to_have_text("Training")
    expect(lines).to_be_hidden()
    hub.beat(model, "a client", agent, state="closed")
    expect(how.get_by_role("heading")).to_have_text("Start")
    expect(lines).to_be_visible()
    hub.beat(model, "a client", agent)
    hub.upload(model, 1)
    expect(how.get_by_role("heading")).to_have_text("Resume")
    expect(how).to_contain_text("a second training beside it would write into the same model")
    hub.beat(model, "a client", agent, state="closed")
    expect(how).not_to_contain_text("a second training")


def test_a_short_training_whose_metrics_never_came_says_how_far_it_came_and_why(
    hub: PagesHub, visitor: Visitor
) -> None:
    model = hub.create("short", config={"epochs": 6})
    hub.beat(model, "python-8.0.100-local")
    hub.upload(model, 5, final=True)
    page = opened(hub, visitor, model)
    expect(page.get_by_text("6 of 6 epochs")).to_be_visible()
    expect(page.get_by_text("This training has sent no metrics. The clients of ultralytics")).to_be_visible()
    facts = page.locator("section:has(> #arguments)")
    for fact in ("model\nyolov8n.pt", "data\ncoco8.yaml", "epochs\n6"):
        expect(facts).to_contain_text(fact.replace("\n", ""))
    hub.log(model, {3: {"loss": 1.0}})
    expect(page.get_by_text("The newest metrics are those of epoch 3, and the final")).to_be_visible()
    hub.log(model, {5: {"loss": 1.0}})
    expect(page.get_by_text("The newest metrics")).to_be_hidden()
    page.goto(hub.link)
    expect(page.get_by_text("6 of 6 epochs")).to_be_visible()
    expect(page.get_by_role("rowheader")).to_contain_text("yolov8n.pt")


def test_two_trainers_of_one_model_are_shown_as_two(hub: PagesHub, visitor: Visitor) -> None:
    model = hub.create()
    first = hub.beat(model, "the first client")
    page = opened(hub, visitor, model)
    runs = page.locator("section:has(> #runs)")
    expect(page.get_by_text("the first client")).to_be_visible()
    expect(runs).to_be_hidden()
    second = hub.beat(model, "the second client")
    rows = runs.locator("tbody tr")
    expect(rows).to_have_count(2)
    expect(rows.nth(0)).to_contain_text(second)
    expect(rows.nth(1)).to_contain_text("disconnected")
    expect(runs.get_by_text("send to this model at the same time")).to_be_hidden()
    hub.beat(model, "the first client", first)
    expect(runs.get_by_text("2 trainers send to this model at the same time.")).to_be_visible()
    hub.beat(model, "the second client", second, state="failed", error="ValueError")
    expect(rows.nth(0)).to_contain_text("failed (ValueError)")
    expect(rows.nth(1)).to_contain_text("training")
    expect(runs.get_by_text("send to this model at the same time")).to_be_hidden()
    expect(page.locator(".headline .state")).to_have_text("training")
