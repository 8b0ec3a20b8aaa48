"""The real Lightning: SIGTERM to its `fit` is Lightning's, and what was logged is sent meanwhile.

Needs Lightning, in an environment of its own: ``make lightning``.
"""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from hubport.testing.lab import Child
from tests.integration.conftest import TrainerSandbox

_LIGHTNING = Path(__file__).parents[2] / ".venv-lightning"
_SCRIPT = Path(__file__).with_name("children") / "lightning_fit.py"


@pytest.fixture(scope="module")
def python() -> str:
    """The interpreter that has Lightning. That there can be none is a reason to skip; that nobody has tried is not."""
    if (_LIGHTNING / ".installed").exists():
        return str(_LIGHTNING / "bin" / "python")
    if not (_LIGHTNING / ".tried").exists():
        pytest.fail(f"{_LIGHTNING.name}, the environment of the training by Lightning, is missing: `make lightning`")
    pytest.skip(f"Lightning cannot be installed here: {(_LIGHTNING / '.why-not').read_text().strip()}")


def signalled(child: Child) -> tuple[int, list[str]]:
    """What it says when each of its two trainings gets SIGTERM, and how it ends."""
    said = []
    for _ in range(2):
        while (line := child.line()) != "ready":
            said.append(line)
        child.signal(signal.SIGTERM)
    said += child.rest()
    return child.end(), said


@pytest.mark.slow
def test_sigterm_ends_the_training_as_without_us(site: TrainerSandbox, python: str) -> None:
    environment = {"HUBPORT_METRICS_INTERVAL": "3600", "OMP_NUM_THREADS": "1"}
    ours, without = (
        signalled(site.command([python, str(_SCRIPT), site.model_id, who], **environment))
        for who in ("with", "without")
    )
    assert without == ours
    assert "finally" in ours[1]
    assert 0 == ours[0]
    assert 0 in site.hub.metrics(site.model_id)
    assert [] == site.spools()
