"""The agents of a model: the clients whose heartbeats a HUB has received for it, one for each run.

The one rule: heartbeats are ordered by their number, never by the wall clock, which somebody may set back. The clock
tells only how long an agent has been silent.
"""

from __future__ import annotations

import attrs

from ..run_end import EndKind, RunEnd
from ..run_state import RunState

#: A run that was silent for so many seconds is shown as disconnected, as the vendor did.
SILENCE = 900.0
#: Agents that are remembered of a model: those heard of last.
MOST_AGENTS = 16


def is_recent(at: float | None, now: float) -> bool:
    """Whether *at* is less than :data:`SILENCE` seconds from *now*, both in unix seconds.

    An instant from further in the future was noted by a clock that was wrong, and proves nothing.
    """
    return at is not None and abs(now - at) < SILENCE


@attrs.frozen
class Agent:
    """One client of a model.

    ``name`` is what it calls itself. ``first`` and ``last`` are the numbers of its first and its newest heartbeat
    among all of the model; ``last_seen`` is when the newest came, in unix seconds. ``end`` is what it has said of its
    end.
    """

    id: str
    name: str | None
    first: int
    last: int
    last_seen: float
    end: RunEnd | None = None


@attrs.frozen
class Agents:
    """``known`` are ordered by their newest heartbeat, oldest first."""

    known: tuple[Agent, ...] = ()

    @property
    def newest(self) -> Agent | None:
        """The one that was heard of last."""
        return self.known[-1] if self.known else None

    def find(self, agent_id: str) -> Agent | None:
        """The agent with this ID."""
        return next((agent for agent in self.known if agent.id == agent_id), None)

    def with_heartbeat(self, agent_id: str, name: str | None, *, at: float, end: RunEnd | None = None) -> Agents:
        """The same after a heartbeat of the agent *agent_id*, known or not. Beyond :data:`MOST_AGENTS` the oldest go.

        A heartbeat that says no *end* takes back one that was said: a trainer may survive an interrupt.
        """
        number = 1 if self.newest is None else self.newest.last + 1
        held = self.find(agent_id)
        agent = Agent(agent_id, name, number if held is None else held.first, number, at, end)
        others = tuple(other for other in self.known if other.id != agent_id)
        return Agents((*others, agent)[-MOST_AGENTS:])

    def is_alive(self, agent: Agent, now: float) -> bool:
        """Whether *agent* still runs, as far as a HUB can know at *now*.

        One that was silent since another began is taken for its dead predecessor: a run that was killed and started
        again within minutes is one run. Where both live, the next heartbeat of the older one says so.
        """
        is_replaced = any(other.first > agent.last for other in self.known)
        return agent.end is None and not is_replaced and is_recent(agent.last_seen, now)

    def living(self, now: float) -> tuple[Agent, ...]:
        """Those that still run at *now*."""
        return tuple(agent for agent in self.known if self.is_alive(agent, now))

    def state_of(self, agent: Agent, now: float) -> RunState:
        """The state of one agent's run at *now*."""
        if agent.end is not None:
            return RunState.FAILED if agent.end.kind is EndKind.FAILED else RunState.STOPPED
        return RunState.TRAINING if self.is_alive(agent, now) else RunState.DISCONNECTED
