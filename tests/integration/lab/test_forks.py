"""Forks at bad moments, and the locks that make them bad."""

from __future__ import annotations

import sys
import textwrap
from pathlib import Path

import pytest

from hubport.testing.lab import HANG_TIMEOUT, Child
from hubport.testing.lab.sandbox import Sandbox, bare_environment


def said_by(code: str, folder: Path) -> tuple[list[str], str]:
    """What a process says that runs *code* and may fork: this one has threads of pytest's and of other tests."""
    script = folder / "script.py"
    script.write_text(textwrap.dedent(code))
    env = {name: text for name, text in bare_environment().items() if not name.startswith("COVERAGE")}
    with Child.run([sys.executable, "-W", "ignore", str(script)], env, folder / "errors") as child:
        return child.rest(), child.stderr


@pytest.mark.parametrize(
    ("work", "status"),
    [
        ("lambda: None", 0),
        ("lambda: 1 / 0", 1),
        ("lambda: os._exit(7)", 7),
        ("lambda: os.abort()", -6),
        ("lambda: sys.exit(5)", 1),
        ("lambda: threading.Event().wait()", 1),
    ],
)
def test_how_a_child_ended_is_told(tmp_path: Path, work: str, status: int) -> None:
    timeout = 0.5 if "wait()" in work else HANG_TIMEOUT
    code = f"""
        import os, sys, threading
        from hubport.testing.lab.processes.forks import forked
        print(forked({work}, timeout={timeout}), flush=True)
    """
    said, complaints = said_by(code, tmp_path)
    assert [str(status)] == said
    if "wait()" in work:
        assert "Timeout" in complaints
        assert "threading.py" in complaints
    elif "1 / 0" in work:
        assert "ZeroDivisionError" in complaints


def test_a_child_may_leave_through_the_interpreters_end(tmp_path: Path) -> None:
    code = """
        import atexit, os, sys
        from hubport.testing.lab.processes.forks import forked
        atexit.register(lambda: os.write(1, b"at exit\\n"))
        print(forked(lambda: None), forked(lambda: None, leave=sys.exit), flush=True)
        os._exit(0)
    """
    assert ["at exit", "0 0"] == said_by(code, tmp_path)[0]


def test_a_held_lock_is_held_in_the_child_for_ever(tmp_path: Path) -> None:
    """So that a child which takes it hangs: the instrument finds what it is for."""
    code = """
        import threading
        from hubport.testing.lab.processes.forks import forked, held
        lock = threading.Lock()
        again = threading.RLock()
        for one in (lock, again):
            with held(one):
                print(one.acquire(blocking=False), forked(lambda: one.acquire(), timeout=0.3), forked(lambda: None))
            print(one.acquire(blocking=False), flush=True)
    """
    assert ["False 1 0", "True"] * 2 == said_by(code, tmp_path)[0]


def test_the_locks_of_a_session_are_found(tmp_path: Path) -> None:
    from hubport.testing.lab.processes.forks import locks_of

    with Sandbox(tmp_path) as site, site.connect() as session:
        found = set(locks_of(session=session))
        # Those that the architecture names, and one of urllib3's.
        for name in ("_closing", "_group.lock", "counters._lock", "_lock", "mutex"):
            assert [one for one in found if one.endswith(name)], found
        assert len(found) >= 6
