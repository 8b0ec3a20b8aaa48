"""The contract of :class:`~hubport.domain.ports.hub_store.HubStore`.

The one rule: what was taken is what the next reader sees, whole.
"""

from __future__ import annotations

from functools import partial

import attrs
import pytest

from ...domain.checkpoint import Kind
from ...domain.hub_model import HubModel, StoredCheckpoint
from ...domain.ports.hub_store import HubStore
from .patience import at_once

_MODEL = HubModel("Ab3Cd5Ef7Gh9Ij1Kl2Mn", name="a model", data="coco8.yaml")
_OTHER = HubModel(
    "Zy8Xw6Vu4Ts2Rq1Po9Nm", name="another", data="https://data.invalid/set.zip", weights=None, cfg="n.yaml"
)
_EPOCH = StoredCheckpoint("x-epoch-3.pt", "token3", Kind.EPOCH, 3, 3_000_000_000, "ab" * 32, is_best=True)
_FINAL = StoredCheckpoint("x-best.pt", "token4", Kind.FINAL, 9, 0, "cd" * 32, map=0.42)


def _with_checkpoint(checkpoint: StoredCheckpoint, model: HubModel) -> HubModel:
    return attrs.evolve(model, checkpoints=(*model.checkpoints, checkpoint))


class HubStoreContract:
    """Models by ID, and their metrics by epoch. Override the fixture :meth:`store`."""

    @pytest.fixture
    def store(self) -> HubStore:
        """The store under test, empty."""
        raise NotImplementedError("override the fixture `store`")

    def test_a_model_that_was_not_saved_is_none(self, store: HubStore) -> None:
        """Whatever else is there."""
        store.save(_MODEL)

        assert store.model(_OTHER.id) is None

    @pytest.mark.parametrize(
        "model",
        [
            _MODEL,
            _OTHER,
            attrs.evolve(_MODEL, name="Größe “M”\n'; --", cache="ram", device="0,1", epochs=0, patience=10**9),
            attrs.evolve(_MODEL, agent="python-8.0.100-colab", agent_id="agent-1", last_seen=1_700_000_000.25),
            attrs.evolve(_MODEL, checkpoints=(_EPOCH, _FINAL, attrs.evolve(_EPOCH, epoch=0, is_best=False))),
        ],
        ids=["plain", "from scratch", "odd values", "seen", "with checkpoints"],
    )
    def test_a_model_comes_back_as_it_was_saved(self, store: HubStore, model: HubModel) -> None:
        """Every field, with its type, and the order of its checkpoints."""
        store.save(model)

        assert model == store.model(model.id)

    def test_saving_again_replaces(self, store: HubStore) -> None:
        """And leaves the other models alone."""
        store.save(_MODEL)
        store.save(_OTHER)
        changed = attrs.evolve(_MODEL, checkpoints=(_EPOCH,), agent_id="agent-1")

        store.save(changed)

        assert changed == store.model(_MODEL.id)
        assert store.model(_OTHER.id) == _OTHER

    def test_an_update_replaces_what_it_is_given(self, store: HubStore) -> None:
        """The model as it is, and back comes the new one; the metrics stay."""
        store.save(_MODEL)
        store.save(_OTHER)
        store.put_metrics(_MODEL.id, {0: "{}"})
        given: list[HubModel] = []

        def change(model: HubModel) -> HubModel:
            given.append(model)
            return _with_checkpoint(_EPOCH, model)

        updated = store.update(_MODEL.id, change)

        assert given[-1] == _MODEL
        assert (_EPOCH,) == updated.checkpoints
        assert updated == store.model(_MODEL.id)
        assert store.model(_OTHER.id) == _OTHER
        assert dict(store.metrics(_MODEL.id)) == {0: "{}"}

    def test_what_is_not_there_is_not_updated(self, store: HubStore) -> None:
        """Nor does it come into being."""
        with pytest.raises(KeyError):
            store.update(_MODEL.id, lambda model: model)

        assert store.model(_MODEL.id) is None

    def test_an_update_that_fails_changes_nothing(self, store: HubStore) -> None:
        """And holds up nobody afterwards."""

        def fail(_: HubModel) -> HubModel:
            raise RuntimeError("changed its mind")

        store.save(_MODEL)
        with pytest.raises(RuntimeError):
            store.update(_MODEL.id, fail)

        assert store.model(_MODEL.id) == _MODEL
        store.update(_MODEL.id, lambda model: attrs.evolve(model, agent_id="agent-1"))

    def test_updates_from_many_threads_all_count(self, store: HubStore) -> None:
        """Nobody is in between reading and replacing: each of two hundred checkpoints is in the list."""
        store.save(_MODEL)

        def work(thread: int) -> None:
            for number in range(25):
                store.update(_MODEL.id, partial(_with_checkpoint, attrs.evolve(_EPOCH, epoch=thread * 100 + number)))

        at_once(work, threads=8)

        model = store.model(_MODEL.id)
        assert model is not None
        assert {thread * 100 + number for thread in range(8) for number in range(25)} == {
            checkpoint.epoch for checkpoint in model.checkpoints
        }
        assert len(model.checkpoints) == 200

    def test_ids_are_told_apart_by_case(self, store: HubStore) -> None:
        """An ID is 20 letters and digits, and ``a`` is not ``A``."""
        swapped = attrs.evolve(_MODEL, id=_MODEL.id.swapcase(), name="swapped")
        store.save(_MODEL)
        store.save(swapped)
        store.put_metrics(_MODEL.id, {0: "{}"})

        assert store.model(_MODEL.id) == _MODEL
        assert swapped == store.model(swapped.id)
        assert dict(store.metrics(swapped.id)) == {}

    def test_without_metrics_there_are_none(self, store: HubStore) -> None:
        """Neither for a model, nor for what is none."""
        store.save(_MODEL)

        assert dict(store.metrics(_MODEL.id)) == {}
        assert dict(store.metrics(_OTHER.id)) == {}

    def test_metrics_come_back_in_the_order_of_their_epochs(self, store: HubStore) -> None:
        """As numbers: 10 comes after 9."""
        store.save(_MODEL)
        store.put_metrics(_MODEL.id, {10: '{"a": 10}', 9: '{"a": 9}'})
        store.put_metrics(_MODEL.id, {100: '{"a": 100}', 0: '{"a": 0}'})

        assert [(n, f'{{"a": {n}}}') for n in (0, 9, 10, 100)] == list(store.metrics(_MODEL.id).items())

    def test_an_epoch_is_replaced_whole(self, store: HubStore) -> None:
        """By the newest text, and only that epoch."""
        store.save(_MODEL)
        store.put_metrics(_MODEL.id, {0: '{"a": 1, "b": 2}', 1: '{"a": 3}'})
        store.put_metrics(_MODEL.id, {0: '{"a": 9}'})

        assert dict(store.metrics(_MODEL.id)) == {0: '{"a": 9}', 1: '{"a": 3}'}

    def test_the_text_of_an_epoch_is_kept_to_the_letter(self, store: HubStore) -> None:
        """Also when it is no JSON: old clients send NaN."""
        texts = {0: '{"é": NaN}', 1: "", 2: " [1,  2] ", 3: "x" * 1_000_000, 4: '"\\ud83d\\ude00 😀"'}
        store.save(_MODEL)
        store.put_metrics(_MODEL.id, texts)

        assert texts == dict(store.metrics(_MODEL.id))

    def test_no_epochs_change_nothing(self, store: HubStore) -> None:
        """An empty call is a call."""
        store.save(_MODEL)
        store.put_metrics(_MODEL.id, {0: "{}"})
        store.put_metrics(_MODEL.id, {})

        assert dict(store.metrics(_MODEL.id)) == {0: "{}"}

    def test_models_have_their_own_metrics(self, store: HubStore) -> None:
        """And keep them when the model is saved again."""
        for model in (_MODEL, _OTHER):
            store.save(model)
            store.put_metrics(model.id, {0: f'"{model.name}"'})
        store.save(attrs.evolve(_MODEL, checkpoints=(_EPOCH,)))

        assert dict(store.metrics(_MODEL.id)) == {0: '"a model"'}
        assert dict(store.metrics(_OTHER.id)) == {0: '"another"'}

    def test_what_was_read_does_not_change_later(self, store: HubStore) -> None:
        """Neither by what is put, nor does it change the store."""
        store.save(_MODEL)
        given = {0: "{}"}
        store.put_metrics(_MODEL.id, given)
        read = store.metrics(_MODEL.id)

        given[5] = "{}"
        store.put_metrics(_MODEL.id, {1: "{}"})

        assert dict(read) == {0: "{}"}
        assert dict(store.metrics(_MODEL.id)) == {0: "{}", 1: "{}"}

    def test_many_threads_lose_nothing(self, store: HubStore) -> None:
        """A HUB is asked by many clients at a time."""
        store.save(_MODEL)

        def work(thread: int) -> None:
            for number in range(25):
                store.put_metrics(_MODEL.id, {thread * 100 + number: f"{thread}"})
                store.save(attrs.evolve(_OTHER, id=f"{thread:010d}{number:010d}"))
                assert store.metrics(_MODEL.id)[thread * 100 + number] == f"{thread}"

        at_once(work, threads=8)

        wanted = {thread * 100 + number: f"{thread}" for thread in range(8) for number in range(25)}
        assert wanted == dict(store.metrics(_MODEL.id))
        assert all(store.model(f"{thread:010d}{number:010d}") for thread in range(8) for number in range(25))
