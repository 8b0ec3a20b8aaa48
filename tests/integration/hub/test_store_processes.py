"""Several processes over one store, and processes that are killed."""

from __future__ import annotations

import random
from collections.abc import Sequence
from contextlib import ExitStack, closing
from pathlib import Path

import pytest

from hubport.adapters.sql_hub import SqlHubStore
from hubport.domain.hub.model import HubModel
from hubport.testing.lab import Child, Zygote
from tests.integration.hub.stores import a_process

MODEL = HubModel("Ab3Cd5Ef7Gh9Ij1Kl2Mn", name="names:", data="coco8.yaml")
PROCESSES, TIMES = 4, 25


def everybody_says(word: str, children: Sequence[Child]) -> None:
    assert [word] * len(children) == [child.line() for child in children]


def everybody_goes_on(children: Sequence[Child]) -> None:
    for child in children:
        child.say()


def test_processes_that_start_at_once_make_one_store_and_lose_no_update(
    database_url: str, store_zygote: Zygote, tmp_path: Path
) -> None:
    with ExitStack() as stack:
        children = [
            stack.enter_context(
                a_process(
                    store_zygote, "opens_and_updates", database_url, MODEL.id, me, TIMES, errors=tmp_path / f"e{me}"
                )
            )
            for me in range(PROCESSES)
        ]
        everybody_says("ready", children)
        everybody_goes_on(children)
        everybody_says("open", children)
        with closing(SqlHubStore(database_url)) as store:
            store.models.save(MODEL)
            everybody_goes_on(children)
            everybody_says("done", children)

            model = store.models.get(MODEL.id)
            assert model is not None
            wanted = sorted(f"{me}-{number}" for me in range(PROCESSES) for number in range(TIMES))
            assert wanted == sorted(model.name.split()[1:])
            epochs = {me * 1000 + number: str(me) for me in range(PROCESSES) for number in range(TIMES)}
            assert epochs == dict(store.metrics(MODEL.id).epochs)
            assert PROCESSES * TIMES == store.projects.page(limit=1).total
            assert 1 + 2 * PROCESSES * TIMES == store.revision(MODEL.id)
        assert [""] * PROCESSES == [child.stderr for child in children]


@pytest.mark.parametrize("threads", [1, 8])
def test_what_was_acknowledged_survives_kill_9(
    database_url: str, store_zygote: Zygote, tmp_path: Path, threads: int
) -> None:
    """Ten times for each number of threads; and the store is as good as before each time."""
    chance = random.Random(threads)
    store = SqlHubStore(database_url)
    try:
        for round_number in range(10):
            store.models.delete(MODEL.id)
            store.models.save(MODEL)
            with a_process(
                store_zygote, "puts_metrics", database_url, MODEL.id, threads, errors=tmp_path / "errors"
            ) as child:
                told = [int(child.line()) for _ in range(chance.randint(1, 60))]
                child.kill()
                told += map(int, child.rest())
            held = store.metrics(MODEL.id).epochs
            assert set(told) <= set(held), f"round {round_number}"
            assert {epoch: str(epoch) for epoch in held} == dict(held)
            store.put_metrics(MODEL.id, {10**6: "still writable"}, at=1.0)
    finally:
        store.close()
