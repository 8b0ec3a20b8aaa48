"""An hour without the HUB at a hundred records a second: on the disk, and not in memory."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.integration.adapters.child_process import output, unmeasured

SECONDS, RECORDS = 3600, 100

OUTAGE = """
    import json, logging, sys

    import hubport
    from hubport.testing import FakeClock, FakeHub


    class Wire:
        # Leads to the HUB, or nowhere: what a HUB keeps of all that it ever received is no part of this.

        def __init__(self, hub):
            self.hub, self.is_cut, self.tries = hub, False, 0

        def send(self, request, *, timeout):
            self.tries += self.is_cut
            if self.is_cut:
                raise hubport.HubUnreachable("the wire", "it is cut")
            alive()
            return self.hub.send(request, timeout=timeout)

        def close(self):
            self.hub.close()


    logging.getLogger("hubport").setLevel(logging.ERROR)
    seconds, records = int(sys.argv[1]), int(sys.argv[2])
    clock = FakeClock()
    hub = FakeHub(clock=clock)
    model, wire = hub.create_model(), Wire(hub)
    settings = hubport.Settings(state_dir=sys.argv[3], handle_signals=False)


    def alive():
        print("alive", flush=True)


    def resident():
        with open("/proc/self/statm") as statm:
            return int(statm.read().split()[1]) * 4096


    def log(session, second):
        for number in range(records):
            session.log_metrics(second, {f"n{number}": second + number / 7})
        clock.advance(1)
        if second % 100 == 0:
            alive()


    with hubport.connect(model.id, api_key=hub.api_key, http=wire, clock=clock, settings=settings) as session:
        for second in range(60):  # whatever is loaded or grows at first
            log(session, second)
        wire.is_cut, before = True, resident()
        for second in range(60, 60 + seconds):
            log(session, second)
        wire.is_cut, grown = False, resident() - before
        session.flush(timeout=36000)
        report = session.close()
    held = hub.metrics(model.id)
    whole = sum(held[second] == {f"n{n}": second + n / 7 for n in range(records)} for second in range(60 + seconds))
    print(json.dumps({"grown": grown, "tries": wire.tries, "epochs": whole, "report": report.as_json()}))
"""


@pytest.mark.slow
def test_an_hour_without_the_hub_at_a_hundred_records_a_second_needs_no_memory_and_loses_nothing(
    tmp_path: Path,
) -> None:
    found = json.loads(output(OUTAGE, SECONDS, RECORDS, tmp_path, **unmeasured()).splitlines()[-1])

    assert found["grown"] < 10_000_000
    assert 60 < found["tries"] < 1200  # it was tried again and again, and not each second
    assert SECONDS + 60 == found["epochs"]
    assert found["report"]["is_complete"]
    assert (SECONDS + 60) * RECORDS == found["report"]["metrics"]["delivered"]
    assert not list(tmp_path.rglob("journal"))
