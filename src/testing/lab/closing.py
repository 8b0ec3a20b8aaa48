"""What a test opens and closes.

The one rule: a test that has failed says why; what its clean-up then fails for says less, and is not raised.
"""

from __future__ import annotations

import abc
from types import TracebackType
from typing import TypeVar

C = TypeVar("C", bound="Closeable")


class Closeable(abc.ABC):
    """A context manager that is closed at its end."""

    @abc.abstractmethod
    def close(self) -> None:
        """Give everything back."""

    def __enter__(self: C) -> C:  # noqa: PYI019 - typing.Self came with 3.11
        return self

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self.close()
        except BaseException:
            if exc is None:
                raise
