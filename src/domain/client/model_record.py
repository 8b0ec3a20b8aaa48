"""What the HUB says of a model: the ``data`` of ``GET /v1/models/<ID>``.

The one rule: the record is kept whole in ``raw``, and only what a session decides on is checked here, so that a HUB
that adds a field breaks nobody.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

import attrs

from ..errors import InvalidModelRecord
from .model_ref import is_model_id


@attrs.frozen
class ModelRecord:
    """A model as the HUB holds it.

    ``raw`` is the record as it came, and the source of everything beyond ``id`` and ``status``.
    """

    id: str
    status: str
    raw: Mapping[str, Any] = attrs.field(repr=False)

    @classmethod
    def from_data(cls, data: object, *, asked_for: str) -> ModelRecord:
        """Read *data*; a record without ``id`` is that of the model *asked_for*.

        Raises:
            InvalidModelRecord: when *data* is no object, its ``id`` cannot be one, or ``status`` is missing.
        """
        if not isinstance(data, Mapping) or not data:
            raise InvalidModelRecord("data", "is missing from the answer")
        model_id = data.get("id") or asked_for
        if not isinstance(model_id, str) or not is_model_id(model_id):
            raise InvalidModelRecord("id", "is not 20 letters and digits")
        status = data.get("status")
        if not isinstance(status, str) or not status:
            raise InvalidModelRecord("status", "is missing")
        return cls(model_id, status, dict(data))

    def for_keeping(self, scrubbed: Callable[[str], str]) -> dict[str, Any]:
        """``raw`` without what may be a secret: users and queries of addresses, and what *scrubbed* takes out.

        Raises:
            RecursionError: for a record of many hundred levels.
        """
        kept: dict[str, Any] = _cleaned(dict(self.raw), scrubbed)
        return kept


def _cleaned(value: Any, scrubbed: Callable[[str], str]) -> Any:
    if isinstance(value, str):
        return scrubbed(_ADDRESS.sub(r"\1\2", value))
    if isinstance(value, Mapping):
        return {_cleaned(str(name), scrubbed): _cleaned(part, scrubbed) for name, part in value.items()}
    return [_cleaned(part, scrubbed) for part in value] if isinstance(value, list) else value


# Scheme, user, host and path, query and fragment.
_ADDRESS = re.compile(r"(https?://)(?:[^\s/?#]*@)?([^\s?#]*)(?:[?#]\S*)?", re.IGNORECASE)
