"""The curves on the page of a model."""

from __future__ import annotations

import math

from playwright.sync_api import expect

from tests.integration.hub.browser import PagesHub, Visitor, line_of, numbers, opened, plot_of, points_of


def test_metrics_are_grouped_and_what_is_sent_once_is_no_curve(hub: PagesHub, visitor: Visitor) -> None:
    model = hub.create()
    names = ("val/loss", "lr/pg0", "train/b10", "train/b9", "speed", "metrics/mAP50(B)", "own/thing")
    hub.log(model, {0: dict.fromkeys(names, 1.5) | {"model/parameters": 3157200, "model/kind": "nano"}})
    page = opened(hub, visitor, model)
    expect(page.locator("h3")).to_have_text(["train", "metrics", "val", "lr", "own", "other"])
    expect(page.locator(".metric")).to_have_text(["b9", "b10", "mAP50(B)", "loss", "pg0", "thing", "speed"])
    facts = page.locator("#curves ~ .facts")
    expect(facts).to_contain_text("3,157,200")
    expect(facts).to_contain_text("nano")


def test_a_value_that_is_no_number_is_a_gap(hub: PagesHub, visitor: Visitor) -> None:
    model = hub.create()
    values = [1.0, 2.0, None, 3.0, math.nan, 4.0, 5.0]
    hub.log(model, {epoch: {"val/loss": value} for epoch, value in enumerate(values)})
    page = opened(hub, visitor, model)
    expect(plot_of(page, "val/loss")).to_have_attribute("aria-valuetext", "epoch 6: 5")
    line = line_of(page, "val/loss").get_attribute("d") or ""
    assert [2, 1, 2] == [piece.count("L") + 1 for piece in line.split("M")[1:]]
    assert "NaN" not in line


def test_an_epoch_that_comes_again_is_merged_by_name(hub: PagesHub, visitor: Visitor) -> None:
    model = hub.create()
    hub.log(model, {0: {"a": 1.0, "b": 1.0}, 1: {"a": 2.0}})
    page = opened(hub, visitor, model)
    expect(plot_of(page, "b")).to_be_visible()
    hub.log(model, {0: {"a": 7.5, "c": 3.0}})
    expect(plot_of(page, "c")).to_be_visible()
    expect(plot_of(page, "b")).to_be_visible()
    plot_of(page, "a").focus()
    page.keyboard.press("Home")
    expect(plot_of(page, "a")).to_have_attribute("aria-valuetext", "epoch 0: 7.500")


def test_an_epoch_is_looked_up_by_keyboard_and_by_pointer_in_all_curves(hub: PagesHub, visitor: Visitor) -> None:
    model = hub.create()
    hub.log(model, {epoch: {"train/a": epoch / 4, "train/b": -epoch} for epoch in range(101)})
    page = opened(hub, visitor, model)
    first, second = plot_of(page, "train/a"), plot_of(page, "train/b")
    first.focus()
    for key, epoch in (("ArrowLeft", 99), ("PageDown", 89), ("Home", 0), ("ArrowLeft", 0), ("ArrowRight", 1)):
        page.keyboard.press(key)
        expect(first).to_have_attribute("aria-valuenow", str(epoch))
        expect(second).to_have_attribute("aria-valuetext", f"epoch {epoch}: {-epoch}")
    expect(page.get_by_text("epoch 1: 0.2500")).to_be_visible()
    page.keyboard.press("Tab")
    expect(second).to_be_focused()
    expect(first).to_have_attribute("aria-valuetext", "epoch 100: 25")
    box = first.bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + box["width"] - 2, box["y"] + 60)
    expect(page.get_by_text("epoch 100: 25", exact=True)).to_be_visible()
    page.mouse.move(box["x"] + 2, box["y"] + 60)
    expect(page.get_by_text("epoch 0: 0", exact=True)).to_have_count(2)
    page.mouse.move(0, 0)
    expect(page.get_by_text("epoch 0: 0", exact=True)).to_have_count(0)


def test_what_is_drawn_does_not_grow_with_the_epochs(hub: PagesHub, visitor: Visitor) -> None:
    model = hub.create()
    names = [f"{prefix}/m{number}" for prefix in ("train", "val") for number in range(25)]
    epochs = {e: dict.fromkeys(names, math.sin(e / 50)) | {"train/m0": 9.0 if e == 1234 else 0.0} for e in range(2000)}
    hub.log(model, epochs)
    page = opened(hub, visitor, model)
    expect(page.locator(".chart")).to_have_count(50)
    expect(plot_of(page, "train/m0")).to_have_attribute("aria-valuetext", "epoch 1999: 0")
    assert 500 < points_of(page, "train/m1") < 4 * 400
    # What nobody sees is not drawn at all, until somebody does.
    assert line_of(page, "val/m24").count() == 0
    plot_of(page, "val/m24").scroll_into_view_if_needed()
    expect(line_of(page, "val/m24")).to_have_count(1)
    # The one epoch that is out of line is still to be seen: nearly at the top.
    heights = numbers(line_of(page, "train/m0").get_attribute("d"))[1::2]
    assert min(heights) < 20
    assert max(heights) > 100


def test_a_thousand_metrics_are_drawn_as_they_are_asked_for(hub: PagesHub, visitor: Visitor) -> None:
    model = hub.create()
    hub.log(model, {0: {f"m{number}": 1.0 for number in range(1001)}})
    page = opened(hub, visitor, model)
    expect(page.get_by_text("901 more metrics are not shown.")).to_be_visible()
    expect(page.locator(".chart")).to_have_count(100)
    page.get_by_role("button", name="Show 100 more").click()
    expect(page.locator(".chart")).to_have_count(200)
    expect(page.get_by_text("801 more metrics are not shown.")).to_be_visible()


def test_numbers_at_the_ends_of_what_a_double_holds_are_drawn(hub: PagesHub, visitor: Visitor) -> None:
    model = hub.create()
    odd = {
        "huge": (1e308, -1e308),
        "tiny": (5e-324, 0.0),
        "same": (0.1, 0.1),
        "near": (1.0, 1.0 + 2e-16),
        "most": (1.7e308,) * 2,
    }
    hub.log(model, {epoch: {name: pair[epoch] for name, pair in odd.items()} for epoch in range(2)})
    hub.log(model, {10**17: {"far": 1.0}, 10**17 + 16: {"far": 2.0}})
    page = opened(hub, visitor, model)
    for name in (*odd, "far"):
        plot_of(page, name).scroll_into_view_if_needed()
        expect(line_of(page, name)).to_have_count(1)
        line = line_of(page, name).get_attribute("d") or ""
        assert line.startswith("M")
        assert "NaN" not in line
        assert "Infinity" not in line
