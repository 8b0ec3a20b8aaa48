"""The page of one model."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Route, expect

import hubport
from tests.integration.hub.browser import PagesHub, Visitor, Visits, opened, plot_of, points_of

_GONE = ("ERR_CONNECTION", "ERR_EMPTY_RESPONSE", "ERR_INCOMPLETE_CHUNKED_ENCODING")


def test_a_training_is_watched_to_its_end_without_a_reload(hub: PagesHub, visitor: Visitor, tmp_path: Path) -> None:
    model = hub.create("watched", config={"epochs": 3})
    page = opened(hub, visitor, model)
    expect(page.get_by_text("No metrics yet.")).to_be_visible()
    page.evaluate("globalThis.isTheSame = true")
    settings = hubport.Settings(
        api_root=hub.url,
        web_root=hub.url,
        metrics_interval=0.0,
        checkpoint_interval=0.0,
        state_dir=tmp_path / "state",
        handle_signals=False,
        agent="a trainer of the tests",
    )
    weights = tmp_path / "last.pt"
    with hubport.connect(model, api_key=hub.key, settings=settings) as session:
        for epoch, loss in enumerate((2.0, 1.0, 0.5)):
            session.log_metrics(epoch, {"train/loss": loss, "metrics/mAP50-95(B)": 1 - loss / 4})
            expect(plot_of(page, "train/loss")).to_have_attribute("aria-valuetext", f"epoch {epoch}: {_shown(loss)}")
            assert epoch + 1 == points_of(page, "train/loss") or epoch == 0
            expect(page.get_by_text(f"{epoch + 1} of 3 epochs")).to_be_visible()
        expect(page.get_by_text("a trainer of the tests")).to_be_visible()
        weights.write_bytes(b"not quite there" * 1000)
        session.upload_checkpoint(weights, epoch=1, is_best=True)
        expect(page.get_by_role("link", name=f"{model}-epoch-1.pt")).to_be_visible()
        expect(page.get_by_role("heading", name="Resume")).to_be_visible()
        best = tmp_path / "best.pt"
        best.write_bytes(bytes(range(256)) * 257)
        session.finish(best, epoch=2, map=0.875)
    expect(page.locator(".headline .state")).to_have_text("trained")
    expect(page.get_by_text("0.8750").first).to_be_visible()
    expect(page.get_by_role("heading", name="Trained")).to_be_visible()
    for name, content in ((f"{model}-best.pt", best.read_bytes()), (f"{model}-epoch-1.pt", weights.read_bytes())):
        with page.expect_download() as downloading:
            page.get_by_role("link", name=name).click()
        assert name == downloading.value.suggested_filename
        assert content == Path(downloading.value.path()).read_bytes()
    assert page.evaluate("globalThis.isTheSame")


def _shown(value: float) -> str:
    return f"{value:.0f}" if value.is_integer() else f"{value:.4f}"


def test_a_model_that_is_deleted_while_it_is_shown_is_told_of(hub: PagesHub, visitor: Visitor) -> None:
    visitor.foresees("status of 404")
    model = hub.create("short-lived")
    page = opened(hub, visitor, model)
    expect(page.get_by_role("heading", level=1)).to_have_text("short-lived")
    hub.delete(model)
    expect(page.get_by_role("heading", level=1)).to_have_text("This model was deleted")
    expect(page.get_by_text("it is in the trash, and can be restored")).to_be_visible()
    page.get_by_role("link", name="Show all models").click()
    expect(page.get_by_role("heading", name="No models yet")).to_be_visible()


def test_a_model_that_never_was_is_told_of(hub: PagesHub, visitor: Visitor) -> None:
    visitor.foresees("status of 404")
    page = opened(hub, visitor, "0" * 20)
    expect(page.get_by_role("heading", level=1)).to_have_text("There is no such model")
    expect(page.get_by_text("There is no model 00000000000000000000 in this HUB.")).to_be_visible()


def test_a_hub_that_goes_away_and_comes_back_is_told_of_and_nothing_is_missed(hub: PagesHub, visitor: Visitor) -> None:
    visitor.foresees(*_GONE)
    model = hub.create()
    hub.log(model, {0: {"train/loss": 3.0}})
    page = opened(hub, visitor, model)
    expect(plot_of(page, "train/loss")).to_have_attribute("aria-valuetext", "epoch 0: 3")
    hub.go()
    expect(page.get_by_text("The HUB does not answer.")).to_be_visible()
    expect(plot_of(page, "train/loss")).to_be_visible()
    hub.log(model, {1: {"train/loss": 2.0}})
    hub.come()
    hub.log(model, {2: {"train/loss": 1.0}})
    expect(plot_of(page, "train/loss")).to_have_attribute("aria-valuetext", "epoch 2: 1")
    assert 3 == points_of(page, "train/loss")
    expect(page.get_by_text("The HUB does not answer.")).to_be_hidden()
    # It asked for what was new to it, and not for everything again.
    assert not visitor.calls()[-1].endswith("after=0")


def test_a_hub_that_has_begun_anew_is_read_from_the_beginning(hub: PagesHub, visitor: Visitor) -> None:
    visitor.foresees(*_GONE)
    model = hub.create()
    hub.log(model, {epoch: {"old": 1.0} for epoch in range(3)})
    hub.log(model, {3: {"old": 1.0}})
    page = opened(hub, visitor, model)
    expect(plot_of(page, "old")).to_be_visible()
    held = hub.store.models.get(model)
    assert held is not None
    hub.go()
    hub.store.models.delete(model)
    hub.store.models.save(held)
    hub.log(model, {0: {"new": 1.0}})
    hub.come()
    expect(plot_of(page, "new")).to_be_visible()
    expect(plot_of(page, "old")).to_have_count(0)


@pytest.mark.parametrize("refusal", [None, 503], ids=["kept back", "refused"])
def test_where_there_are_no_streams_the_page_asks_again_and_again(
    hub: PagesHub, visitor: Visitor, refusal: int | None
) -> None:
    def without_stream(route: Route) -> None:
        if refusal is None:
            route.continue_(headers=route.request.headers | {"accept": "application/json"})
        elif "event-stream" in route.request.headers["accept"]:
            route.fulfill(status=refusal, json={"success": False, "message": "too many pages listen"})
        else:
            route.continue_()

    visitor.foresees("status of 503")
    model = hub.create()
    visitor.page.route("**/changes?*", without_stream)
    page = opened(hub, visitor, model)
    expect(page.get_by_text("No metrics yet.")).to_be_visible()
    for epoch in range(2):
        hub.log(model, {epoch: {"loss": 1.0 - epoch}})
        expect(plot_of(page, "loss")).to_have_attribute("aria-valuetext", f"epoch {epoch}: {1 - epoch}")
    assert 2 == points_of(page, "loss")


def test_a_page_that_nobody_sees_gives_its_connection_back(hub: PagesHub, visitor: Visitor) -> None:
    model = hub.create()
    hub.log(model, {0: {"loss": 1.0}})
    page = visitor.page
    page.add_init_script("Object.defineProperty(document, 'hidden', { get: () => globalThis.isHidden === true });")
    opened(hub, visitor, model)
    expect(plot_of(page, "loss")).to_be_visible()
    with page.expect_event("requestfailed", lambda request: "/changes" in request.url):
        page.evaluate("globalThis.isHidden = true; document.dispatchEvent(new Event('visibilitychange'))")
    hub.log(model, {1: {"loss": 0.0}})
    page.evaluate("globalThis.isHidden = false; document.dispatchEvent(new Event('visibilitychange'))")
    expect(plot_of(page, "loss")).to_have_attribute("aria-valuetext", "epoch 1: 0")


@pytest.mark.parametrize(
    ("client", "line"),
    [
        ("hubport", 'with hubport.connect("{model}") as session:'),
        ("ultralytics 8.2 and later", "{url}/models/{model}"),
        ("ultralytics 8.0", "https://hub.ultralytics.com/models/{key}_{model}"),
    ],
)
def test_the_lines_for_each_client_are_shown_without_the_key_and_copied_with_it(
    hub: PagesHub, visitor: Visitor, client: str, line: str
) -> None:
    visitor.context.grant_permissions(["clipboard-read", "clipboard-write"])
    model = hub.create()
    page = opened(hub, visitor, model)
    expect(page.get_by_role("heading", name="Start")).to_be_visible()
    if client != "hubport":
        page.get_by_text(client, exact=True).click()
    shown = page.get_by_role("region", name=f"Lines for {client}")
    expect(shown).to_contain_text(line.format(model=model, url=hub.url, key=f"…{hub.key[-4:]}"))
    expect(shown).not_to_contain_text(hub.key)
    page.get_by_role("button", name=f"Copy the lines for {client}").click()
    expect(page.get_by_role("button", name=f"Copy the lines for {client}")).to_have_text("Copied")
    copied = page.evaluate("navigator.clipboard.readText()")
    assert line.format(model=model, url=hub.url, key=hub.key) in copied
    assert f"export ULTRALYTICS_HUB_API={hub.url}" in copied
    assert hub.key in copied


def test_the_newest_of_the_best_checkpoints_is_the_best(hub: PagesHub, visitor: Visitor) -> None:
    model = hub.create()
    hub.upload(model, 0)
    page = opened(hub, visitor, model)
    heads = page.get_by_role("rowheader")
    expect(heads).to_have_text([f"{model}-epoch-0.ptbest"])
    hub.upload(model, 1, b"better weights")
    expect(heads).to_have_text([f"{model}-epoch-1.ptbest", f"{model}-epoch-0.pt"])


def test_links_lead_to_files_of_this_hub_whatever_the_record_says(hub: PagesHub, visitor: Visitor) -> None:
    model = hub.create()
    hub.upload(model, 0)
    odd = {
        "javascript:alert(1)": None,
        "https://elsewhere.example/files/token/name.pt": f"{hub.url}/files/token/name.pt",
        "//elsewhere.example/v1/models": None,
        f"{hub.url}/files/../v1/models": None,
        "http://[": None,
    }

    def with_odd_links(route: Route) -> None:
        answer = json.loads(
            route.fetch(headers=route.request.headers | {"accept": "application/json"}).body(),
        )
        checkpoint: dict[str, Any] = answer["data"]["model"]["checkpoints"][0]
        answer["data"]["model"]["checkpoints"] = [checkpoint | {"url": url, "name": url} for url in odd]
        route.fulfill(json=answer)

    visitor.page.route("**/changes?*", with_odd_links)
    page = opened(hub, visitor, model)
    expect(page.locator("tbody tr")).to_have_count(len(odd))
    for url, address in odd.items():
        head = page.get_by_role("rowheader").filter(has=page.get_by_text(url, exact=True))
        assert ([] if address is None else [address]) == head.locator("a").evaluate_all(
            "(all) => all.map((a) => a.href)"
        )


def test_a_hub_behind_a_path_is_one_like_any_other(hub: PagesHub, visitor: Visitor) -> None:
    def pass_on(route: Route) -> None:
        url = route.request.url.replace("/hub/", "/", 1)
        answer = route.fetch(url=url, headers=route.request.headers | {"accept": "application/json"})
        route.fulfill(response=answer)

    model = hub.create("behind a path")
    hub.upload(model, 0)
    page = visitor.page
    page.route(f"{hub.url}/hub/**", pass_on)
    page.goto(f"{hub.url}/hub/#key={hub.key}")
    page.get_by_role("link", name="behind a path").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("behind a path")
    expect(page.get_by_role("region", name="Lines for hubport")).to_contain_text(f"ULTRALYTICS_HUB_API={hub.url}/hub ")
    file = page.get_by_role("link", name=f"{model}-epoch-0.pt")
    assert (file.get_attribute("href") or "").startswith(f"{hub.url}/hub/files/")
    assert not [request.url for request in visitor.asked if not request.url.startswith(f"{hub.url}/hub/")]


def test_who_wants_no_motion_gets_none(hub: PagesHub, visit: Visits) -> None:
    model = hub.create()
    hub.log(model, {0: {"loss": 1.0}})
    for wish, name in (("reduce", "none"), ("no-preference", "breathe")):
        page = opened(hub, visit(reduced_motion=wish), model)
        expect(page.locator(".headline .state")).to_have_text("training")
        style = "(state) => getComputedStyle(state, '::before').animationName"
        assert name == page.locator(".headline .state").evaluate(style)


def test_the_best_value_is_one_of_its_curve_and_says_whether_it_is_the_best(hub: PagesHub, visitor: Visitor) -> None:
    model = hub.create()
    page = opened(hub, visitor, model)
    best = page.locator(".tiles > div").filter(has=page.get_by_text("Best", exact=True))
    hub.log(model, {0: {"foo": 5}, 1: {"foo": 7}})
    expect(best).to_contain_text("7foo at epoch 1, the last value")
    hub.log(model, {0: {"foo": 5, "val/loss": 0.5}, 1: {"foo": 7, "val/loss": 0.75}})
    expect(best).to_contain_text("0.5000val/loss at epoch 0")
    hub.log(model, {0: {"foo": 5, "val/loss": 2}})
    expect(best).to_contain_text("0.7500val/loss at epoch 1")
    hub.change(model, best_metric="foo", best_direction="max")
    expect(best).to_contain_text("7foo at epoch 1")
    expect(best).not_to_contain_text("last")
    hub.change(model, best_metric="bar")
    expect(best).to_contain_text("–bar has no value yet")
