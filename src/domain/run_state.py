"""The one word for the state of a run or a model, wherever it is shown."""

from __future__ import annotations

from enum import Enum


class RunState(str, Enum):
    """A model has any of these; a single run is training, stopped, failed or disconnected."""

    NEW = "new"
    """No run has ever shown itself, and no checkpoint is stored."""
    TRAINING = "training"
    """A run is alive, with or without a checkpoint."""
    STOPPED = "stopped"
    """The newest run said that it was closed; the model has no final checkpoint."""
    FAILED = "failed"
    """The newest run said that an exception ended it."""
    DISCONNECTED = "disconnected"
    """The newest run has been silent for 15 minutes, without having said that it ends."""
    TRAINED = "trained"
    """A final checkpoint is stored, whatever runs came after it."""
