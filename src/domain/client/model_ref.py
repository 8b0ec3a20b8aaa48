"""A model's identifier, in all five forms that the clients since 2023 accept.

The one rule: nothing but letters and digits of ASCII ever becomes part of a request's path. (The old clients check the
lengths alone, so twenty characters of ``../`` reach the URL.)

==============================================  ===========================
``<WEB>/models/<ID>``                           every client
``<WEB>/models/<KEY>_<ID>``                     8.0
``<KEY>_<ID>``                                  8.0
``<ID>``                                        8.0
``<WEB>/models/<ID>?api_key=<KEY>``             8.3, a slash at the end too
==============================================  ===========================
"""

from __future__ import annotations

import re
from urllib.parse import SplitResult, parse_qs, urlsplit

import attrs

from ..errors import InvalidModelRef
from .credentials import redact_optional

VENDOR_WEB_ROOT = "https://hub.ultralytics.com"

_KEY = re.compile(r"[0-9A-Za-z]{42}")
_ID = re.compile(r"[0-9A-Za-z]{20}")


def is_model_id(text: str) -> bool:
    """Whether *text* is twenty ASCII letters and digits."""
    return _ID.fullmatch(text) is not None


def web_root_in(text: str) -> str | None:
    """The root that a model's URL lies below: ``https://example.org/hub`` of ``https://example.org/hub/models/<ID>``.

    ``None`` for text that is no URL.

    Raises:
        InvalidModelRef: for a URL that is no model's. The message shows no key.
    """
    if not isinstance(text, str) or "://" not in text:
        return None
    root = _split(text.strip())[0]
    if _KEY.search(root):  # what becomes an address is shown in messages
        raise InvalidModelRef("the model's URL holds a key before /models/")
    return root


def is_vendors(web_root: str) -> bool:
    """Whether *web_root* is the vendor's, whose URLs stand for those of any HUB in trainers of 2023."""
    return web_root.rstrip("/").lower() == VENDOR_WEB_ROOT


def _split(text: str) -> tuple[str, str, SplitResult]:
    """The root, what stands behind ``/models/``, and the parts of a model's URL."""
    try:
        url = urlsplit(text)
        root = f"{url.scheme}://{url.netloc}".lower()
    except ValueError:
        raise InvalidModelRef("the model's URL cannot be read") from None
    if "@" in url.netloc:
        raise InvalidModelRef("the model's URL holds a user name or a password")
    # The path of a root (a HUB behind https://example.org/hub) belongs to what is compared.
    base, slash, name = f"{root}{url.path}".rstrip("/").rpartition("/models/")
    if not slash:
        raise InvalidModelRef("the model's URL has no /models/<ID> in it")
    return base, name, url


def _without_keys(text: str) -> str:
    """*text* where nobody has pasted a key into it."""
    return "another address" if _KEY.search(text) else text


@attrs.frozen
class ModelRef:
    """Which model, and the key where the identifier carried one (``None`` otherwise)."""

    model_id: str
    api_key: str | None = attrs.field(default=None, repr=redact_optional)

    @classmethod
    def parse(cls, text: str, *, web_root: str = VENDOR_WEB_ROOT) -> ModelRef:
        """Read *text*; a URL must lie below *web_root* or the vendor's web root.

        Raises:
            InvalidModelRef: for anything else. The message shows no key.
        """
        if not isinstance(text, str):
            raise InvalidModelRef(f"a model identifier is text, not {type(text).__name__}")
        text = text.strip()
        if not text:
            raise InvalidModelRef("the model identifier is empty")
        if "://" in text:
            return cls._parse_url(text, web_root)
        return cls._parse_name(text)

    @classmethod
    def _parse_url(cls, text: str, web_root: str) -> ModelRef:
        base, name, url = _split(text)
        known = [web_root.rstrip("/"), VENDOR_WEB_ROOT]
        if base.lower() not in [k.lower() for k in known]:
            root = _without_keys(f"{url.scheme}://{url.netloc}".lower())
            raise InvalidModelRef(
                f"the model's URL is on {root}, but this session's HUB is {web_root}: "
                "set ULTRALYTICS_HUB_WEB and ULTRALYTICS_HUB_API for that HUB"
            )
        ref = cls._parse_name(name)
        keys = set(parse_qs(url.query).get("api_key", ()))
        if ref.api_key is not None:
            keys.add(ref.api_key)
        if len(keys) > 1:
            raise InvalidModelRef("the model's URL carries two different keys")
        return cls._checked(keys.pop() if keys else None, ref.model_id)

    @classmethod
    def _parse_name(cls, name: str) -> ModelRef:
        key, underscore, model_id = name.rpartition("_")
        return cls._checked(key if underscore else None, model_id)

    @classmethod
    def _checked(cls, key: str | None, model_id: str) -> ModelRef:
        if not is_model_id(model_id):
            # What stands in the ID's place may be a key pasted alone, so it is described and not shown.
            raise InvalidModelRef(
                f"the model's ID has {len(model_id)} characters"
                if len(model_id) != 20  # noqa: PLR2004 - the protocol's length
                else "the model's ID holds something else than letters and digits"
            )
        if key is not None and _KEY.fullmatch(key) is None:
            raise InvalidModelRef(
                f"the key before the model's ID has {len(key)} characters"
                if len(key) != 42  # noqa: PLR2004
                else "the key before the model's ID holds something else than letters and digits"
            )
        return cls(model_id, key)
