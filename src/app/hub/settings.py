"""Where a HUB of one's own keeps what, and how it is reached.

The one rule: nothing is made or opened here, and what may hold a password is in no repr.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import attrs

from ...domain.base_url import validate_base_url
from ...domain.errors import InvalidSettings
from ...domain.hosts import is_loopback
from ..user_folders import absolute, no_home, user_folder

SERVE_PORT = 8421
DATA_DIR, DATABASE, BLOBS = "HUBPORT_DATA_DIR", "HUBPORT_DATABASE", "HUBPORT_BLOBS"

_DATA_DIR = f"{DATA_DIR} (--data-dir)"
_DATABASE_FILE = "hub.sqlite3"
_SQLITE = "sqlite:///"
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://")
_WILDCARDS = frozenset({"", "0.0.0.0", "::"})  # noqa: S104 - what is refused without being asked for


def _user_data_dir() -> Path:
    folder = user_folder("data")
    if folder is None:
        raise no_home(_DATA_DIR)
    return folder


def _absolute(path: str | os.PathLike[str]) -> Path:
    return absolute(path, setting=_DATA_DIR)


@attrs.frozen(kw_only=True)
class HubSettings:
    """How a HUB is served; see each field.

    Raises:
        InvalidSettings: (a ``ValueError``) for what makes no sense, or is not safe, naming the option.
    """

    data_dir: Path = attrs.field(factory=_user_data_dir, converter=_absolute)
    """The HUB's own folder on this machine, for this user alone: ``HUBPORT_DATA_DIR``."""
    database: str | None = attrs.field(default=None, repr=False)
    """URL of the store, ``HUBPORT_DATABASE``; ``None``: SQLite in the folder."""
    blobs: str | None = attrs.field(default=None, repr=False)
    """Where checkpoints and datasets lie, ``HUBPORT_BLOBS``: a folder, or ``s3://...``; ``None``: in the folder."""
    host: str = "127.0.0.1"
    """The address to listen on."""
    port: int = SERVE_PORT
    """The port; 0 takes a free one."""
    allow_remote: bool = False
    """Listen where other machines can reach it."""
    keep: int = 5
    """How many epoch checkpoints of a model stay, beside the best and the final one."""
    rate_limit: int = 6000
    """Calls a minute that one key may make."""
    max_upload: int = 64 << 30
    """Bytes of the largest file that is taken."""
    url: str | None = None
    """The address under which clients reach it, where something stands in front of it."""

    def __attrs_post_init__(self) -> None:
        if not self.allow_remote and not is_loopback(self.host):
            raise InvalidSettings(
                f"--host {self.host or repr('')}",
                "other machines reach this address: if they should, say --allow-remote; they need a key",
            )
        if self.url is not None:
            object.__setattr__(self, "url", validate_base_url(self.url, setting="--url", allow_plain_http=True))
        scheme = _SCHEME.match(self.blobs or "")
        if scheme is not None and scheme[1] != "s3":  # or else it would be taken for a folder of that name
            raise InvalidSettings(
                f"{BLOBS} (--blobs)",
                f"files cannot lie at a {scheme[1][:20]}:// address: give a folder, or s3://bucket/prefix",
            )

    @property
    def database_file(self) -> Path | None:
        """The SQLite file in the folder, unless the database is elsewhere."""
        return None if self.database else self.data_dir / _DATABASE_FILE

    @property
    def database_url(self) -> str:
        """Where the store is. What follows ``sqlite:///`` is a path, to the letter: ``%``, ``?`` and ``#`` too."""
        return self.database or f"{_SQLITE}{self.database_file}"

    @property
    def misplaced_database(self) -> Path | None:
        """The file in which an earlier version kept this database, where it is not where it should be.

        It took a path for a URL, in which SQLAlchemy from 2.1 on read ``%2F`` as ``/``.
        """
        if not self.database_url.startswith(_SQLITE):
            return None
        file = Path(self.database_url.removeprefix(_SQLITE))
        decoded = Path(unquote(str(file)))
        if decoded == file or file.exists() or not decoded.is_file():
            return None
        # A server has noted its address beside it: it is the database of that folder, and not of ours.
        is_theirs = self.database is None and (decoded.parent / self.address_file.name).exists()
        return None if is_theirs else decoded

    @property
    def blobs_location(self) -> str:
        """A folder, or a URL."""
        return self.blobs or str(self.data_dir / "blobs")

    @property
    def spool(self) -> Path:
        """Where a file lies while it comes in, when it is not kept on this machine."""
        return self.data_dir / "incoming"

    @property
    def address_file(self) -> Path:
        """Where the last server has noted its address."""
        return self.data_dir / "address"

    @property
    def lock_file(self) -> Path:
        """What servers of one folder lock while the first key is made."""
        return self.data_dir / "start.lock"

    @property
    def is_here(self) -> bool:
        """Whether there is a HUB to work on without a server: its database is named, or lies in the folder.

        Raises:
            InvalidSettings: when this user may not look into the folder.
        """
        try:
            is_file = self.database_file is None or self.database_file.is_file()
            return is_file or self.misplaced_database is not None
        except OSError as exc:
            raise InvalidSettings(
                _DATA_DIR, f"{self.data_dir} cannot be read ({exc.strerror}): name a folder that this user can read"
            ) from exc

    @property
    def is_remote(self) -> bool:
        """Whether other machines reach what listens."""
        return not is_loopback(self.host)

    def address(self, listening: str, machine: str) -> str:
        """What clients call the HUB that listens at *listening*, on the *machine* of this name."""
        if self.url is not None:
            return self.url
        return f"http://{machine}:{listening.rpartition(':')[2]}" if self.host in _WILDCARDS else listening

    @classmethod
    def from_env(cls, environ: Mapping[str, str] | None = None, **options: Any) -> HubSettings:
        """The environment's settings, with those of *options* that are not ``None`` before them.

        A *data_dir* among the options is a HUB of its own: ``HUBPORT_DATABASE`` and ``HUBPORT_BLOBS`` are not for it.

        Raises:
            InvalidSettings: naming the option.
        """
        environ = os.environ if environ is None else environ
        given = {name: value for name, value in options.items() if value is not None}
        variables = {"data_dir": DATA_DIR}
        if "data_dir" not in given:
            variables |= {"database": DATABASE, "blobs": BLOBS}
        found = {name: environ.get(variable, "").strip() for name, variable in variables.items()}
        return cls(**{name: text for name, text in found.items() if text} | given)
