"""``hubport status`` on a terminal of any width: no line is longer."""

from __future__ import annotations

import fcntl
import os
import pty
import struct
import sys
import termios

import pytest

from hubport.app.cli.main import main
from hubport.domain.terminal_text import width
from tests.integration.conftest import TrainerSandbox
from tests.integration.left_overs import killed


@pytest.mark.parametrize("columns", [60, 80, 120, 200])
def test_no_line_of_a_status_wraps(site: TrainerSandbox, columns: int) -> None:
    """The reason and the folder may: a narrow terminal gets a block of lines, in which nothing is cut."""
    model_id = killed(site)
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 50, columns, 0, 0))
    with os.fdopen(slave, "w") as stdout, pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "stdout", stdout)
        patch.setenv("COLUMNS", str(columns))  # of the terminal that a process has from its beginning, and pytest none
        for name in ("ULTRALYTICS_HUB_API", "HUBPORT_STATE_DIR"):
            patch.setenv(name, site.environment()[name])
        assert 0 == main(["status"])
    said = os.read(master, 1 << 16).decode().replace("\r\n", "\n")
    os.close(master)

    table = said.partition("\n\nIn ")[0].splitlines()
    assert max(map(width, table)) <= columns
    assert model_id in said
    assert ("STATE    waiting" in said) is (columns < 80)
