"""The parts of a client's body, each checked before anything is made of it.

The one rule: what is taken from here can be stored by every store and sent to every client: text is Unicode without NUL
and lone surrogates, numbers are whole and bounded.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from ...metrics import LARGEST_EPOCH
from ..storable_text import is_plain

#: Trainers call a model, its data and its weights by their paths.
LONGEST_NAME = 1000
LONGEST_META = 65_536
LARGEST = 1_000_000_000
_LONGEST_EPOCH = len(str(LARGEST_EPOCH))
#: Python reads and writes what is nested hundreds deep, or does not, depending on who asks it to.
DEEPEST = 64
_WHOLE = re.compile(rf"-?[0-9]{{1,{len(str(LARGEST))}}}")


def object_field(body: Any, name: str) -> Mapping[str, Any]:
    """The object *name*; empty where it is missing or ``null``.

    Raises:
        ValueError: when it is something else.
    """
    found = body.get(name)
    if found is None:
        return {}
    if not isinstance(found, Mapping):
        raise ValueError(f"{name} is {_kind(found)}, not an object")  # noqa: TRY004 - the caller's JSON, not his type
    return found


def name_of(body: Mapping[str, Any], where: str) -> str | None:
    """The text ``<where>.name``; ``None`` where it is missing or empty.

    Raises:
        ValueError: when it is something else, or longer than 1000 characters.
    """
    return text(object_field(body, where).get("name"), f"{where}.name")


def text(value: Any, what: str, *, longest: int = LONGEST_NAME) -> str | None:
    """*value* as it is; ``None`` for nothing and for an empty text.

    Raises:
        ValueError: when it is no text, or none that every store can hold.
    """
    if value is None:
        return None
    if not isinstance(value, str):
        raise ValueError(f"{what} is {_kind(value)}, not text")  # noqa: TRY004
    if len(value) > longest:
        raise ValueError(f"{what} has {len(value)} characters, more than {longest}")
    if not is_plain(value):
        raise ValueError(f"{what} holds characters that cannot be stored: NUL, or half of a surrogate pair")
    return value or None


def setting(config: Mapping[str, Any], name: str) -> str:
    """As text, whatever it came as: the number 0 is the first device, and no device is none.

    Trainers write Python's ``None`` and ``False`` as text, which as a ``cache`` other trainers would take for a yes.

    Raises:
        ValueError: when it cannot be stored.
    """
    value = config.get(name)
    if isinstance(value, Mapping | list):
        raise ValueError(f"config.{name} is {_kind(value)}, not text")  # noqa: TRY004
    written = text(str(value), f"config.{name}") or ""
    return "" if written in {"None", "False"} else written


def flag(body: Mapping[str, Any], name: str, *, default: bool) -> bool:
    """What *name* says, true or false.

    Raises:
        ValueError: when it says something else.
    """
    value = body.get(name, default)
    if not isinstance(value, bool):
        raise ValueError(f"{name} is neither true nor false")  # noqa: TRY004
    return value


def count(config: Mapping[str, Any], name: str, default: int) -> int:
    """The :func:`integer` number *name*; *default* where it is missing, ``null`` or empty.

    Raises:
        ValueError: when it is none.
    """
    value = config.get(name)
    return default if value is None or value == "" else integer(value, f"config.{name}")


def integer(value: Any, what: str) -> int:
    """A whole number; clients send some as text.

    Raises:
        ValueError: when it is none, or beyond a thousand million.
    """
    if isinstance(value, str) and _WHOLE.fullmatch(value):
        value = int(value)
    if isinstance(value, float) and value.is_integer():
        value = int(value)  # 3.0 is a whole number in JSON
    if isinstance(value, bool) or not isinstance(value, int) or abs(value) > LARGEST:
        shown = repr(value)
        raise ValueError(f"{what} is {shown[:40]}, not a whole number up to {LARGEST}")
    return value


def meta_of(body: Mapping[str, Any], held: Mapping[str, Any]) -> Mapping[str, Any]:
    """The owner's own JSON, what is *held* of it and what the body adds, without the name, which is kept apart.

    Raises:
        ValueError: when it is no object, cannot be stored, is longer than 64 KiB as JSON, or nested more than 64 deep.
    """
    found = {**held, **{name: value for name, value in object_field(body, "meta").items() if name != "name"}}
    if _is_deeper(found, DEEPEST):
        raise ValueError(f"meta is nested more than {DEEPEST} deep")
    written = json.dumps(found, ensure_ascii=False, allow_nan=False)
    if len(written) > LONGEST_META:
        raise ValueError(f"meta has {len(written)} characters as JSON, more than {LONGEST_META}")
    # An escaped backslash before u0000 is text that is only about NUL.
    if "\\u0000" in written.replace("\\\\", "") or not is_plain(written):
        raise ValueError("meta holds characters that cannot be stored: NUL, or half of a surrogate pair")
    return found


def epoch_of(value: str) -> int:
    """The number of an epoch, or of a revision.

    Raises:
        ValueError: when it is no number from 0 to :data:`LARGEST_EPOCH` in plain digits.
    """
    # Its length first: Python refuses to read thousands of digits.
    is_number = value.isascii() and value.isdigit() and len(value) <= _LONGEST_EPOCH
    if not is_number or int(value) > LARGEST_EPOCH:
        raise ValueError(f"an epoch is a number from 0 to {LARGEST_EPOCH} in plain digits, not {value[:40]!r}")
    return int(value)


def _is_deeper(value: Any, deepest: int) -> bool:
    level = [value]
    for _ in range(deepest):
        level = [
            inside
            for outside in level
            if isinstance(outside, Mapping | list)
            for inside in (outside.values() if isinstance(outside, Mapping) else outside)
        ]
    return any(isinstance(value, Mapping | list) for value in level)


def _kind(value: Any) -> str:
    if value is None:
        return "null"
    kinds: dict[type, str] = {dict: "an object", list: "an array", str: "text", bool: "a boolean"}
    return kinds.get(type(value), "a number")
