"""The face for tests, ours and those of teams that embed hubport.

``FakeHub`` and ``FakeClock`` are the whole set-up of most of them::

    clock = FakeClock()
    hub = FakeHub(clock=clock)
    model = hub.create_model(epochs=3)
    with hubport.connect(model.id, api_key=hub.api_key, http=hub, clock=clock) as session:
        hub.down(seconds=600)
        session.log_metrics(0, {"loss": 1.0})
        clock.advance(3600)
    assert {0: {"loss": 1.0}} == hub.metrics(model.id)

The contract classes in :mod:`hubport.testing.contracts` are what every adapter must hold: subclass one for an adapter
of your own. The fixtures in :mod:`hubport.testing.fixtures` keep a test's outbox out of your home folder.
"""

from .fakes.clock import FakeClock
from .fakes.filesystem import FakeFilesystem
from .fakes.hub import FakeHub, Received
from .fakes.model_cache import FakeModelCache
from .fakes.outbox import FakeOutbox
from .fakes.private_file import FakePrivateFile
from .fakes.signals import FakeSignals
from .loopback_server import LoopbackServer

__all__ = [
    "FakeClock",
    "FakeFilesystem",
    "FakeHub",
    "FakeModelCache",
    "FakeOutbox",
    "FakePrivateFile",
    "FakeSignals",
    "LoopbackServer",
    "Received",
]
