"""Where this user's files go, and what a path is that was given for them.

The one rule: a user may have no home folder (a container with an arbitrary user, a service). Nothing fails for it but
what needs a folder and was given none.
"""

from __future__ import annotations

import os
from pathlib import Path

from ..domain.errors import InvalidSettings


def user_folder(kind: str) -> Path | None:
    """The folder of hubport's own files of this *kind* (``state``, ``data``, ``config``); ``None`` without a home."""
    import platformdirs  # noqa: PLC0415 - only who needs the default pays for the import

    try:
        folder: Path = getattr(platformdirs, f"user_{kind}_path")("hubport")
    except RuntimeError:  # it finds no home; older versions of it give "~/..." back instead
        return None
    return folder if folder.is_absolute() else None


def absolute(path: str | os.PathLike[str], *, setting: str) -> Path:
    """Where *path* is now: a trainer may change its folder later.

    Raises:
        InvalidSettings: naming the *setting*, when it begins with ``~`` and there is no home, or when it is relative to
            a folder that is gone.
    """
    try:
        return Path(path).expanduser().absolute()
    except (RuntimeError, FileNotFoundError):
        raise InvalidSettings(
            setting, f"{os.fspath(path)!r} is relative to a folder that does not exist: give an absolute path"
        ) from None


def no_home(setting: str) -> InvalidSettings:
    """The error where a folder is needed, none is given by *setting*, and there is no home."""
    return InvalidSettings(setting, "this user has no home folder: name a folder that this user can write to")
