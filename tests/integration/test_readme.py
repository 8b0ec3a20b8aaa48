"""What the documentation shows is run as it stands: nothing of a block is changed, only the environment is given.

The blocks of one page follow each other in one folder, which is empty at first, as a reader has them. One whose first
line names a file (``# conftest.py``) is written to that file, for pytest at the end of the page; any other is a script.
``MODEL_ID`` is a model that waits to be trained: a new one whenever a block has finished the last.
"""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import attrs
import pytest

import hubport
from hubport.testing import FakeHub, LoopbackServer
from tests.integration.adapters.child_process import unmeasured

ROOT = Path(__file__).parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
WITH_PYTHON = [page for page in PAGES if "```python\n" in page.read_text("utf-8")]
PATIENCE = 120.0
"""Seconds after which a block counts as hung."""

_BLOCK = re.compile(r"^```python\n(.*?)^```$", re.DOTALL | re.MULTILINE)
_SHELL = re.compile(r"^```sh\n(.*?)^```$", re.DOTALL | re.MULTILINE)
_FILE_NAME = re.compile(r"# (\w+\.py)\n")
_LINK = re.compile(r"\]\(([^)#\s]+)(?:#[^)]*)?\)")
_SETTING = re.compile(r"^\| `(\w+)` \| `(\w+)` \| (.+?) \| .+ \|$", re.MULTILINE)


def _name(page: Path) -> str:
    return str(page.relative_to(ROOT))


def _environ(hub: FakeHub, server: LoopbackServer, model_id: str, state: Path) -> dict[str, str]:
    """What the reader has set: the lines that ``hubport serve`` prints, and a model."""
    return {
        **os.environ,
        **unmeasured(),
        "ULTRALYTICS_HUB_API": server.url,
        "ULTRALYTICS_HUB_WEB": server.url,
        "HUB_API_KEY": hub.api_key,
        "HUBPORT_STATE_DIR": str(state),
        "MODEL_ID": model_id,
        "NO_PROXY": "*",
        "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",  # a pytest with no plugin but ours
    }


def _run(arguments: list[str], folder: Path, environ: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """Run Python with *arguments* in *folder*."""
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=folder,
        env=environ,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )


@pytest.mark.parametrize("page", WITH_PYTHON, ids=_name)
def test_python_runs_as_pasted(page: Path, tmp_path: Path) -> None:
    folder = tmp_path / "empty"
    folder.mkdir()
    hub = FakeHub()
    model = hub.create_model(epochs=3)
    with LoopbackServer(hub) as server:
        hub.root = server.url
        for block in _BLOCK.findall(page.read_text("utf-8")):
            if named := _FILE_NAME.match(block):
                (folder / named[1]).write_text(block, "utf-8")
                continue
            if hub.model(model.id).status == "trained":
                model = hub.create_model(epochs=3)
            ended = _run(["-c", block], folder, _environ(hub, server, model.id, tmp_path / "state"))
            expected = -signal.SIGKILL if "SIGKILL" in block else 0
            assert expected == ended.returncode, f"{block}\n{ended.stdout}\n{ended.stderr}"
        if any(folder.glob("test_*.py")):
            pytest_run = ["-m", "pytest", "-q", "-p", "no:cacheprovider"]
            ended = _run(pytest_run, folder, _environ(hub, server, model.id, tmp_path / "state"))
            assert 0 == ended.returncode, ended.stdout


def test_the_quickstart_delivers_what_the_readme_says(tmp_path: Path) -> None:
    quickstart = _BLOCK.findall((ROOT / "README.md").read_text("utf-8"))[0]
    hub = FakeHub()
    model = hub.create_model(epochs=3)
    with LoopbackServer(hub) as server:
        ended = _run(["-c", quickstart], tmp_path, _environ(hub, server, model.id, tmp_path / "state"))
    assert "3 of 3 metrics and " in ended.stdout
    assert f"delivered to {server.url}/models/{model.id}.\n" in ended.stdout
    assert {0, 1, 2} == set(hub.metrics(model.id))
    assert "trained" == hub.model(model.id).status


def test_the_quickstart_from_the_first_start_of_a_hub(tmp_path: Path) -> None:
    """The lines of the second terminal and the training, with the HUB of the first one: `hubport serve`."""
    readme = (ROOT / "README.md").read_text("utf-8")
    (create,) = [block for block in _SHELL.findall(readme) if "hubport models create" in block]
    bin_folder = Path(sys.executable).parent
    environ = {name: text for name, text in os.environ.items() if not name.startswith(("HUB", "ULTRALYTICS_HUB"))}
    environ |= unmeasured() | {
        "PATH": f"{bin_folder}{os.pathsep}{os.environ['PATH']}",
        "HUBPORT_DATA_DIR": str(tmp_path / "data"),
        "HUBPORT_STATE_DIR": str(tmp_path / "state"),
        "NO_PROXY": "*",
    }
    serve = subprocess.Popen(
        [bin_folder / "hubport", "serve", "--port", "0", "--json"], env=environ, stdout=subprocess.PIPE, text=True
    )
    with serve:
        try:
            assert serve.stdout is not None
            ready = json.loads(serve.stdout.readline())
            environ |= dict.fromkeys(("ULTRALYTICS_HUB_API", "ULTRALYTICS_HUB_WEB"), ready["url"])
            environ |= {"HUB_API_KEY": ready["key"]}
            script = f'{create}\nexec {sys.executable} -c "$TRAINING"'
            ended = subprocess.run(
                ["/bin/sh", "-eu", "-c", script],
                cwd=tmp_path,
                env=environ | {"TRAINING": _BLOCK.findall(readme)[0]},
                capture_output=True,
                text=True,
                timeout=PATIENCE,
                check=False,
            )
        finally:
            serve.terminate()
    assert 0 == ended.returncode, ended.stderr
    assert "train yolov8n.pt with" in ended.stdout
    assert "3 of 3 metrics and " in ended.stdout
    assert f"delivered to {ready['url']}/models/" in ended.stdout
    assert 0 == serve.returncode


@pytest.mark.parametrize("page", PAGES, ids=_name)
def test_links_lead_somewhere(page: Path) -> None:
    links = [link for link in _LINK.findall(page.read_text("utf-8")) if "://" not in link]
    assert [] == [link for link in links if not (page.parent / link).exists()]


def _other_text(field: attrs.Attribute[object]) -> str:
    """A value of *field*'s type that is not its default, as the environment would hold it."""
    if str(field.type) == "float":
        return "7.5"
    if "bool" in str(field.type):
        return "0" if field.default is True else "1"
    if "int" in str(field.type):
        return "7"
    return "https://hub.example" if field.name.endswith("_root") else "other"


def test_the_table_of_settings_is_that_of_the_code() -> None:
    table = {row[0]: row[1:] for row in _SETTING.findall((ROOT / "README.md").read_text("utf-8"))}
    fields = {field.name: field for field in attrs.fields(hubport.Settings)}
    assert list(fields) == list(table)
    default = hubport.Settings.from_env({})
    for name, (variable, shown) in table.items():
        changed = hubport.Settings.from_env({variable: _other_text(fields[name])})
        assert [name] == [other for other in fields if getattr(changed, other) != getattr(default, other)]
        if str(fields[name].type) in {"float", "bool"}:
            assert float(shown) == float(getattr(default, name))
