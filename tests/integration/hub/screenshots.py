"""The screenshots of the README: ``python -m tests.integration.hub.screenshots [FOLDER]`` (docs/images).

The one rule: what they show has happened: three classifiers of handwritten digits, trained through sessions of our own
against a HUB that is served here, one of them not yet to its end.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from playwright.sync_api import Browser, expect, sync_playwright

import hubport
from hubport.app.demo.digits import DigitsTrainer
from tests.integration.hub.browser import CHROMIUM, QUIET, PagesHub

_EPOCHS = 60


def _train(hub: PagesHub, folder: Path, name: str, *, epochs: int, batch: int) -> str:
    """A model's ID. Fewer *epochs* than it is to have: its training goes on, as far as the HUB knows."""
    model = hub.create(
        name,
        dataset={"name": "digits"},
        lineage={"architecture": {"name": "digits-sgd.yaml"}},
        config={"epochs": _EPOCHS, "batchSize": batch, "imageSize": 8, "patience": _EPOCHS, "device": "cpu"},
    )
    settings = hubport.Settings(
        api_root=hub.url, web_root=hub.url, metrics_interval=0.0, checkpoint_interval=0.0, state_dir=folder / "state"
    )
    trainer = DigitsTrainer.load()
    weights, best = folder / "last.pt", folder / "best.pt"
    with hubport.connect(model, api_key=hub.key, settings=settings) as session:
        for epoch in range(epochs):
            values, is_best = trainer.epoch(epoch, batch=batch)
            trainer.save(weights)
            session.log_metrics(epoch, values)
            if epoch % 10 == 0:
                session.upload_checkpoint(weights, epoch=epoch, is_best=is_best)
                session.flush(timeout=60.0)
            if is_best:
                trainer.save(best)
        if epochs == _EPOCHS:
            session.finish(best, epoch=trainer.best.epoch, map=trainer.best.accuracy)
    return model


def _take(browser: Browser, hub: PagesHub, model: str, folder: Path) -> None:
    def shot(name: str, address: str, ready: str, **how: object) -> None:
        context = browser.new_context(**how)  # type: ignore[arg-type]
        page = context.new_page()
        page.goto(hub.link)
        page.goto(address)
        expect(page.locator(ready).nth(1)).to_be_attached()
        page.screenshot(path=folder / name, animations="disabled")
        context.close()

    desk = {"width": 1120, "height": 700}
    shot("hub-models.png", hub.url, "tbody tr", viewport=desk | {"height": 400}, color_scheme="light")
    shot("hub-model.png", hub.page_of(model), "path.line", viewport=desk | {"height": 940}, color_scheme="light")
    phone = {"width": 390, "height": 780}
    dark = {"viewport": phone, "color_scheme": "dark", "device_scale_factor": 1.5}
    shot("hub-phone-dark.png", hub.page_of(model), "path.line", **dark)


def main(folder: Path) -> None:
    """Train, look, and write the PNGs into *folder*."""
    folder.mkdir(parents=True, exist_ok=True)
    hub = PagesHub()
    try:
        with tempfile.TemporaryDirectory() as scratch:
            hub.clock.behind = 7200.0
            _train(hub, Path(scratch), "digits, batches of 256", epochs=25, batch=256)
            hub.clock.behind = 1200.0
            _train(hub, Path(scratch), "digits, batches of 32", epochs=_EPOCHS, batch=32)
            hub.clock.behind = 0.0
            model = _train(hub, Path(scratch), "digits, batches of 64", epochs=42, batch=64)
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET)
            _take(browser, hub, model, folder)
            browser.close()
    finally:
        hub.go()


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parents[3] / "docs" / "images")
