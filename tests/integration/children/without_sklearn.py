"""A machine without scikit-learn: a session works, and the command ``hubport`` with the arguments that follow."""

import os
import sys
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from types import ModuleType


class NotInstalled(MetaPathFinder):
    def find_spec(self, name: str, path: Sequence[str] | None, target: ModuleType | None = None) -> None:
        if name.partition(".")[0] in {"sklearn", "numpy", "scipy"}:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)


sys.meta_path.insert(0, NotInstalled())

import hubport  # noqa: E402
from hubport.app.cli.main import main  # noqa: E402

with hubport.connect(sys.argv[1]) as session:
    session.log_metrics(0, {"loss": 1.0})
    assert session.flush(timeout=60)
os.write(1, b"trained\n")
sys.exit(main(sys.argv[2:]))
