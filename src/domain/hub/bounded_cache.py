"""What was used last, and no more of it than fits.

The one rule: threads may share it without a lock. Each of its steps is one of the interpreter's, and nothing is ever
taken out only to be put back: somebody else would not find it in between.
"""

from __future__ import annotations

from collections import OrderedDict
from contextlib import suppress
from typing import Generic, TypeVar

import attrs

T = TypeVar("T")


@attrs.define
class BoundedCache(Generic[T]):
    """The values of the *most* keys that were put last."""

    most: int
    _values: OrderedDict[str, T] = attrs.field(factory=OrderedDict, init=False, repr=False)

    def get(self, key: str) -> T | None:
        """The value of *key*; ``None`` where it was never put, or is forgotten."""
        return self._values.get(key)

    def put(self, key: str, value: T) -> None:
        """Make *value* that of *key*, and forget whatever was put longest ago."""
        self._values[key] = value
        with suppress(KeyError):  # another thread, which has just put others, has forgotten it
            self._values.move_to_end(key)
            if len(self._values) > self.most:
                self._values.popitem(last=False)
