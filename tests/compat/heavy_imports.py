"""Placeholders for the heavy libraries that the old client imports and a HUB session never uses.

``import ultralytics`` of 2023 pulls in torch, torchvision, OpenCV and a plotting stack: gigabytes, none of which a
HUB session touches. ``install()`` puts a finder at the head of ``sys.meta_path`` that answers these imports, and only
these, with modules whose attributes are inert: they can be subclassed, called, added, looped over and used as
decorators.

``keep_on_loopback()`` is the other half: an audit hook that refuses every connection and look-up that leaves this
machine, and every child process. The old client looks for the internet when it is imported, and could look for git and
pip; a test answers "there is none" to all three, wherever it runs.

The one rule: this file knows the names of the heavy libraries and nothing of how the old client uses them.
"""

from __future__ import annotations

import importlib.abc
import importlib.machinery
import ipaddress
import sys
import types
from collections.abc import Iterator, Sequence
from typing import Any

HEAVY = frozenset(
    {
        "IPython",
        "PIL",
        "cv2",
        "matplotlib",
        "numpy",
        "pandas",
        "psutil",
        "scipy",
        "seaborn",
        "sentry_sdk",
        "thop",
        "torch",
        "torchvision",
    }
)
"""Top-level names that are answered with placeholders, submodules included."""

VERSION = "2.0.0"
"""What a placeholder says its version is: new enough that no compatibility shim of the importer starts."""


class _InertType(type):
    """The metaclass of inert classes: a class attribute that was not defined is an inert class too."""

    def __getattr__(cls, name: str) -> Any:
        return _inert(name)


class _Inert(metaclass=_InertType):
    """Stands for any class, function, decorator, context manager or constant of a heavy library."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Take whatever the real thing would have taken."""

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """As a decorator: the decorated object. As a function: something inert."""
        if len(args) == 1 and not kwargs and isinstance(args[0], types.FunctionType | type):
            return args[0]
        return _Inert()

    def __getattr__(self, name: str) -> Any:
        return _inert(name)()

    def __iter__(self) -> Iterator[Any]:
        return iter(())

    def __enter__(self) -> Any:
        return self

    def __exit__(self, *exc: object) -> None:
        """Let exceptions through."""

    def _combined(self, _: Any) -> Any:
        return _Inert()

    __add__ = __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = __truediv__ = __rtruediv__ = _combined


def _inert(name: str) -> Any:
    if name.startswith("__"):  # Python asks for these, and a wrong answer misleads it
        raise AttributeError(name)
    return _InertType(name, (_Inert,), {})


class _InertModule(types.ModuleType):
    """A module that has every attribute."""

    __version__ = VERSION

    def __getattr__(self, name: str) -> Any:
        value = _inert(name)
        setattr(self, name, value)
        return value


class _HeavyFinder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Finds and loads the heavy libraries, and is silent about every other name."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: types.ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        if fullname.partition(".")[0] not in HEAVY:
            return None
        return importlib.machinery.ModuleSpec(fullname, self, is_package=True)

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> types.ModuleType:
        return _InertModule(spec.name)

    def exec_module(self, module: types.ModuleType) -> None:
        """Nothing to run: the module is complete as it was made."""


def install() -> None:
    """Answer the imports of ``HEAVY`` with placeholders from now on."""
    sys.meta_path.insert(0, _HeavyFinder())


def _is_loopback(host: object) -> bool:
    text = host.decode("ascii", "replace") if isinstance(host, bytes) else host
    if text in {None, "", "localhost"}:
        return True
    try:
        return ipaddress.ip_address(str(text)).is_loopback
    except ValueError:
        return False


def _audit(event: str, args: tuple[Any, ...]) -> None:
    if event == "socket.connect" and isinstance(args[1], tuple) and not _is_loopback(args[1][0]):
        raise ConnectionRefusedError(f"kept on loopback: no connection to {args[1][0]}")
    if event in {"socket.getaddrinfo", "socket.gethostbyname"} and not _is_loopback(args[0]):
        raise OSError(f"kept on loopback: no look-up of {args[0]}")
    if event in {"subprocess.Popen", "os.system", "os.posix_spawn"}:
        raise FileNotFoundError(f"no child process here: {args[0]}")


def keep_on_loopback() -> None:
    """Refuse, for the rest of this process, whatever would leave the machine or start another process."""
    sys.addaudithook(_audit)
