"""Texts of trainers, in every place where one lands."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.integration.hub.browser import PagesHub, Visitor

_HOSTILE = {
    "markup": "<img src=x onerror=hacked=1>",
    "closing": "</bdi></h1><script>hacked=1</script>",
    "attribute": "\" autofocus onfocus='hacked=1",
    "from right to left": "\u202egnp.gpj אבג/دﺏ",
    "200 letters": "W" * 200,
    "like a template": "${hacked=1}{{hacked=1}}",
    "invisible": "\u200b\ufeff\u2066",
    "prototype": "__proto__",
}


def _is_unharmed(page: Page) -> None:
    assert 0 == page.locator("main img, main script, main [onerror], main [onfocus], main [autofocus]").count()
    assert not page.evaluate("'hacked' in globalThis")
    for width in (1200, 360):
        page.set_viewport_size({"width": width, "height": 700})
        assert width == page.evaluate("document.documentElement.scrollWidth")


@pytest.mark.parametrize("text", _HOSTILE.values(), ids=_HOSTILE)
def test_a_hostile_text_is_shown_as_text_wherever_it_lands(hub: PagesHub, visitor: Visitor, text: str) -> None:
    model = hub.create(
        text,
        dataset={"name": text},
        lineage={"architecture": {"name": text}},
        config={"device": text, "cache": text},
    )
    for said in ({"state": "failed", "error": text}, {}):
        hub.beat(model, text, **said)
    hub.log(model, {0: {text: 1.5, f"train/{text}": 2.5, f"{text}/loss": 0.5, f"model/{text}": 7, "said/text": text}})
    hub.log(model, {1: {f"metrics/{text}": 0.5}})
    hub.upload(model, 1)
    page = visitor.page
    page.goto(hub.link)
    expect(page.locator("tbody tr")).to_have_count(1)
    # Paths are shown by their last part: what the model is trained from, and its data.
    last = text.rpartition("/")[2]
    name, trained_from, data, metric, agent = page.locator("tbody bdi").all_text_contents()
    assert [text, last, text] == [name, data, agent]
    assert metric in {text, f"train/{text}", f"{text}/loss", f"metrics/{text}"}
    assert trained_from.startswith(last)
    _is_unharmed(page)
    page.goto(hub.page_of(model))
    expect(page.locator(".chart")).to_have_count(4)
    assert [text] == page.locator("h1").all_text_contents()
    titles = page.locator(".metric").evaluate_all("(all) => all.map((each) => each.title)")
    assert {text, f"train/{text}", f"{text}/loss", f"metrics/{text}"} == set(titles)
    # Up to its first slash a name is a heading.
    assert text.partition("/")[0] in page.locator("h3").all_text_contents()
    for place, held in ((".tiles bdi", text), (".facts dt bdi", f"model/{text}"), (".facts dd bdi", text)):
        assert held in page.locator(place).all_text_contents()
    _is_unharmed(page)
    hub.delete(model)
    page.goto(f"{hub.url}/?trashed=true")
    expect(page.locator("tbody tr")).to_have_count(1)
    assert text in page.locator("tbody bdi").all_text_contents()
    _is_unharmed(page)
