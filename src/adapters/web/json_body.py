"""A JSON body.

The one rule: what it yields can be written as JSON again.
"""

from __future__ import annotations

import json
import math
from typing import Any, NoReturn

from ...domain.hub.api.messages import ApiError


def parse_json(body: bytes) -> Any:
    """What *body* says; ``None`` when it is empty.

    Raises:
        ApiError: when it is no JSON (RFC 8259) in UTF-8.
    """
    if not body:
        return None
    try:
        return _DECODER.decode(body.decode())
    except RecursionError:
        raise ApiError(400, "the body is nested too deeply") from None
    except ValueError as exc:
        raise ApiError(400, f"the body is no JSON: {str(exc)[:200]}") from exc


def _no_number(text: str) -> NoReturn:
    raise ValueError(f"{text} is no number in JSON: send null")


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"{text[:40]} is beyond what a double can hold")
    return number


_DECODER = json.JSONDecoder(parse_constant=_no_number, parse_float=_finite)
