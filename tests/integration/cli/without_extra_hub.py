"""A machine without what the extra ``hub`` brings: the command ``hubport`` with these arguments."""

import sys
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from types import ModuleType


class NotInstalled(MetaPathFinder):
    def find_spec(self, name: str, path: Sequence[str] | None, target: ModuleType | None = None) -> None:
        if name.partition(".")[0] in {"alembic", "boto3", "cattrs", "multipart", "psycopg", "sqlalchemy", "uvicorn"}:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)


sys.meta_path.insert(0, NotInstalled())

from hubport.app.cli.main import main  # noqa: E402

sys.exit(main(sys.argv[1:]))
