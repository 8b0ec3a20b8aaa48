"""The contract of a HUB, seen by its clients.

The one rule: whatever lies behind it, memory or a database, in this process or at the other end of a wire, nobody can
tell by its answers.
"""

from __future__ import annotations

from .best_metric import HubBestContract
from .collections import HubShelvesContract
from .downloads import HubFilesContract
from .training import HubSessionContract


class HubContract(HubSessionContract, HubBestContract, HubShelvesContract, HubFilesContract):
    """All of it. Override the fixture ``hub``, which gives a :class:`~.harness.HubUnderTest`."""
