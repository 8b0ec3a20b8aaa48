"""From the HUB's record to what the trainer is told: its arguments, and the file to start from.

The one rule: the derivation of the 2023 client, less its crashes. Every field that a record lacks is named.

==========  =============================================================  ==========================================
status      train arguments                                                model file
==========  =============================================================  ==========================================
new         batch (else batch_size), epochs, imgsz, patience, device,      cfg, else weights with old names corrected
            cache, data
training    data, ``resume=True``                                          resume
trained     ``AlreadyTrained``
==========  =============================================================  ==========================================
"""

from __future__ import annotations

from typing import Any

import attrs

from ..errors import AlreadyTrained, DatasetNotReady, InvalidModelRecord
from .model_record import ModelRecord
from .weights import corrected_weights

# For these the HUB's null is an answer ("you choose"); for the others it is a hole.
_NULLABLE = frozenset({"device", "cache", "patience"})
_HYPERPARAMETERS = ("epochs", "imgsz", "patience", "device", "cache")


@attrs.frozen
class TrainPlan:
    """The trainer's keyword arguments and the model file: a name, a path or a URL."""

    train_args: dict[str, Any]
    model_file: str

    @classmethod
    def of(cls, record: ModelRecord, *, model_url: str) -> TrainPlan:
        """Derive the plan of *record*.

        Raises:
            AlreadyTrained: the status is ``trained``.
            DatasetNotReady: ``data`` is empty.
            InvalidModelRecord: the status is unknown, or a field that the plan needs is missing.
        """
        if record.status == "trained":
            raise AlreadyTrained(model_url)
        if record.status not in {"new", "training"}:
            raise InvalidModelRecord("status", f"is {record.status!r}, not 'new', 'training' or 'trained'")
        data = _field(record, "data", default="")
        if not data:
            raise DatasetNotReady(model_url)
        if record.status == "training":
            return cls({"data": data, "resume": True}, _text(record, "resume"))
        batch = _field(record, "batch", default=None)
        if batch is None:
            batch = _required(record, "batch_size", named="batch")
        args = {"batch": batch} | {name: _required(record, name) for name in _HYPERPARAMETERS} | {"data": data}
        if _field(record, "cfg", default=None):
            return cls(args, _text(record, "cfg"))
        return cls(args, corrected_weights(_text(record, "weights")) or "")


_MISSING: Any = object()


def _field(record: ModelRecord, name: str, *, default: Any = _MISSING) -> Any:
    """The flat field that 8.0 reads, else the same of ``train_args``, which 8.3 reads: a HUB may send either."""
    if name in record.raw:
        return record.raw[name]
    nested = record.raw.get("train_args")
    return nested.get(name, default) if isinstance(nested, dict) else default


def _required(record: ModelRecord, name: str, *, named: str | None = None) -> Any:
    value = _field(record, name)
    if value is _MISSING or (value is None and name not in _NULLABLE):
        raise InvalidModelRecord(named or name, "is missing")
    return value


def _text(record: ModelRecord, name: str) -> str:
    value = _field(record, name)
    if value is _MISSING or value is None or value == "":
        raise InvalidModelRecord(name, f"is missing, though the status is {record.status!r}")
    if not isinstance(value, str):
        raise InvalidModelRecord(name, f"is {type(value).__name__}, not text")
    return value
