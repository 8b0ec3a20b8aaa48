"""Items as JSON, and text as bytes, so that both databases give back what they were given.

The one rule: fields that a later version added are ignored, and fields that an earlier one did not write take their
default.
"""

from __future__ import annotations

import json
from typing import Any, Generic

import cattrs

from ...domain.hub.ports.store import ItemT, folded

_CONVERTER = cattrs.Converter()
#: No text has this byte in it, so that no query is found across it.
_BETWEEN = b"\xff"


class DocumentCodec(Generic[ItemT]):
    """Writes and reads items of one *kind*, an attrs class."""

    def __init__(self, kind: type[ItemT]) -> None:
        self._kind = kind

    def write(self, item: ItemT) -> str:
        """JSON of nothing but ASCII: PostgreSQL takes neither NUL nor half a surrogate pair as they are."""
        return json.dumps(_CONVERTER.unstructure(item), separators=(",", ":"))

    def read(self, document: str) -> ItemT:
        """The item that was written."""
        return _CONVERTER.structure(json.loads(document), self._kind)


def row_of(item: Any, document: str) -> dict[str, Any]:
    """The columns that every repository has."""
    return {"id": item.id, "is_trashed": item.is_trashed, "sought": search_key(item), "document": document}


def search_key(item: Any) -> bytes:
    """What a query is looked for in: the name and the ID."""
    return comparable(item.name) + _BETWEEN + comparable(item.id)


def comparable(text: str) -> bytes:
    """*text* as it is compared: what is part of the text is part of the bytes, and nothing else is.

    Both databases would fold by their locale or their build, and each differently.
    """
    return encoded(folded(text))


def encoded(text: str) -> bytes:
    """Any text at all, also one that came out of broken JSON."""
    return text.encode("utf-8", "surrogatepass")


def decoded(data: bytes) -> str:
    """What was :func:`encoded`."""
    return data.decode("utf-8", "surrogatepass")
