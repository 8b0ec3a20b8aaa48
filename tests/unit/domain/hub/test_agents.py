from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from hubport.domain.hub.agents import MOST_AGENTS, SILENCE, Agents, is_recent
from hubport.domain.run_end import CLOSED, EndKind, RunEnd
from hubport.domain.run_state import RunState

FAILED = RunEnd(EndKind.FAILED, "ValueError")


def heard(*ids: str, at: float = 0.0) -> Agents:
    """A heartbeat of each, all at one instant: their order is that of their arrival."""
    agents = Agents()
    for agent_id in ids:
        agents = agents.with_heartbeat(agent_id, f"client {agent_id}", at=at)
    return agents


def living(agents: Agents, now: float = 1.0) -> list[str]:
    return [agent.id for agent in agents.living(now)]


def test_an_agent_is_alive_until_it_was_silent_for_a_quarter_of_an_hour() -> None:
    assert ["a"] == living(heard("a"), SILENCE - 1)
    assert [] == living(heard("a"), SILENCE)


def test_a_heartbeat_from_the_future_proves_nothing() -> None:
    assert [] == living(heard("a", at=SILENCE), 0.0)
    assert ["a"] == living(heard("a", at=SILENCE - 1), 0.0)
    assert not is_recent(None, 0.0)


def test_an_agent_that_said_its_end_is_not_alive_and_one_that_goes_on_is() -> None:
    for end in (CLOSED, FAILED):
        ended = heard("a").with_heartbeat("a", None, at=1.0, end=end)
        assert [] == living(ended)
        assert ["a"] == living(ended.with_heartbeat("a", None, at=1.0))


def test_who_is_silent_since_another_began_is_taken_for_its_predecessor() -> None:
    assert ["b"] == living(heard("a", "b"))
    assert ["b", "a"] == living(heard("a", "b", "a"))
    assert ["b", "a"] == living(heard("a", "b", "b", "a"))


def test_the_order_does_not_hang_on_the_clock() -> None:
    """The second begins at an earlier date than the first, since somebody has set the clock back."""
    agents = heard("a", at=500.0).with_heartbeat("b", None, at=100.0)

    assert ["b"] == living(agents, 110.0)
    assert ["b", "a"] == living(agents.with_heartbeat("a", None, at=105.0), 110.0)


def test_the_state_of_each_run() -> None:
    agents = heard("gone", "closed", "failed", "alive")
    for agent_id, end in (("closed", CLOSED), ("failed", FAILED)):
        agents = agents.with_heartbeat(agent_id, None, at=0.0, end=end)

    assert {
        "gone": RunState.DISCONNECTED,
        "closed": RunState.STOPPED,
        "failed": RunState.FAILED,
        "alive": RunState.TRAINING,
    } == {agent.id: agents.state_of(agent, 1.0) for agent in agents.known}


@given(st.lists(st.integers(0, 3 * MOST_AGENTS).map(str), max_size=100))
def test_the_newest_are_known_each_once_in_the_order_of_their_newest_heartbeat(ids: list[str]) -> None:
    newest_first = list(dict.fromkeys(reversed(ids)))

    assert newest_first[:MOST_AGENTS] == [agent.id for agent in reversed(heard(*ids).known)]
