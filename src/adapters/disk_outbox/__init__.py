"""The outbox in a folder: an append-only journal for each run, and the run's checkpoints beside it.

The one rule: a spool has one owner, and whoever cannot be sure that it is dead leaves the spool alone.
"""

from .outbox import DiskOutbox
from .spool import DiskSpool

__all__ = ["DiskOutbox", "DiskSpool"]
