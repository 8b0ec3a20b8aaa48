"""Whether a process that multiprocessing has started is importing the script of the process that started it."""

from __future__ import annotations

import types

import pytest

from hubport.app.process import imports_script

SCRIPT, OTHER = types.ModuleType("__mp_main__"), types.ModuleType("__main__")


@pytest.mark.parametrize(
    ("modules", "expected"),
    [
        ({"__main__": OTHER}, False),  # any process, and a worker whose parent has no script
        ({"__main__": OTHER, "__mp_main__": SCRIPT}, True),
        ({"__main__": SCRIPT, "__mp_main__": SCRIPT}, False),  # it is through: what runs now is the worker's own
        ({}, False),
    ],
)
def test_the_script_becomes_main_when_it_is_through(modules: dict[str, types.ModuleType], expected: bool) -> None:  # noqa: FBT001
    assert expected == imports_script(modules)


def test_it_asks_this_process() -> None:
    assert not imports_script()
