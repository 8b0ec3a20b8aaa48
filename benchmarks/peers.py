"""Who is measured beside hubport, and in which environment each lives.

The one rule: a peer that is not there is named with the reason. It is never left out.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import attrs

ROOT = Path(__file__).parent.parent
_VERSIONS = (
    "import json, sys; from importlib import metadata; "
    "print(json.dumps({d.metadata['Name'].lower(): d.version for d in metadata.distributions()}))"
)


@attrs.frozen
class Peer:
    """A client: its name in the tables, its module in ``benchmarks.clients``, its environment and its package."""

    name: str
    client: str
    environment: str
    """A folder below the root; empty for the interpreter that runs the benchmarks."""
    package: str

    @property
    def python(self) -> Path:
        """The interpreter that has it."""
        return ROOT / self.environment / "bin" / "python" if self.environment else Path(sys.executable)

    @property
    def is_installed(self) -> bool:
        """Whether its environment is complete."""
        return not self.environment or (ROOT / self.environment / ".installed").exists()

    def versions(self) -> dict[str, str]:
        """Everything that its environment holds, by name in lower case."""
        if not self.is_installed:
            return {}
        told = subprocess.run([self.python, "-I", "-c", _VERSIONS], capture_output=True, text=True, check=True)
        found: dict[str, str] = json.loads(told.stdout)
        return found


HUBPORT = Peer("hubport", "hubport_session", "", "hubport")
BARE = Peer("bare append", "bare_append", "", "hubport")
HUB_SDK = Peer("hub-sdk", "hub_sdk_client", ".venv-bench/hub-sdk", "hub-sdk")
ULTRALYTICS = Peer("ultralytics 8.0.100", "ultralytics_2023", ".venv-peer", "ultralytics")
WANDB = Peer("wandb", "wandb_offline", ".venv-bench/wandb", "wandb")
TRACKIO = Peer("trackio", "trackio_local", ".venv-bench/trackio", "trackio")
NEPTUNE = Peer("neptune-scale", "neptune_scale_offline", ".venv-bench/neptune-scale", "neptune-scale")
TENSORBOARDX = Peer("tensorboardX", "tensorboardx_files", ".venv-bench/tensorboardX", "tensorboardx")
REQUESTS = Peer("requests", "requests_files", ".venv-bench/requests", "requests")

MLFLOW = Peer("mlflow server", "", ".venv-bench/mlflow", "mlflow")

CURL = Peer("curl", "", "", "hubport")

PEERS = (HUB_SDK, ULTRALYTICS, WANDB, TRACKIO, NEPTUNE, TENSORBOARDX, REQUESTS, MLFLOW)
"""Those that are not ours."""
LOGGERS = (NEPTUNE, WANDB, TRACKIO, TENSORBOARDX, HUB_SDK, ULTRALYTICS)
"""Those that log metrics."""
