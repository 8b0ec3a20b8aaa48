"""Drive the later clients, hub-sdk and the session of the last ``ultralytics``, object by object.

Run as a child process by the interpreter that has them. The parent writes one JSON line an order and reads one JSON
line back. Objects keep the names that the parent gives them. Standard output belongs to this conversation.

The one rule: this file watches from outside. It calls what users call and reads attributes; it knows nothing of how the
clients do their work.

========  ============================================================================================================
``do``    what happens
========  ============================================================================================================
new       make an object, ``HUBClient``, ``HUBTrainingSession`` or its ``create_session``, called ``name``
call      call ``method`` of the object ``name``, and wait for the threads that it starts, except where it is
          ``endless``; with ``into`` keep what it gives under that name
put       ``getattr(object, attribute)[key] = value``
read      tell the attribute at the end of ``path``
fetch     download ``url`` into the file ``path`` as trainers do, and tell status and headers
hook      call the client's callback ``hook`` with the trainer called ``name``
end       leave as any process does
========  ============================================================================================================
"""

from __future__ import annotations

import importlib
import json
import os
import sys
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any, TextIO

HANG_TIMEOUT = 30.0
"""Seconds after which a wait is called hopeless."""


def _client(*args: Any) -> Any:
    return importlib.import_module("hub_sdk").HUBClient(*args)


def _session(*args: Any) -> Any:
    return _session_class()(*args)


def _created_session(*args: Any) -> Any:
    return _session_class().create_session(*args)


def _session_class() -> Any:
    importlib.import_module("late_imports").install()
    # Its folders lie, by default, beside the repository that it finds itself in.
    settings = importlib.import_module("ultralytics.utils").SETTINGS
    settings.update({name: str(Path.cwd() / name) for name in ("datasets_dir", "runs_dir", "weights_dir")})
    return importlib.import_module("ultralytics.hub.session").HUBTrainingSession


def _trainer(path: str, session: Any) -> Any:
    """The least that the callbacks want of a trainer: what was asked of an object that records what it is asked."""
    folder = Path(path)
    return SimpleNamespace(
        hub_session=session,
        last=folder / "last.pt",
        best=folder / "best.pt",
        epoch=0,
        epochs=3,
        tloss=0.5,
        metrics={"metrics/mAP50-95(B)": 0.5},
        best_fitness=0.5,
        fitness=0.5,
        args=SimpleNamespace(task="detect", profile=False, imgsz=64),
        label_loss_items=lambda loss, prefix="train": {f"{prefix}/box_loss": loss},
        validator=SimpleNamespace(metrics=SimpleNamespace(results_dict={}), speed={"inference": 1.5}),
        model=SimpleNamespace(parameters=list),
    )


MAKERS: Mapping[str, Callable[..., Any]] = {
    "HUBClient": _client,
    "HUBTrainingSession": _session,
    "create_session": _created_session,
    "trainer": _trainer,
}


def _told(value: Any) -> Any:
    """A value as JSON can carry it; an answer of the HUB by its status and body, what else there is by its type."""
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, Mapping):
        return {str(key): _told(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_told(item) for item in value]
    if hasattr(value, "status_code"):
        return {"status": value.status_code, "body": value.json()}
    return f"<{type(value).__name__}>"


class Driver:
    """Holds the objects between the orders; one method an order."""

    def __init__(self) -> None:
        self._objects: dict[str, Any] = {}

    def new(self, maker: str, name: str, args: list[Any]) -> None:
        arguments = [self._objects[arg["$name"]] if isinstance(arg, dict) and "$name" in arg else arg for arg in args]
        self._objects[name] = MAKERS[maker](*arguments)

    def call(
        self,
        name: str,
        method: str,
        args: list[Any],
        kwargs: Mapping[str, Any],
        into: str | None = None,
        *,
        endless: bool = False,
    ) -> Any:
        before = set(threading.enumerate())
        result = getattr(self._objects[name], method)(*args, **kwargs)
        if not endless:
            _join(before)
        if into is not None:
            self._objects[into] = result
        return _told(result)

    def put(self, name: str, attribute: str, key: Any, value: Any) -> None:
        getattr(self._objects[name], attribute)[key] = value

    def read(self, name: str, path: list[str]) -> Any:
        value = self._objects[name]
        for attribute in path:
            value = getattr(value, attribute)
        return _told(value)

    def fetch(self, url: str, path: str) -> Any:
        requests = importlib.import_module("requests")
        head = requests.head(url, timeout=HANG_TIMEOUT)
        answer = requests.get(url, timeout=HANG_TIMEOUT)
        Path(path).write_bytes(answer.content)
        return {"status": answer.status_code, "head": head.status_code, "length": head.headers["content-length"]}

    def hook(self, name: str, hook: str, epoch: int) -> None:
        before = set(threading.enumerate())
        trainer = self._objects[name]
        trainer.epoch = epoch
        importlib.import_module("ultralytics.utils.callbacks.hub").callbacks[hook](trainer)
        _join(before)


def _join(before: set[threading.Thread]) -> None:
    """Wait for the threads of one call: the client sends in one that it starts for the purpose."""
    for thread in set(threading.enumerate()) - before:
        if type(thread) is threading.Thread:  # and no subclass: tqdm's monitor lives as long as the process
            thread.join(HANG_TIMEOUT)


def _without_source(args: threading.ExceptHookArgs) -> None:
    """Report an exception in a client's thread by its name alone: the client's lines stay unread."""
    sys.stderr.write(f"{args.thread}: {args.exc_type.__name__}: {args.exc_value}\n")


def converse(heard: TextIO, said: TextIO) -> None:
    """Do the orders that come in, one line each, and answer each with one line."""

    def say(answer: dict[str, Any]) -> None:
        print(json.dumps(answer), file=said, flush=True)

    driver = Driver()
    for line in heard:
        order = json.loads(line)
        do = order.pop("do")
        if do == "end":
            say({"result": None})
            return
        try:
            result = getattr(driver, do)(**order)
        except BaseException as exc:  # noqa: BLE001 - a SystemExit is a result like any other
            say({"raised": type(exc).__name__, "message": str(exc)})
        else:
            say({"result": result})


if __name__ == "__main__":
    with os.fdopen(os.dup(0)) as conversation_in, os.fdopen(os.dup(1), "w") as conversation_out:
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)  # a client that asks for a key finds nobody there
        os.dup2(2, 1)
        threading.excepthook = _without_source
        converse(conversation_in, conversation_out)
