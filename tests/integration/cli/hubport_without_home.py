"""The command ``hubport`` with these arguments, as a user whom the system does not know and who has no home."""

import os
import sys

import requests  # noqa: F401 - the user may not be able to read the interpreter's own folders

from hubport.app.cli.main import main

SOMEBODY = 12345

# The zygote's own are of the files that it was started with; what is behind them is another one's by now.
sys.stdout, sys.stderr = os.fdopen(1, "w", closefd=False), os.fdopen(2, "w", buffering=1, closefd=False)
os.chdir("/")
for name in (
    "HOME",
    "HUBPORT_STATE_DIR",
    "HUBPORT_DATA_DIR",
    *(name for name in os.environ if name.startswith("XDG_")),
):
    os.environ.pop(name, None)
os.setgroups([])
os.setresgid(SOMEBODY, SOMEBODY, SOMEBODY)
os.setresuid(SOMEBODY, SOMEBODY, SOMEBODY)
status = main(sys.argv[1:])
sys.stdout.flush()
sys.stderr.flush()
# At a usual exit coverage would write into the folder of the user who measures.
os._exit(status)
