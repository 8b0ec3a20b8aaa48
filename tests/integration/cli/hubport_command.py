"""The command ``hubport`` with these arguments."""

import os
import sys

from hubport.app.cli.main import main

# The zygote's own are of the files that it was started with; what is behind them is another one's by now.
sys.stdout, sys.stderr = os.fdopen(1, "w", closefd=False), os.fdopen(2, "w", buffering=1, closefd=False)
sys.exit(main(sys.argv[1:]))
