"""An extra that cannot be used: not installed, or installed and broken.

The one rule: the two have different remedies, so that each is told by its own name.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib import metadata

from ..domain.errors import CallerError

#: The modules that each extra brings.
_MODULES: Mapping[str, frozenset[str]] = {
    "demo": frozenset({"sklearn", "numpy", "scipy", "joblib", "threadpoolctl"}),
    "hub": frozenset({"alembic", "cattrs", "multipart", "sqlalchemy", "uvicorn"}),
    "s3": frozenset({"boto3", "botocore"}),
}
_LONGEST_REASON = 200


class ExtraMissing(CallerError, ImportError):
    """What *purpose* needs is not installed: the extra *extra* brings it."""

    def __init__(self, extra: str, purpose: str) -> None:
        super().__init__(extra, purpose)
        self.extra, self.purpose = extra, purpose

    def __str__(self) -> str:
        return f"{self.purpose} needs more than a session does: pip install 'hubport[{self.extra}]'"


class ExtraBroken(CallerError, ImportError):
    """What *purpose* needs is installed and cannot be imported: *reason* says why, *remedy* what to do."""

    def __init__(self, purpose: str, reason: str, remedy: str) -> None:
        super().__init__(purpose, reason, remedy)
        self.purpose, self.reason, self.remedy = purpose, reason, remedy

    def __str__(self) -> str:
        return f"what {self.purpose} needs is installed and cannot be imported ({self.reason}): {self.remedy}"


@contextmanager
def from_extra(extra: str, purpose: str) -> Iterator[None]:
    """What is imported in the block is brought by *extra*, which may be several: ``hub,s3``.

    Raises:
        ExtraMissing: when it is not installed.
        ExtraBroken: when it is, and its import fails, with whatever exception.
    """
    try:
        yield
    except Exception as exc:
        modules = frozenset().union(*(_MODULES[name] for name in extra.split(",")))
        missing = _missing_module(exc)
        if missing in modules:
            raise ExtraMissing(extra, purpose) from exc
        raise ExtraBroken(purpose, _one_line(exc), _remedy(extra, exc)) from exc


def _missing_module(exc: BaseException | None) -> str | None:
    """The module that was not found, where *exc* came of that. One with a dot is part of a package that is there."""
    while exc is not None:
        if isinstance(exc, ModuleNotFoundError):
            return exc.name
        exc = exc.__cause__
    return None


def _remedy(extra: str, exc: BaseException) -> str:
    if "multipart" in str(exc) and (version := _shadow()) is not None:
        return (
            f"python-multipart {version} takes the name of the module that multipart brings: "
            "pip install --upgrade 'python-multipart>=0.0.16'"
        )
    return (
        "the versions do not fit together: "
        f"pip install --upgrade --upgrade-strategy eager 'hubport[{extra}]', best in an environment of its own"
    )


def _shadow() -> str | None:
    """The version of a python-multipart that provides a package ``multipart`` of its own."""
    providers: Sequence[str] = metadata.packages_distributions().get("multipart", ())
    name = next((name for name in providers if name.lower().replace("_", "-") == "python-multipart"), None)
    return None if name is None else metadata.version(name)


def _one_line(exc: BaseException) -> str:
    text = " ".join(str(exc).split())
    return f"{type(exc).__name__}: {text[:_LONGEST_REASON]}" if text else type(exc).__name__
