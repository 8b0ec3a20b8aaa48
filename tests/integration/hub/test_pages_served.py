"""The pages of the HUB that a user starts, and the lines that they give to be pasted."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

_PROGRAMS = Path(sys.executable).parent
_GUARD = 120.0


def _environment(folder: Path) -> dict[str, str]:
    kept = {name: text for name, text in os.environ.items() if not name.startswith(("HUB", "ULTRALYTICS_"))}
    return kept | {"HUBPORT_STATE_DIR": str(folder / "state"), "PATH": f"{_PROGRAMS}:{os.environ['PATH']}"}


@pytest.fixture
def link(tmp_path: Path) -> Iterator[str]:
    """What the first start of ``hubport serve`` prints to be opened."""
    command = [str(_PROGRAMS / "hubport"), "serve", "--port", "0", "--data-dir", str(tmp_path / "data")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=_environment(tmp_path)) as serving:
        assert serving.stdout is not None
        try:
            found = (re.search(r"http://\S+/#key=\w+", line) for line in serving.stdout)
            yield next(match for match in found if match)[0]
        finally:
            serving.send_signal(signal.SIGTERM)
            serving.wait(_GUARD)


@pytest.fixture
def page(chromium: Browser) -> Iterator[Page]:
    context = chromium.new_context(permissions=["clipboard-read", "clipboard-write"])
    yield context.new_page()
    context.close()


def _pasted(page: Page, button: str, folder: Path) -> str:
    """What a shell prints for the lines that *button* copies."""
    page.get_by_role("button", name=button).click()
    expect(page.get_by_role("button", name=button)).to_have_text("Copied")
    lines = page.evaluate("navigator.clipboard.readText()")
    done = subprocess.run(
        ["/bin/bash", "-e", "-c", lines],
        check=True,
        capture_output=True,
        text=True,
        timeout=_GUARD,
        env=_environment(folder),
    )
    return done.stdout


def test_the_lines_of_the_pages_create_a_model_and_train_it(link: str, page: Page, tmp_path: Path) -> None:
    page.goto(link)
    expect(page.get_by_role("heading", name="No models yet")).to_be_visible()
    created = _pasted(page, "Copy the lines to create a model", tmp_path)
    name = page.get_by_role("link", name="yolov8n.pt")
    expect(name).to_be_visible()
    name.click()
    expect(page.get_by_role("heading", level=1)).to_have_text("yolov8n.pt")
    assert page.url in created
    printed = _pasted(page, "Copy the lines for hubport", tmp_path)
    assert "train yolov8n.pt with {" in printed
    assert "'data': 'coco8.yaml'" in printed
    # The lines have ended, and have said so, if the exit had the time for it.
    expect(page.locator(".headline .state")).to_have_text(re.compile("^(training|stopped)$"))
    expect(page.locator(".tiles")).to_contain_text(re.compile(r"python-\S+-local"))
