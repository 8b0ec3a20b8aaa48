"""Drive one HUB session, the old client's or ours, step by step, and say what each step did.

Run as a child process, ``python drive_session.py old|new``, by an interpreter that has the client. The parent writes
one JSON line a step and reads one JSON line back, and lets its recording HUB see the requests of a step before it
writes the next: so both clients have sent the same before they are asked for more. Standard output belongs to this
conversation: what a client prints goes to standard error.

The one rule: this file watches from outside. It calls what the trainers of 2023 called, reads attributes, and looks at
the classes of exceptions; it knows nothing of how either client does its work.

=========  ===========================================================================================================
``do``     what happens
=========  ===========================================================================================================
construct  build the session from ``ref``; with ``"thread": "other"`` in a thread that is not the main one
queue      ``session.metrics_queue[epoch] = text``
set        ``setattr(session, name, value)``
call       ``getattr(session, name)(*args, **kwargs)``, and wait for the threads that the old client starts for it,
           except where they are ``endless``; ``{"$path": "x"}`` among the arguments is ``Path("x")``
describe   tell types and values of the attributes ``names``
await      wait until the attribute ``name`` is not None
callback   call the old client's callback ``name`` with a stand-in trainer in ``folder``, first moved to ``epoch``
end        leave as any process does
=========  ===========================================================================================================
"""

from __future__ import annotations

import builtins
import importlib
import json
import os
import sys
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, TextIO

HANG_TIMEOUT = 30.0
"""Seconds after which a wait is called hopeless."""


def _client(which: str) -> Callable[[str], Any]:
    """Import the session class of one of the two clients."""
    if which == "new":
        import hubport

        return hubport.HUBTrainingSession
    import heavy_imports

    heavy_imports.install()
    heavy_imports.keep_on_loopback()
    from ultralytics.hub.session import HUBTrainingSession

    old_client: Callable[[str], Any] = HUBTrainingSession
    return old_client


def _plain(value: Any) -> Any:
    """A value as JSON can carry it; what it cannot carry is described."""
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return f"<{type(value).__name__}>"


def _type(value: Any) -> str:
    """The built-in type that a value is, for callers who check with isinstance."""
    return next((base.__name__ for base in type(value).__mro__ if base.__module__ == builtins.__name__), "object")


def _described(value: Any) -> dict[str, Any]:
    order = list(value) if isinstance(value, dict) else None
    return {"type": _type(value), "value": _plain(value), "order": _plain(order)}


def _without_source(args: threading.ExceptHookArgs) -> None:
    """Report an exception in a client's thread by its name alone: the old client's lines stay unread."""
    sys.stderr.write(f"{args.thread}: {args.exc_type.__name__}: {args.exc_value}\n")


def _raised(exc: BaseException) -> dict[str, Any]:
    """An exception: its own name, its built-in ancestors with the nearest first, and what it says."""
    mro = type(exc).__mro__
    return {
        "type": type(exc).__name__,
        "bases": [base.__name__ for base in mro if base.__module__ == builtins.__name__ and base is not object],
        "message": str(exc),
    }


def _argument(value: Any) -> Any:
    return Path(value["$path"]) if isinstance(value, dict) and "$path" in value else value


class Driver:
    """Holds the session between the steps; one method a step."""

    def __init__(self, which: str) -> None:
        self._client = _client(which)
        self._joins = which == "old"
        self._trainer: Any = None
        self._callbacks: Mapping[str, Callable[[Any], None]] = {}
        self.session: Any = None

    def do(self, step: Mapping[str, Any]) -> Any:
        steps: dict[str, Callable[..., Any]] = {
            "construct": self.construct,
            "queue": self.queue,
            "set": self.assign,
            "call": self.call,
            "describe": self.describe,
            "await": self.wait_for,
            "callback": self.callback,
            "end": lambda: None,
        }
        return steps[step["do"]](**{name: value for name, value in step.items() if name != "do"})

    def construct(self, ref: str, thread: str = "main") -> None:
        outcome: list[BaseException] = []

        def build() -> None:
            try:
                self.session = self._client(ref)
            except BaseException as exc:  # noqa: BLE001 - what became of it is the step's result, whatever it is
                outcome.append(exc)

        if thread == "main":
            build()
        else:
            builder = threading.Thread(target=build)
            builder.start()
            builder.join()
        if outcome:
            raise outcome[0]

    def queue(self, epoch: int, text: str) -> None:
        self.session.metrics_queue[epoch] = text

    def assign(self, name: str, value: Any) -> None:
        setattr(self.session, name, value)

    def call(
        self, name: str, args: Iterable[Any] = (), kwargs: Mapping[str, Any] | None = None, *, endless: bool = False
    ) -> Any:
        before = set(threading.enumerate())
        arguments = [_argument(value) for value in args]
        options = {key: _argument(value) for key, value in (kwargs or {}).items()}
        result = getattr(self.session, name)(*arguments, **options)
        if self._joins and not endless:
            self._join(set(threading.enumerate()) - before)
        return result

    def describe(self, names: Iterable[str]) -> dict[str, Any]:
        return {name: _described(getattr(self.session, name)) for name in names}

    def wait_for(self, name: str) -> None:
        deadline = time.monotonic() + HANG_TIMEOUT
        pause = threading.Event()
        while getattr(self.session, name) is None:  # a foreign object tells nobody when it changes: look again
            if time.monotonic() > deadline:
                raise TimeoutError(f"{name} is still None")
            pause.wait(0.01)

    def callback(self, name: str, folder: str, epoch: int | None = None) -> None:
        before = set(threading.enumerate())
        if self._trainer is None:
            neighbour = importlib.import_module("stand_in_trainer")
            self._callbacks = neighbour.hub_callbacks()
            self._trainer = neighbour.StandInTrainer(self.session, Path(folder))
        if epoch is not None:
            self._trainer.arrive_at(epoch)
        self._callbacks[name](self._trainer)
        if self._joins:
            self._join(set(threading.enumerate()) - before)

    @staticmethod
    def _join(threads: Iterable[threading.Thread]) -> None:
        """Wait for the threads of one call: the old client sends in one that it starts for the purpose."""
        for thread in threads:
            if type(thread) is threading.Thread:  # and no subclass: tqdm's monitor lives as long as the process
                thread.join(HANG_TIMEOUT)


def converse(which: str, heard: TextIO, said: TextIO) -> None:
    """Do the steps that come in, one line each, and answer each with one line."""

    def say(answer: dict[str, Any]) -> None:
        print(json.dumps(answer), file=said, flush=True)

    driver = Driver(which)
    say({"ready": which})
    for line in heard:
        step = json.loads(line)
        try:
            result = driver.do(step)
        except BaseException as exc:  # noqa: BLE001 - the SystemExit of a signal handler is a result like any other
            say({"raised": _raised(exc)})
        else:
            say({"result": result if step["do"] == "describe" else _described(result)})
        if step["do"] == "end":
            return


if __name__ == "__main__":
    with os.fdopen(os.dup(0)) as conversation_in, os.fdopen(os.dup(1), "w") as conversation_out:
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)  # a client that asks for a key finds nobody there
        os.dup2(2, 1)
        threading.excepthook = _without_source
        converse(sys.argv[1], conversation_in, conversation_out)
