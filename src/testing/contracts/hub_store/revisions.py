"""The part of a store's contract about revisions and signs of life."""

from __future__ import annotations

import attrs
import pytest

from ....domain.hub.model import HubModel
from ....domain.hub.ports.store import HubStore, MetricsWrite
from .items import ID, MODEL, OTHER, OTHER_ID, last_seen, with_checkpoint


class HubRevisionContract:
    """What has changed since, and when a model was seen last. Override the fixture `store`."""

    def test_a_revision_grows_with_each_change(self, store: HubStore) -> None:
        """Of the model or its metrics, and of no other model; and it is what the metrics show."""
        store.models.save(MODEL)
        store.models.save(OTHER)
        other = store.revision(OTHER_ID)
        seen = [store.revision(ID)]
        for change in (
            lambda: store.put_metrics(ID, {0: "{}"}, at=1.0),
            lambda: store.put_metrics(ID, {0: "{}"}, at=1.0),
            lambda: store.put_metrics(ID, {}, at=2.0),
            lambda: store.models.save(with_checkpoint(MODEL)),
            lambda: store.models.update(ID, with_checkpoint),
        ):
            change()
            seen.append(store.revision(ID))
            assert store.metrics(ID).revision == seen[-1]

        assert sorted(set(seen)) == seen
        assert 0 < seen[0]
        assert other == store.revision(OTHER_ID)

    def test_a_revision_does_not_grow_by_reading(self, store: HubStore) -> None:
        """Nor by an update that fails."""

        def fail(_: HubModel) -> HubModel:
            raise RuntimeError("changed its mind")

        store.models.save(MODEL)
        before = store.revision(ID)
        store.models.get(ID)
        store.models.page(limit=1)
        store.metrics(ID)
        with pytest.raises(RuntimeError):
            store.models.update(ID, fail)

        assert before == store.revision(ID)

    def test_only_what_was_put_after_a_revision_is_asked_for(self, store: HubStore) -> None:
        """Each epoch as it is now, in the order of the epochs, however often it was put."""
        store.models.save(MODEL)
        store.put_metrics(ID, {0: "0", 1: "1", 2: "2"}, at=1.0)
        first = store.revision(ID)
        store.put_metrics(ID, {5: "5", 1: "new"}, at=1.0)
        second = store.revision(ID)
        store.put_metrics(ID, {1: "newer", 0: "0"}, at=1.0)
        store.models.save(MODEL)

        assert [(1, "newer"), (5, "5")] == list(store.metrics(ID, after=first).epochs.items())
        assert {1: "newer"} == dict(store.metrics(ID, after=second).epochs)
        assert {} == dict(store.metrics(ID, after=store.revision(ID)).epochs)
        assert store.revision(ID) == store.metrics(ID, after=first).revision
        assert 4 == len(store.metrics(ID, after=0).epochs)

    @pytest.mark.parametrize("after", [-1, -(10**30), 10**18, 10**30])
    def test_a_revision_that_never_was_is_before_or_after_all(self, store: HubStore, after: int) -> None:
        """It comes from outside."""
        store.models.save(MODEL)
        store.put_metrics(ID, {0: "{}"}, at=1.0)

        assert ({0: "{}"} if after < 0 else {}) == dict(store.metrics(ID, after=after).epochs)

    def test_a_model_is_seen_when_metrics_come(self, store: HubStore) -> None:
        """Also where they say nothing."""
        store.models.save(MODEL)
        assert last_seen(store) is None

        store.put_metrics(ID, {0: "{}"}, at=1_700_000_000.125)
        assert 1_700_000_000.125 == last_seen(store)

        store.put_metrics(ID, {}, at=1_700_000_001.5)
        assert 1_700_000_001.5 == last_seen(store)

    def test_the_sign_of_life_that_was_written_last_counts(self, store: HubStore) -> None:
        """Whatever the clock said: a time in the future, noted while it was wrong, ends with the next write."""
        store.models.save(attrs.evolve(MODEL, last_seen=5.0))
        for at in (3.0, 2e9, 7.0):
            store.put_metrics(ID, {0: "{}"}, at=at)
            assert at == last_seen(store)

        for at in (6.5, 2e9, 9.0):
            store.models.save(attrs.evolve(MODEL, last_seen=at))
            assert at == last_seen(store)

    def test_of_metrics_that_come_together_the_last_ones_tell_the_time(self, store: HubStore) -> None:
        """For each model its own."""
        for model in (MODEL, OTHER):
            store.models.save(model)

        store.write_metrics([MetricsWrite(ID, {}, 2e9), MetricsWrite(ID, {}, 8.0), MetricsWrite(OTHER_ID, {}, 9.0)])

        assert 8.0 == last_seen(store)
        other = store.models.get(OTHER_ID)
        assert other is not None
        assert 9.0 == other.last_seen

    def test_an_update_sees_the_newest_sign_of_life_and_keeps_it(self, store: HubStore) -> None:
        """Unless it changes it; and what it gives back is what is read."""
        store.models.save(MODEL)
        store.put_metrics(ID, {0: "{}"}, at=7.0)
        given: list[HubModel] = []

        def change(model: HubModel) -> HubModel:
            given.append(model)
            return attrs.evolve(model, name="another name")

        updated = store.models.update(ID, change)

        assert 7.0 == given[-1].last_seen
        assert 7.0 == updated.last_seen
        assert updated == store.models.get(ID)

        store.models.update(ID, lambda model: attrs.evolve(model, last_seen=2.0))
        assert 2.0 == last_seen(store)
