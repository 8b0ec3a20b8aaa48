"""One epoch's values, made JSON-safe, and how two batches merge.

The one rule: what is written here is JSON (RFC 8259) that every parser takes. NaN and the infinities become ``null``.

An epoch's values are either a *mapping*, as :meth:`TrainingSession.log_metrics` collects them: two of them add up, the
newest wins for a name; or *text*, as a trainer of 2023 wrote them into ``metrics_queue``: it replaces what was there.
"""

from __future__ import annotations

import contextlib
import json
import math
import operator
from collections.abc import Mapping
from typing import TypeAlias

from .errors import InvalidMetrics

Scalar: TypeAlias = "float | int | str | bool | None"
EpochValues: TypeAlias = "dict[str, Scalar] | str"

# Exact types, so that the subclasses that numpy makes of float are converted and not trusted.
_PLAIN = frozenset({str, bool, type(None)})
# Beyond a double's range a HUB's parser reads infinity, and Python refuses to print integers of 4,300 digits.
_LONGEST_INT = 1023
_LONGEST_DIGITS = 308
_SHOWN_BITS = 64
#: What the databases of HUBs can hold. Steps of some trainers are nanoseconds since 1970, which have 19 digits.
LARGEST_EPOCH = 2**63 - 1


def sanitize(values: object) -> tuple[dict[str, Scalar], list[InvalidMetrics]]:
    """The *values* that JSON can hold, and an error for each of the others. Never raises. See :func:`json_safe`."""
    safe: dict[str, Scalar] = {}
    errors: list[InvalidMetrics] = []
    if not isinstance(values, Mapping):
        return safe, [_no_mapping(values)]
    try:
        for name, value in values.items():
            try:
                safe |= json_safe({name: value})
            except InvalidMetrics as error:
                errors.append(error)
    except Exception as exc:  # noqa: BLE001 - the mapping is the trainer's own class
        errors.append(_unreadable("metrics", values, exc))
    return safe, errors


def json_safe(values: Mapping[str, object]) -> dict[str, Scalar]:
    """*values* with each number as JSON can hold it.

    Python numbers, text, booleans and ``None`` pass; scalars of numpy, torch and the like are asked for their
    ``item()``; NaN and the infinities become ``None``.

    Raises:
        InvalidMetrics: (a ``TypeError``) for a name that is no text, or a value that is no number or text.
    """
    if not isinstance(values, Mapping):
        raise _no_mapping(values)
    try:
        return _json_safe(values)
    except InvalidMetrics:
        raise
    except Exception as exc:
        raise _unreadable("metrics", values, exc) from exc


def _no_mapping(values: object) -> InvalidMetrics:
    return InvalidMetrics("metrics", f"a mapping of names to numbers is needed, not {type(values).__name__}")


def _unreadable(name: str, value: object, exc: Exception) -> InvalidMetrics:
    return InvalidMetrics(name, f"{type(value).__name__} cannot be read: {type(exc).__name__}")


def _json_safe(values: Mapping[str, object]) -> dict[str, Scalar]:
    safe: dict[str, Scalar] = {}
    for name, value in values.items():
        if type(name) is not str:
            name = _name(name)  # noqa: PLW2901 - the same name, as plain text
        kind = type(value)
        if kind is float:
            safe[name] = value if math.isfinite(value) else None  # type: ignore[arg-type,assignment]
        elif kind in _PLAIN:
            safe[name] = value  # type: ignore[assignment]
        elif kind is int:
            safe[name] = _whole(name, value)  # type: ignore[arg-type]
        else:
            safe[name] = _converted(name, value)
    return safe


def _name(name: object) -> str:
    if isinstance(name, str):
        return str.__str__(name)  # the text itself: a member of an enumeration would show its own name
    try:
        shown = repr(name)
    except Exception:  # noqa: BLE001 - the class is the trainer's own
        shown = type(name).__name__
    raise InvalidMetrics(shown, f"a metric's name is text, not {type(name).__name__}")


def _whole(name: str, value: int) -> int:
    if value.bit_length() > _LONGEST_INT:
        raise InvalidMetrics(name, f"an integer of {value.bit_length()} bits is beyond what JSON's readers can hold")
    return value


def _converted(name: str, value: object) -> Scalar:
    """What a number that is not one of Python's plain ones is worth."""
    try:
        value = _item(value)
    except (TypeError, ValueError, RuntimeError):
        raise InvalidMetrics(
            name, f"{type(value).__name__} holds more than one value (or none): log one number for each name"
        ) from None
    except Exception as exc:
        raise _unreadable(name, value, exc) from exc
    if isinstance(value, bool | None):
        return value
    if isinstance(value, str):
        return str.__str__(value)
    if isinstance(value, bytes | bytearray | memoryview):
        raise InvalidMetrics(name, f"{type(value).__name__} is neither a number nor text: decode it before logging")
    if isinstance(value, int):
        return _whole(name, int(value))
    try:
        number = float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError):
        raise InvalidMetrics(
            name, f"a metric is a number or text, not {type(value).__name__}: convert it before logging"
        ) from None
    except Exception as exc:
        raise _unreadable(name, value, exc) from exc
    return number if math.isfinite(number) else None


def _item(value: object) -> object:
    """The one number that an array of numpy, torch and the like holds; *value* itself where it is no array."""
    item = getattr(value, "item", None)
    return item() if callable(item) else value


def number(name: str, value: object) -> float | None:
    """*value* as a float, for what can be nothing else than a number; NaN, infinities and ``None`` are ``None``.

    Raises:
        InvalidMetrics: naming *name*, when it is no number.
    """
    safe = json_safe({name: value})[name]
    if isinstance(safe, str):
        raise InvalidMetrics(name, f"a number is needed, not the text {safe!r}")
    return None if safe is None else float(safe)


def epoch_number(epoch: object) -> int:
    """*epoch* as a plain int: an integer of any library, or a float that is whole, such as ``3.0``.

    Raises:
        InvalidMetrics: when it is no whole number from 0 to :data:`LARGEST_EPOCH`.
    """
    if type(epoch) is int and 0 <= epoch <= LARGEST_EPOCH:
        return epoch
    number = _whole_number(epoch)
    if number is None:
        shown = f"{epoch!r}" if type(epoch) is float else type(epoch).__name__
        raise InvalidMetrics("epoch", f"a whole number is needed, not {shown}")
    if not 0 <= number <= LARGEST_EPOCH:
        shown = f"{number}" if number.bit_length() <= _SHOWN_BITS else f"an integer of {number.bit_length()} bits"
        raise InvalidMetrics("epoch", f"epochs count from 0 to {LARGEST_EPOCH}, not {shown}")
    return number


def _whole_number(value: object) -> int | None:
    """*value* as an int where it is one, or a float without a fraction."""
    try:
        return operator.index(value)  # type: ignore[arg-type]
    except Exception:  # noqa: BLE001 - the class is the trainer's own
        with contextlib.suppress(Exception):
            number = _item(value)
            # Text is no number here: `float` would read it.
            if not isinstance(number, str | bytes | bytearray) and (real := float(number)).is_integer():  # type: ignore[arg-type]
                return int(real)
    return None


def flag(name: str, value: object) -> bool:
    """*value* as a bool.

    Raises:
        InvalidMetrics: naming *name*, when it is neither true nor false, such as an array of two.
    """
    try:
        return bool(value)
    except Exception as exc:
        raise InvalidMetrics(name, f"true or false is needed, not {type(value).__name__}") from exc


def from_text(text: str) -> str:
    """A trainer's own JSON text with NaN and infinities as ``null``; as it is when it holds none, or is no JSON."""
    nulls: list[str] = []

    def finite(digits: str) -> float | None:
        number = float(digits)
        if math.isfinite(number):
            return number
        nulls.append(digits)
        return None

    def whole(digits: str) -> int | float | None:
        return int(digits) if len(digits) <= _LONGEST_DIGITS else finite(digits)

    try:
        parsed = json.loads(text, parse_constant=finite, parse_float=finite, parse_int=whole)
    except (ValueError, RecursionError):
        return text
    return json.dumps(parsed) if nulls else text


def merged(older: EpochValues | None, newer: EpochValues) -> EpochValues:
    """Both batches of one epoch as one: mappings add up, text replaces and is replaced."""
    if isinstance(older, dict) and isinstance(newer, dict):
        return {**older, **newer}
    return newer


def to_text(values: EpochValues) -> str:
    """The JSON text that the protocol carries inside its JSON."""
    return values if isinstance(values, str) else json.dumps(values)
