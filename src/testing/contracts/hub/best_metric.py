"""What a HUB calls the best value of a model.

The one rule: a value that is called the best is the best; where the HUB cannot know, it says so.
"""

from __future__ import annotations

from typing import Any

import pytest

from .harness import HubUnderTest


class HubBestContract:
    """Override the fixture :meth:`hub`."""

    @pytest.fixture
    def hub(self) -> HubUnderTest:
        """The HUB under test."""
        raise NotImplementedError("override the fixture `hub`")

    def test_the_best_value_is_the_best_of_what_its_name_says(self, hub: HubUnderTest) -> None:
        """A score's is the greatest, an error's the least; where nobody knows, the last value says that it is that."""
        for name, values, best in (("val/f1", (0.1, 0.9, 0.5), 1), ("val/rmse", (3.0, 1.0, 2.0), 1)):
            model_id = hub.create()
            hub.log(model_id, {epoch: {name: value} for epoch, value in enumerate(values)})
            assert hub.model(model_id)["progress"]["best"] == {"name": name, "value": values[best], "epoch": best}
        model_id = hub.create()
        hub.log(model_id, {0: {"foo": 3}, 1: {"foo": 1}})
        last = {"name": "foo", "value": 1.0, "epoch": 1}
        assert hub.model(model_id)["progress"] == {"epoch": 1, "best": None, "last": last}

    def test_its_owner_says_which_metric_and_which_direction(self, hub: HubUnderTest) -> None:
        """With the model, and later; the direction of one metric is not that of another."""
        body = {"best_metric": "foo", "best_direction": "max"}
        model_id = hub.ask("POST", "/v1/models", {"dataset": {"name": "coco8.yaml"}, **body}, status=201)["id"]
        path = f"/v1/models/{model_id}"
        hub.log(model_id, {0: {"foo": 3, "val/loss": 2.0}, 1: {"foo": 1, "val/loss": 1.0}})

        def shown(record: dict[str, Any]) -> tuple[object, ...]:
            best = record["progress"]["best"]
            return record["best_metric"], record["best_direction"], best and (best["name"], best["value"])

        assert shown(hub.model(model_id)) == ("foo", "max", ("foo", 3.0))
        change = {"best_metric": "foo", "best_direction": "min"}
        assert shown(hub.ask("PATCH", path, change)) == ("foo", "min", ("foo", 1.0))
        assert shown(hub.ask("PATCH", path, {"best_metric": "foo"})) == ("foo", "min", ("foo", 1.0))
        assert shown(hub.ask("PATCH", path, {"best_metric": "val/loss"})) == ("val/loss", None, ("val/loss", 1.0))
        assert shown(hub.ask("PATCH", path, {"best_metric": "other"})) == ("other", None, None)
        assert shown(hub.ask("PATCH", path, {"best_metric": None})) == (None, None, ("val/loss", 1.0))

    @pytest.mark.parametrize(
        "change",
        [
            {"best_metric": "foo", "best_direction": "up"},
            {"best_metric": "foo", "best_direction": ["max"]},
            {"best_metric": "foo", "best_direction": True},
            {"best_direction": "max"},
            {"best_metric": "", "best_direction": "max"},
            {"best_metric": 7},
            {"best_metric": "x" * 1001},
            {"best_metric": "a\0b"},
        ],
        ids=lambda change: str(change)[:60],
    )
    def test_what_makes_no_best_is_refused(self, hub: HubUnderTest, change: dict[str, object]) -> None:
        """And changes nothing."""
        model_id = hub.create()
        before = hub.model(model_id)

        assert hub.refused("PATCH", f"/v1/models/{model_id}", change) == 422
        assert hub.refused("POST", "/v1/models", change) == 422
        assert hub.model(model_id) == before
