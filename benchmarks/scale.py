"""How large a run is.

The one rule: a smaller scale measures the same things with fewer repetitions and smaller files, so that every table
has its rows at every scale.
"""

from __future__ import annotations

import attrs

MIB = 1 << 20


@attrs.frozen(kw_only=True)
class Scale:
    """Sizes and repetitions of one run. Times are seconds, sizes are bytes."""

    name: str
    call_rounds: int
    calls: int
    """Back to back, in one block."""
    paced_calls: int
    kills: int
    hold_rounds: int
    hold_bytes: int
    uploads: tuple[tuple[int, int], ...]
    """Sizes and how often each is sent."""
    crowd_seconds: float
    """How long the threads of a client are watched in an outage."""
    import_rounds: int
    exit_rounds: int
    exit_guard: float
    """After this a process that does not end is killed."""
    fleets: tuple[int, ...]
    fleet_hours: float
    day_rounds: int
    outage_seconds: float
    serve_rounds: int
    serve_seconds: float
    """How long posts are counted, with each number of connections."""
    serve_bytes: int


FULL = Scale(
    name="full",
    call_rounds=3,
    calls=2000,
    paced_calls=300,
    kills=5,
    hold_rounds=5,
    hold_bytes=256 * MIB,
    uploads=((512 * MIB, 3), (2048 * MIB, 1)),
    crowd_seconds=10.0,
    import_rounds=11,
    exit_rounds=2,
    exit_guard=30.0,
    fleets=(1000, 10000),
    fleet_hours=2.0,
    day_rounds=5,
    outage_seconds=60.0,
    serve_rounds=3,
    serve_seconds=1.5,
    serve_bytes=512 * MIB,
)

QUICK = Scale(
    name="quick",
    call_rounds=2,
    calls=500,
    paced_calls=100,
    kills=2,
    hold_rounds=2,
    hold_bytes=64 * MIB,
    uploads=((128 * MIB, 2),),
    crowd_seconds=3.0,
    import_rounds=3,
    exit_rounds=1,
    exit_guard=10.0,
    fleets=(200,),
    fleet_hours=2.0,
    day_rounds=1,
    outage_seconds=10.0,
    serve_rounds=2,
    serve_seconds=2.0,
    serve_bytes=128 * MIB,
)

SMOKE = Scale(
    name="smoke",
    call_rounds=1,
    calls=20,
    paced_calls=5,
    kills=1,
    hold_rounds=1,
    hold_bytes=1 * MIB,
    uploads=((1 * MIB, 1),),
    crowd_seconds=0.2,
    import_rounds=1,
    exit_rounds=1,
    exit_guard=10.0,
    fleets=(5,),
    fleet_hours=2.0,
    day_rounds=1,
    outage_seconds=0.5,
    serve_rounds=1,
    serve_seconds=0.2,
    serve_bytes=2 * MIB,
)

SCALES = {scale.name: scale for scale in (FULL, QUICK, SMOKE)}
