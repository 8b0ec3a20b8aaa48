"""One epoch's metrics as a HUB holds them: JSON text, and what becomes of two.

The one rule: two JSON objects are merged by name, and of each name the newest value counts. So nothing that a HUB has
taken is lost, whatever client sends it and in however many posts, and a post that comes twice changes nothing.

Text that is no JSON object has no names: it replaces what was there, and is replaced.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from ..metrics import from_text

#: Characters of an epoch that was merged: as many as the body of one call may have bytes.
LONGEST = 16 << 20


class EpochTooLarge(ValueError):
    """The metrics of *epoch* would grow beyond :data:`LONGEST`."""

    def __init__(self, epoch: int) -> None:
        super().__init__(epoch)
        self.epoch = epoch

    def __str__(self) -> str:
        return (
            f"epoch {self.epoch} has {LONGEST} characters of metrics already, which is all that an epoch may have: "
            "log with a number that counts up, or fewer names"
        )


def merged(older: str | None, newer: str) -> str:
    """Both as one: *older* as it is where *newer* says nothing new, and *newer* where there is nothing to merge."""
    if older is None or older == newer:
        return newer
    try:
        before, after = _object(older), _object(newer)
        if before is None or after is None:
            return newer
        text = json.dumps(before | after)
        # Compared as text: 1, 1.0 and true are equal to Python, and NaN is not equal to itself.
        return older if text == json.dumps(before) else text
    except RecursionError:  # nested thousands deep: nothing that has a name to be shown by
        return newer


def merge(held: dict[int, str], new: Mapping[int, str]) -> None:
    """Put the epochs *new* into *held*, all of them or none.

    Raises:
        EpochTooLarge: when one would become too large. What comes in one post alone is as large as the post may be.
    """
    found = {epoch: merged(held.get(epoch), text) for epoch, text in new.items()}
    for epoch, text in found.items():
        if len(text) > max(LONGEST, len(held.get(epoch, "")), len(new[epoch])):
            raise EpochTooLarge(epoch)
    held.update(found)


def _object(text: str) -> dict[str, Any] | None:
    """The JSON object in *text*. NaN and infinities of old clients stay, and are written as they came."""
    try:
        found = json.loads(text)
    except ValueError:
        # An integer of so many digits that Python does not read it makes no loss of the other names.
        replace_unstorable = from_text(text)
        return None if replace_unstorable is text else _object(replace_unstorable)
    return found if isinstance(found, dict) else None
