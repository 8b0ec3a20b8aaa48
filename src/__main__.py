"""``python -m hubport``: the command ``hubport`` where no script of that name is on the path."""

import sys

from .app.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
