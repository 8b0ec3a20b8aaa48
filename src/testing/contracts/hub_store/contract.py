"""The contract of :class:`~hubport.domain.hub.ports.store.HubStore`.

The one rule: what was taken is what the next reader sees, whole.
"""

from __future__ import annotations

import json
import re

import attrs
import pytest

from ....domain.hub.epoch_text import LONGEST, EpochTooLarge
from ....domain.hub.model import HubModel
from ....domain.hub.ports.store import HubStore, MetricsWrite, NoSuchModel
from ..waiting import run_concurrently
from .items import ID, MODEL, OTHER, OTHER_ID, last_seen, with_checkpoint
from .repository import RepositoryContract
from .revisions import HubRevisionContract


class HubStoreContract(HubRevisionContract, RepositoryContract):
    """The repositories, and the metrics of models. Override the fixture :meth:`store`."""

    def test_without_metrics_there_are_none(self, store: HubStore) -> None:
        """Neither for a model, nor for what is none."""
        store.models.save(MODEL)

        assert {} == dict(store.metrics(ID).epochs)
        assert (0, {}) == (store.metrics(OTHER_ID).revision, dict(store.metrics(OTHER_ID).epochs))

    @pytest.mark.parametrize("model_id", ["", OTHER_ID, ID.swapcase(), "a\0b", "\ud83d", "é", f"{ID}\0"])
    def test_what_is_no_model_has_no_metrics(self, store: HubStore, model_id: str) -> None:
        """And takes none."""
        store.models.save(MODEL)
        with pytest.raises(KeyError):
            store.put_metrics(model_id, {0: "{}"}, at=1.0)

        assert (0, {}) == (store.metrics(model_id).revision, dict(store.metrics(model_id).epochs))
        assert 0 == store.revision(model_id)
        assert {} == dict(store.metrics(ID).epochs)

    def test_metrics_come_back_in_the_order_of_their_epochs(self, store: HubStore) -> None:
        """As numbers: 10 comes after 9."""
        store.models.save(MODEL)
        store.put_metrics(ID, {10: '{"a": 10}', 9: '{"a": 9}'}, at=1.0)
        large = (10**12, 2**63 - 2, 2**63 - 1)
        store.put_metrics(ID, {epoch: f'{{"a": {epoch}}}' for epoch in (*reversed(large), 0)}, at=1.0)

        assert [(n, f'{{"a": {n}}}') for n in (0, 9, 10, *large)] == list(store.metrics(ID).epochs.items())
        assert {} == dict(store.metrics(ID, after=store.revision(ID)).epochs)

    def test_an_epoch_is_merged_by_name(self, store: HubStore) -> None:
        """Of each name the newest value counts, and only that epoch is touched."""
        store.models.save(MODEL)
        store.put_metrics(ID, {0: '{"a": 1, "b": 2}', 1: '{"a": 3}'}, at=1.0)
        store.put_metrics(ID, {0: '{"a": 9, "c": null}'}, at=1.0)
        store.put_metrics(ID, {0: '{"é": NaN}'}, at=1.0)

        found = dict(store.metrics(ID).epochs)
        assert {"a": 9, "b": 2, "c": None, "é": "NaN"} == json.loads(found[0], parse_constant=str)
        assert '{"a": 3}' == found[1]

    def test_metrics_that_come_together_are_merged_in_their_order(self, store: HubStore) -> None:
        """Also those of one epoch, and of several models."""
        for model in (MODEL, OTHER):
            store.models.save(model)
        store.put_metrics(ID, {7: '{"a": 0, "d": 0}'}, at=1.0)

        writes = [
            MetricsWrite(ID, {7: '{"a": 1, "b": 1}', 2**63 - 1: '{"a": 5}'}, 1.0),
            MetricsWrite(OTHER_ID, {7: '{"a": 7}'}, 1.0),
            MetricsWrite("0" * 20, {7: '{"a": 8}'}, 1.0),
            MetricsWrite(ID, {7: '{"a": 2, "c": 2}'}, 1.0),
            MetricsWrite(OTHER_ID, {7: '{"b": 7}'}, 1.0),
        ]
        errors = store.write_metrics(writes)

        assert [None, None, NoSuchModel, None, None] == [error and type(error) for error in errors]
        found = {epoch: json.loads(text) for epoch, text in store.metrics(ID).epochs.items()}
        assert {7: {"a": 2, "b": 1, "c": 2, "d": 0}, 2**63 - 1: {"a": 5}} == found
        assert {7: '{"a": 7, "b": 7}'} == dict(store.metrics(OTHER_ID).epochs)

    def test_metrics_that_come_again_change_nothing(self, store: HubStore) -> None:
        """In whole or in part, and nobody who asks for what is new hears of them."""
        store.models.save(MODEL)
        text = '{"a": 0.10, "b": NaN, "c": [1, {"d": 1e999}]}'
        store.put_metrics(ID, {0: text}, at=1.0)
        before = store.revision(ID)
        for again in (text, '{"c": [1, {"d": 1e999}], "b": NaN}', "{}"):
            store.put_metrics(ID, {0: again}, at=1.0)

            assert {0: text} == dict(store.metrics(ID).epochs)
            assert {} == dict(store.metrics(ID, after=before).epochs)

        store.put_metrics(ID, {0: '{"a": 1}'}, at=1.0)
        grown = store.metrics(ID, after=before).epochs
        store.put_metrics(ID, {0: text}, at=1.0)
        assert {"a", "b", "c"} == set(json.loads(grown[0]))
        assert 0.1 == json.loads(store.metrics(ID).epochs[0])["a"]

    @pytest.mark.parametrize("other", ["", "no JSON", "[1, 2]", "null", '"text"', '{"a": 1'])
    def test_what_is_no_object_replaces_and_is_replaced(self, store: HubStore, other: str) -> None:
        """It has no names to merge by."""
        store.models.save(MODEL)
        for text in ('{"a": 1}', other, '{"b": 2}'):
            store.put_metrics(ID, {0: text}, at=1.0)
            assert {0: text} == dict(store.metrics(ID).epochs)

    def test_an_epoch_that_would_become_too_large_is_refused(self, store: HubStore) -> None:
        """With all that is put with it, and with nothing else; what is there can be put again."""
        store.models.save(MODEL)
        large = f'{{"a": "{"x" * (LONGEST - 100)}"}}'
        store.put_metrics(ID, {0: large}, at=1.0)

        more = f'{{"b": "{"y" * 200}"}}'
        writes = [
            MetricsWrite(ID, {1: '{"c": 1}'}, 1.0),
            MetricsWrite(ID, {1: '{"d": 1}', 0: more}, 1.0),
            MetricsWrite(ID, {0: large}, 1.0),
        ]
        first, second, third = store.write_metrics(writes)

        assert (None, None) == (first, third)
        assert isinstance(second, EpochTooLarge)
        assert 0 == second.epoch
        assert {0: large, 1: '{"c": 1}'} == dict(store.metrics(ID).epochs)
        with pytest.raises(EpochTooLarge):
            store.put_metrics(ID, {0: more}, at=1.0)

    def test_the_text_of_an_epoch_is_kept_to_the_letter(self, store: HubStore) -> None:
        """Also when it is no JSON, or no Unicode."""
        texts = {
            0: '{"é": NaN}',
            1: "",
            2: " [1,  2] ",
            3: "x" * 1_000_000,
            4: '"\\ud83d\\ude00 😀"',
            5: "a\0b\n",
            6: "\ud83d and \ude00",
            7: "\ud83d\ude00",
        }
        store.models.save(MODEL)
        store.put_metrics(ID, texts, at=1.0)

        assert texts == dict(store.metrics(ID).epochs)

    def test_models_have_their_own_metrics(self, store: HubStore) -> None:
        """And keep them when the model is saved again, or updated."""
        for model in (MODEL, OTHER):
            store.models.save(model)
            store.put_metrics(model.id, {0: f'"{model.name}"'}, at=1.0)
        store.models.save(with_checkpoint(MODEL))
        store.models.update(ID, with_checkpoint)

        assert {0: '"a model"'} == dict(store.metrics(ID).epochs)
        assert {0: '"another"'} == dict(store.metrics(OTHER_ID).epochs)

    def test_metrics_go_with_their_model(self, store: HubStore) -> None:
        """And a new model with the ID has none of them."""
        for model in (MODEL, OTHER):
            store.models.save(model)
            store.put_metrics(model.id, {0: "{}"}, at=1.0)

        assert attrs.evolve(MODEL, last_seen=1.0) == store.models.delete(ID)

        assert (0, {}) == (store.metrics(ID).revision, dict(store.metrics(ID).epochs))
        assert 0 == store.revision(ID)
        with pytest.raises(KeyError):
            store.put_metrics(ID, {0: "{}"}, at=1.0)
        store.models.save(MODEL)
        assert {} == dict(store.metrics(ID).epochs)
        assert last_seen(store) is None
        assert {0: "{}"} == dict(store.metrics(OTHER_ID).epochs)

    def test_what_was_read_does_not_change_later(self, store: HubStore) -> None:
        """Neither by what is put, nor does it change the store."""
        store.models.save(MODEL)
        given = {0: "{}"}
        store.put_metrics(ID, given, at=1.0)
        read = store.metrics(ID)

        given[5] = "{}"
        store.put_metrics(ID, {1: "{}"}, at=1.0)

        assert {0: "{}"} == dict(read.epochs)
        assert {0: "{}", 1: "{}"} == dict(store.metrics(ID).epochs)

    # Revisions.

    # Last seen.

    # Many at once.

    def test_many_threads_lose_nothing(self, store: HubStore) -> None:
        """A HUB is asked by many clients at a time, and each sees at once what it was told is there."""
        store.models.save(MODEL)

        def work(thread: int) -> None:
            before = 0
            for number in range(25):
                epoch = thread * 100 + number
                store.put_metrics(ID, {epoch: f"{thread}"}, at=float(epoch))
                store.models.save(attrs.evolve(OTHER, id=f"{thread:010d}{number:010d}"))
                series = store.metrics(ID, after=before)
                assert f"{thread}" == series.epochs[epoch]
                assert before < series.revision
                before = series.revision

        run_concurrently(work, threads=8)

        wanted = {thread * 100 + number: f"{thread}" for thread in range(8) for number in range(25)}
        assert wanted == dict(store.metrics(ID).epochs)
        assert 201 == store.models.page(limit=1).total
        model = store.models.get(ID)
        assert model is not None
        # Of the eight that came at the end, whichever was written last.
        assert model.last_seen in {thread * 100 + 24.0 for thread in range(8)}

    def test_many_threads_that_put_one_epoch_lose_no_name(self, store: HubStore) -> None:
        """A session's second client, an evaluation beside a training: each reads, merges and writes."""
        store.models.save(MODEL)

        def work(thread: int) -> None:
            for number in range(25):
                store.put_metrics(ID, {0: f'{{"{thread}/{number}": {number}}}'}, at=1.0)

        run_concurrently(work, threads=8)

        wanted = {f"{thread}/{number}": number for thread in range(8) for number in range(25)}
        assert wanted == json.loads(store.metrics(ID).epochs[0])

    def test_one_that_fails_among_many_fails_alone(self, store: HubStore) -> None:
        """Those who put metrics of a model, of none, and of one that comes and goes."""
        store.models.save(MODEL)

        def work(thread: int) -> None:
            for number in range(20):
                if thread == 0:
                    store.models.save(OTHER)
                    store.models.delete(OTHER_ID)
                elif thread == 1:
                    with pytest.raises(KeyError):
                        store.put_metrics("0" * 20, {0: "{}"}, at=1.0)
                elif thread == 2:
                    try:
                        store.put_metrics(OTHER_ID, {number: "{}"}, at=1.0)
                    except KeyError:
                        continue
                else:
                    store.put_metrics(ID, {thread * 100 + number: "{}"}, at=1.0)

        run_concurrently(work, threads=8)

        assert {thread * 100 + number for thread in range(3, 8) for number in range(20)} == set(
            store.metrics(ID).epochs
        )
        assert (0, {}) == (store.metrics(OTHER_ID).revision, dict(store.metrics(OTHER_ID).epochs))

    def test_it_is_called_the_same_for_ever(self, store: HubStore) -> None:
        """By 1 to 64 letters, digits, hyphens and underscores, whatever is kept in it."""
        name = store.identity
        store.models.save(HubModel("Ab3Cd5Ef7Gh9Ij1Kl2Mn", "a model", "coco8.yaml"))

        assert re.fullmatch(r"[0-9A-Za-z_-]{1,64}", name)
        assert name == store.identity
