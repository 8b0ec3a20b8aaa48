"""Everything that can be set, in one frozen class.

The one rule: arguments beat environment beats defaults. The HUB has no default: nothing is sent where none is named.
Durations are seconds.
"""

from __future__ import annotations

import math
import os
import re
from collections.abc import Callable, Mapping
from functools import partial
from importlib import metadata
from pathlib import Path
from typing import Any

import attrs

from ..domain.base_url import validate_base_url
from ..domain.client.credentials import redact_optional
from ..domain.client.model_ref import VENDOR_WEB_ROOT, is_vendors
from ..domain.errors import InvalidSettings
from .byte_sizes import parse_size
from .command_name import command
from .user_folders import absolute, no_home, user_folder

_SIZES = "a number of bytes, such as 500MB or 8GiB"
_STATE_DIR = "state_dir (HUBPORT_STATE_DIR)"
VENDOR_API_ROOT = "https://api.ultralytics.com"


def _default_agent() -> str:
    """The old clients' form, ``python-<version>-<where>``."""
    where = "colab" if "COLAB_RELEASE_TAG" in os.environ else "local"
    return f"python-{metadata.version('hubport')}-{where}"


def _default_state_dir() -> Path | None:
    return user_folder("state")


def _default_config_file() -> Path | None:
    """Where ``hubport login`` keeps address and key; ``None`` for a user without a home folder."""
    folder = user_folder("config")
    return None if folder is None else folder / "login.json"


def no_hub(also: str = "") -> InvalidSettings:
    """The error of a call that needs a HUB, where none is named, *also* in another way."""
    return InvalidSettings(
        "the HUB's address",
        f"none is named{also}, so nothing was sent. `{command('login URL')}` keeps address and key for every training "
        "and command of this user; ULTRALYTICS_HUB_API and HUB_API_KEY name them for a shell.\n"
        f"`{command('serve')}` starts a HUB on this machine, and prints both.",
    )


def _config_file(path: str | os.PathLike[str] | None) -> Path | None:
    return None if path is None else absolute(path, setting="config_file (HUBPORT_CONFIG_FILE)")


def _state_dir(path: str | os.PathLike[str] | None) -> Path | None:
    return None if path is None else absolute(path, setting=_STATE_DIR)


def _number(what: str, *, least: float = 0.0) -> Callable[[Any, attrs.Attribute[float], float], None]:
    def check(_: Any, attribute: attrs.Attribute[float], value: float) -> None:
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value) or value < least:
            raise InvalidSettings(attribute.name, f"{value!r} is not a number{what} of at least {least:g}")

    return check


def _rank(_: Any, attribute: attrs.Attribute[int | None], value: object) -> None:
    if value is not None and (isinstance(value, bool) or not isinstance(value, int)):
        raise InvalidSettings(attribute.name, f"{value!r} is not a rank, a whole number from 0")


_seconds = partial(_number, " of seconds")


def _bytes(value: int | str) -> int:
    try:
        return parse_size("" if isinstance(value, bool) else str(value))
    except ValueError:
        raise InvalidSettings("outbox_limit", f"{value!r} is not {_SIZES}") from None


def _yes(text: str) -> bool:
    if text.lower() in {"1", "true", "yes", "on"}:
        return True
    if text.lower() in {"0", "false", "no", "off", ""}:
        return False
    raise ValueError


@attrs.frozen
class _Form:
    """How a field is written in the environment."""

    read: Callable[[str], Any] = str
    expected: str = ""
    variable: str | None = None
    """Its name there; ``None``: ``HUBPORT_`` and the field's."""


_FORM = "form"
_TEXT = _Form()
_NUMBER = {_FORM: _Form(float, "a number")}
_SIZE = {_FORM: _Form(_bytes, _SIZES)}
_RANK = {_FORM: _Form(int, "a rank")}
_FLAG = {_FORM: _Form(_yes, "1 or 0")}
_PATH = {_FORM: _Form(Path)}


def _text(variable: str) -> dict[str, _Form]:
    return {_FORM: _Form(variable=variable)}


@attrs.frozen(kw_only=True)
class Settings:
    """How a session behaves; see each field. A pickle of it holds no key: ``api_key`` is ``None`` where it is read.

    Raises:
        InvalidSettings: (a ``ValueError``) for a value that makes no sense, naming the field.
    """

    api_root: str | None = attrs.field(default=None, metadata=_text("ULTRALYTICS_HUB_API"))
    """Root of every API call: ``ULTRALYTICS_HUB_API``; ``None``: where ``web_root`` is."""
    web_root: str | None = attrs.field(default=None, metadata=_text("ULTRALYTICS_HUB_WEB"))
    """Root of the pages people look at: ``ULTRALYTICS_HUB_WEB``; ``None``: where ``api_root`` is."""
    api_key: str | None = attrs.field(default=None, repr=redact_optional, metadata=_text("HUB_API_KEY"))
    """The key where neither the call nor the identifier gives one: ``HUB_API_KEY``."""
    metrics_interval: float = attrs.field(default=3.0, validator=_seconds(), metadata=_NUMBER)
    """At most one metrics call in so many seconds."""
    checkpoint_interval: float = attrs.field(default=900.0, validator=_seconds(), metadata=_NUMBER)
    """At most one epoch checkpoint in so many seconds."""
    heartbeat_interval: float = attrs.field(default=300.0, validator=_seconds(least=0.1), metadata=_NUMBER)
    """One heartbeat in so many seconds."""
    jitter: float = attrs.field(default=0.5, validator=_number(""), metadata=_NUMBER)
    """The first gap between heartbeats and between checkpoints, and the one after an outage, is longer by up to this
    part, so that runs that began together do not send together for ever."""
    connect_timeout: float = attrs.field(default=5.0, validator=_seconds(), metadata=_NUMBER)
    """How long ``connect`` tries."""
    start_offline: bool = attrs.field(default=False, metadata=_FLAG)
    """Where the HUB gives ``connect`` no answer, go on from what an earlier one has kept of the model."""
    request_timeout: float = attrs.field(default=10.0, validator=_seconds(least=0.001), metadata=_NUMBER)
    """The end of one heartbeat or metrics call."""
    upload_timeout: float = attrs.field(default=3600.0, validator=_seconds(least=0.001), metadata=_NUMBER)
    """The end of one attempt to upload; one that moves nothing for a minute ends sooner."""
    finish_timeout: float = attrs.field(default=3600.0, validator=_seconds(), metadata=_NUMBER)
    """How long ``finish`` waits for the final upload."""
    exit_timeout: float = attrs.field(default=2.0, validator=_seconds(), metadata=_NUMBER)
    """How long ``close``, an exception, or the interpreter's exit wait for what is left."""
    signal_timeout: float = attrs.field(default=5.0, validator=_seconds(), metadata=_NUMBER)
    """How long SIGTERM and SIGINT are held back to send what is left."""
    handle_signals: bool = attrs.field(default=True, metadata=_FLAG)
    """Whether SIGTERM and SIGINT are watched at all."""
    strict: bool = attrs.field(default=False, metadata=_FLAG)
    """Whether a value that cannot be sent raises ``InvalidMetrics``; else it is left out with one warning."""
    rank: int | None = attrs.field(default=None, validator=_rank, metadata=_RANK)
    """The rank of this process in a distributed training: rank 0 alone reports. ``None``: see ``session/rank.py``."""
    state_dir: Path | None = attrs.field(factory=_default_state_dir, converter=_state_dir, metadata=_PATH)
    """Where the outbox lives: ``HUBPORT_STATE_DIR``. ``None`` where the user has no home folder and names no other."""
    outbox_limit: int = attrs.field(default=8 << 30, converter=_bytes, metadata=_SIZE)
    """Bytes that the runs of one model may keep on this machine, checkpoints and all; also as text, ``8GiB``."""
    agent: str = attrs.field(factory=_default_agent)
    """What heartbeats call this client."""
    progress: bool | None = attrs.field(default=None, metadata=_FLAG)
    """Progress bar of the final upload; ``None``: on a terminal and in notebooks."""
    announce: bool = attrs.field(default=True, metadata=_FLAG)
    """Say where the model's page is when a session starts: on stderr, where no logging is configured."""
    allow_plain_http: bool = attrs.field(default=False, metadata=_FLAG)
    """Send the key over http to another machine: ``HUBPORT_ALLOW_PLAIN_HTTP``."""

    config_file: Path | None = attrs.field(default=None, converter=_config_file, metadata=_PATH)
    """Where ``hubport login`` keeps the HUB and the key that are used where these settings name none:
    ``HUBPORT_CONFIG_FILE``. ``None``: nowhere."""

    @property
    def is_named(self) -> bool:
        """Whether these settings say which HUB it is."""
        return self.api_root is not None or self.web_root is not None

    @property
    def hub_root(self) -> str:
        """The root of every API call, of settings that name a HUB.

        Raises:
            InvalidSettings: when they name none.
        """
        if self.api_root is not None:
            return self.api_root
        if self.web_root is not None:
            return VENDOR_API_ROOT if is_vendors(self.web_root) else self.web_root
        raise no_hub()

    @property
    def page_root(self) -> str:
        """The root of its pages. A HUB of one's own has both at one address, the vendor's has not.

        Raises:
            InvalidSettings: when they name none.
        """
        if self.web_root is not None:
            return self.web_root
        return VENDOR_WEB_ROOT if self.api_root == VENDOR_API_ROOT else self.hub_root

    @property
    def outbox_dir(self) -> Path:
        """The outbox's folder: one for each HUB, whose models and keys are not another's.

        Raises:
            InvalidSettings: where there is no ``state_dir``.
        """
        return self.outboxes_dir / self._hub_name

    @property
    def outbox_key(self) -> Path:
        """What tells the outbox from others of this process: its folder, or the HUB's name where it has none."""
        return Path(self._hub_name) if self.state_dir is None else self.outbox_dir

    @property
    def outboxes_dir(self) -> Path:
        """The folder of all outboxes, whichever HUB they are for.

        Raises:
            InvalidSettings: where there is no ``state_dir``.
        """
        if self.state_dir is None:
            raise no_home(_STATE_DIR)
        return self.state_dir / "outbox"

    @property
    def records_dir(self) -> Path | None:
        """Where the HUB's records of its models are kept; ``None``: nowhere."""
        return None if self.state_dir is None else self.state_dir / "records" / self._hub_name

    @property
    def _hub_name(self) -> str:
        return re.sub(r"[^0-9A-Za-z.-]+", "_", self.hub_root)

    def model_url(self, model_id: str) -> str:
        """The page of a model, for people."""
        return f"{self.page_root}/models/{model_id}"

    def __attrs_post_init__(self) -> None:
        for name, setting in (("api_root", "ULTRALYTICS_HUB_API"), ("web_root", "ULTRALYTICS_HUB_WEB")):
            given = getattr(self, name)
            if given is None:
                continue
            # No key is ever sent to the web root, unless it is that of the API as well.
            plain = self.allow_plain_http or (name == "web_root" and self.api_root is not None)
            root = validate_base_url(given, setting=f"{name} ({setting})", allow_plain_http=plain)
            object.__setattr__(self, name, root)

    def __getstate__(self) -> dict[str, Any]:
        return {field.name: getattr(self, field.name) for field in attrs.fields(Settings)} | {"api_key": None}

    def __setstate__(self, state: dict[str, Any]) -> None:
        for name, value in state.items():
            object.__setattr__(self, name, value)

    def __copy__(self) -> Settings:
        return self

    def __deepcopy__(self, memo: object) -> Settings:
        return self

    @classmethod
    def from_env(cls, environ: Mapping[str, str] | None = None, **overrides: Any) -> Settings:
        """The environment's settings, with *overrides* before them.

        ``ULTRALYTICS_HUB_API``, ``ULTRALYTICS_HUB_WEB`` and ``HUB_API_KEY`` are those of the old clients; every other
        field is ``HUBPORT_<FIELD>``. An empty variable counts as unset. Where the HUB is overridden by another one, the
        pages that the environment names are not its.

        Raises:
            InvalidSettings: naming the variable.
        """
        environ = os.environ if environ is None else environ
        found: dict[str, Any] = {"config_file": _default_config_file()} if "config_file" not in overrides else {}
        given, usual = overrides.get("api_root"), environ.get("ULTRALYTICS_HUB_API", "").strip()
        if given is not None and usual and usual.rstrip("/") != given.rstrip("/"):
            overrides.setdefault("web_root", None)
        for field in attrs.fields(cls):
            form: _Form = field.metadata.get(_FORM, _TEXT)
            variable = form.variable or f"HUBPORT_{field.name.upper()}"
            text = environ.get(variable, "").strip()
            if text and field.name not in overrides:
                try:
                    found[field.name] = form.read(text)
                except ValueError:
                    raise InvalidSettings(variable, f"{text!r} is not {form.expected}") from None
        return cls(**found | overrides)
