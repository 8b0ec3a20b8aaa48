"""What every adapter of a port must hold: one class for each port, to be subclassed for an adapter of your own.

The one rule: a contract knows the port and nothing of the adapter. It never asks how fast something was, and what it
needs of the outside comes through fixtures and methods that the subclass overrides::

    class TestTapeOutbox(OutboxContract):
        @pytest.fixture
        def outbox(self, tmp_path):
            return TapeOutbox(tmp_path)

The classes need pytest, which hubport itself does not install. A contract that is not met fails as any test does; where
an adapter holds a thread for ever, that is after half a minute of real time.
"""

import pytest

# Before the imports below: so that a failing assertion says in a subclass, too, what it compared.
pytest.register_assert_rewrite(
    *(
        f"{__name__}.{module}"
        for module in (
            "blob_reading",
            "blobs",
            "clock",
            "filesystem",
            "http",
            "hub",
            "hub_store",
            "model_cache",
            "outbox",
            "private_file",
            "signals",
        )
    )
)

from .blobs import BlobsContract  # noqa: E402
from .clock import ClockContract  # noqa: E402
from .filesystem import FilesystemContract  # noqa: E402
from .http.contract import HttpContract  # noqa: E402
from .hub.contract import HubContract  # noqa: E402
from .hub_store.contract import HubStoreContract  # noqa: E402
from .model_cache import ModelCacheContract  # noqa: E402
from .outbox.contract import OutboxContract  # noqa: E402
from .private_file import PrivateFileContract  # noqa: E402
from .signals import SignalsContract  # noqa: E402

__all__ = [
    "BlobsContract",
    "ClockContract",
    "FilesystemContract",
    "HttpContract",
    "HubContract",
    "HubStoreContract",
    "ModelCacheContract",
    "OutboxContract",
    "PrivateFileContract",
    "SignalsContract",
]
