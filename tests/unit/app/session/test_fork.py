"""Whether a process that multiprocessing has started is importing the script of the process that started it."""

from __future__ import annotations

import multiprocessing
import sys
import types

import pytest

from hubport.app.session.fork import imports_script


def test_it_asks_this_process() -> None:
    assert not imports_script()
    assert not imports_script({})


def test_the_mark_is_that_of_multiprocessing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Under which it refuses to start a process: "before the current process has finished its bootstrapping phase"."""
    monkeypatch.setattr(multiprocessing.current_process(), "_inheriting", True, raising=False)

    assert imports_script()
    with pytest.raises(RuntimeError, match="bootstrapping phase"):
        multiprocessing.get_context("spawn").Process(target=print).start()


def test_a_script_that_something_else_runs_as_main_is_no_workers(monkeypatch: pytest.MonkeyPatch) -> None:
    """As ``runpy``, debuggers and launchers do, behind an import of multiprocessing."""
    monkeypatch.setitem(sys.modules, "__mp_main__", types.ModuleType("__mp_main__"))
    monkeypatch.setitem(sys.modules, "__main__", types.ModuleType("__main__"))

    assert not imports_script()
