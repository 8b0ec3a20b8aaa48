"""What ``import hubport`` does to the process that does it: next to nothing."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from hubport.testing.lab.sandbox import bare_environment
from tests.integration.conftest import TrainerSandbox

CHILD = Path(__file__).with_name("children") / "imports_hubport.py"
SESSION = {"requests", "urllib3", "dependency_injector", "tqdm", "structlog"}
EXTRAS = {"sklearn", "numpy", "alembic", "boto3", "cattrs", "multipart", "psycopg", "sqlalchemy", "uvicorn"}


def test_importing_starts_opens_and_configures_nothing() -> None:
    done = subprocess.run(
        [sys.executable, "-X", "dev", "-W", "error", "-B", CHILD],
        env=bare_environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert (0, "") == (done.returncode, done.stderr)
    result = json.loads(done.stdout)
    assert result["before"] == result["after"]
    assert [] == result["seen"]
    imported = set(result["modules"])
    assert "hubport" in imported
    assert set() == imported & (SESSION | EXTRAS)


def test_a_session_works_without_scikit_learn_and_the_demo_says_what_it_lacks(site: TrainerSandbox) -> None:
    child = site.start("without_sklearn", "demo", "--epochs", 1)
    assert "trained" == child.line()
    assert [] == child.rest()
    assert 1 == child.end()
    (line,) = child.stderr.splitlines()
    lacks = "the demo, which trains with scikit-learn, needs more than a session does"
    assert f"hubport: {lacks}: pip install 'hubport[demo]'" == line
    assert [0] == list(site.hub.metrics(site.model_id))
