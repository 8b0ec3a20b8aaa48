"""What an upload is, and which one supersedes which.

The one rule: among epoch checkpoints the newest wins; a final one is never given up for another.
"""

from __future__ import annotations

from enum import Enum
from typing import Any

import attrs


class CheckpointKind(str, Enum):
    """Why a checkpoint is sent; the value is the protocol's ``type``."""

    EPOCH = "epoch"
    FINAL = "final"

    @property
    def part_name(self) -> str:
        """Field name and file name of the file part."""
        return "best.pt" if self is CheckpointKind.FINAL else "last.pt"


#: The end-of-central-directory record of a zip lies within so many bytes of its end: its 22, and the longest comment.
ZIP_TAIL = 22 + 65_535


def is_cut_zip(head: bytes, tail: bytes) -> bool:
    """Whether a file begins like a zip, as what ``torch.save`` writes does, and lacks the end of one.

    *head* are its first bytes, *tail* its last :data:`ZIP_TAIL`.
    """
    return head.startswith(b"PK\x03\x04") and b"PK\x05\x06" not in tail


@attrs.frozen
class Checkpoint:
    """A snapshot that waits to be sent: ``path`` is ours, ``size`` in bytes, ``map`` the mAP50-95 of a final one.

    ``number`` names it within its run's journal.
    """

    number: int = attrs.field(validator=attrs.validators.instance_of(int))
    epoch: int = attrs.field(validator=attrs.validators.instance_of(int))
    kind: CheckpointKind = attrs.field(validator=attrs.validators.instance_of(CheckpointKind))
    path: str = attrs.field(validator=attrs.validators.instance_of(str))
    size: int = attrs.field(validator=attrs.validators.instance_of(int))
    is_best: bool = False
    map: float | None = None

    def supersedes(self, other: Checkpoint) -> bool:
        """Whether *other*, offered before this one, need not be sent any more. An empty file makes nothing needless."""
        return other.kind is CheckpointKind.EPOCH and self.size > 0

    def fields(self) -> dict[str, str]:
        """The text fields of the form, in the order of the old clients."""
        fields = {"epoch": str(self.epoch), "type": self.kind.value}
        if self.kind is CheckpointKind.FINAL:
            return fields | {"map": str(0.0 if self.map is None else self.map)}
        return fields | {"isBest": str(self.is_best)}

    def as_json(self) -> dict[str, Any]:
        """What the journal holds of it; :meth:`from_json` reads it back."""
        return attrs.asdict(self) | {"kind": self.kind.value}

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Checkpoint:
        """Read what :meth:`as_json` wrote.

        Raises:
            TypeError, ValueError: when it is something else.
        """
        # A later version of ours may have written more than this one knows.
        known = {field.name: data[field.name] for field in attrs.fields(cls) if field.name in data}
        return cls(**known | {"kind": CheckpointKind(data.get("kind"))})
