"""What the heartbeat worker does: it says that the run is alive, and in the end that it ends.

The one rule: the end is said at most once, and nobody waits for it where the HUB does not answer.
"""

from __future__ import annotations

from ....domain.client.outcome import Outcome, Verdict
from ....domain.client.protocol import other_agents
from ....domain.run_end import RunEnd
from .hub_endpoint import HubEndpoint


class HeartbeatSender:
    """Sends heartbeats, and adopts the name that the HUB gives to this run.

    A heartbeat has *timeout* seconds, the last one *end_timeout*.
    """

    def __init__(self, endpoint: HubEndpoint, *, agent: str, timeout: float, end_timeout: float) -> None:
        self._endpoint = endpoint
        self._agent = agent
        self._timeout = timeout
        self._end_within = min(timeout, end_timeout)
        self._is_end_said = False
        self._told: set[str] = set()
        self.agent_id: str | None = None
        self.end: RunEnd | None = None

    @property
    def has_more(self) -> bool:
        """Whether there is a next one: always, until the end is said."""
        return not self._is_end_said

    def say(self, end: RunEnd | None) -> None:
        """From the next heartbeat on say *end*; with ``None`` go on after all."""
        # In this order: a heartbeat that is under way sees the new end, or another object than the one that it said.
        self._is_end_said = False
        self.end = end

    def run(self) -> Outcome:
        """One heartbeat."""
        self._endpoint.counters.add("heartbeats", "logged")
        end = self.end
        result = self._endpoint.send(
            lambda hub: hub.heartbeat(self._endpoint.model_id, agent=self._agent, agent_id=self.agent_id, end=end),
            timeout=self._timeout if end is None else self._end_within,
        )
        if result.verdict is Verdict.DELIVERED:
            self._endpoint.counters.add("heartbeats", "delivered")
            given = result.data.get("agentId") if isinstance(result.data, dict) else None
            self.agent_id = given if isinstance(given, str) and given else self.agent_id
            if end is None:
                self._tell_of_others(result.data)
        if end is not None and end is self.end and result.verdict in {Verdict.DELIVERED, Verdict.REJECTED}:
            self._is_end_said = True
        return result

    def _tell_of_others(self, data: object) -> None:
        """Say once of each other trainer that it is there. Who is only perhaps alive is worth no warning."""
        for other in other_agents(data):
            word = "alive" if other.is_alive else "silent"
            if len(self._told) >= _MOST_TOLD or (told := f"{word} {other.id}") in self._told:
                continue
            self._told.add(told)
            if other.is_alive:
                self._endpoint.log.warning(
                    "model.another_trainer",
                    agent=other.id,
                    client=other.name,
                    heard=f"{other.silence:.0f} s ago",
                    consequence="both write into this model, and overwrite the epochs of each other",
                    remedy="end one of them, or give it a model of its own",
                )
            else:
                self._endpoint.log.info(
                    "model.earlier_run",
                    agent=other.id,
                    client=other.name,
                    heard=f"{other.silence:.0f} s ago",
                    consequence="none if it is dead; if it still runs, its next heartbeat brings a warning",
                )


#: A HUB that names ever more agents does not fill the log.
_MOST_TOLD = 16
