import pytest

from hubport.domain.hub.api.pagination import MOST
from hubport.domain.hub.items import Project
from tests.unit.domain.hub.api.test_hub import World, get


@pytest.fixture
def world() -> World:
    world = World()
    for number in range(MOST + 1):
        world.store.projects.save(Project(f"{number:020}", f"project {number}"))
    return world


@pytest.mark.parametrize(("limit", "given"), [("", 10), ("None", 10), ("1", 1), ("007", 7), ("100000000", MOST)])
def test_a_limit_is_a_number_from_one_of_which_a_hundred_are_given(world: World, limit: str, given: int) -> None:
    assert given == len(world.ask(get(f"/v1/projects?limit={limit}"))["results"])


@pytest.mark.parametrize("limit", ["0", "-1", "1.5", "%D9%A1", "100000001", "1000000000", "0000000010", "9" * 5000])
def test_another_limit_is_refused(world: World, limit: str) -> None:
    assert 422 == world.refused(get(f"/v1/projects?limit={limit}"))[0]
