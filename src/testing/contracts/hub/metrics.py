"""The part of a HUB's contract about metrics."""

from __future__ import annotations

import pytest

from .harness import HubUnderTest


class HubMetricsContract:
    """Metrics as they are sent, merged and read again. Override the fixture `hub`."""

    @pytest.fixture
    def hub(self) -> HubUnderTest:
        """The HUB under test."""
        raise NotImplementedError("override the fixture `hub`")

    def test_metrics_are_idempotent_by_epoch(self, hub: HubUnderTest) -> None:
        """A later value replaces the earlier one, and the others stay."""
        model_id = hub.create()
        hub.log(model_id, {0: {"loss": 1.0, "lr": 0.1}, 10: {"loss": 0.5}, 9: {"loss": 0.6}})
        for _ in range(2):
            hub.log(model_id, {0: {"loss": 2.0, "note": "x", "nothing": None}})
        series = {entry["meta"]["name"]: entry["data"] for entry in hub.ask("GET", f"/v1/models/{model_id}/metrics")}

        assert series["loss"] == {"0": 2.0, "9": 0.6, "10": 0.5}
        assert list(series["loss"]) == ["0", "9", "10"]
        assert series["lr"] == {"0": 0.1}
        assert (series["note"], series["nothing"]) == ({"0": "x"}, {"0": None})

    def test_an_object_in_place_of_the_text_is_taken(self, hub: HubUnderTest) -> None:
        """As the class of 2023 sends it for a trainer that queues a mapping."""
        model_id = hub.create()
        hub.ask("POST", f"/v1/models/{model_id}", {"metrics": {"0": {"a": 1.5, "b": None}}, "type": "metrics"})
        hub.ask("POST", f"/v1/models/{model_id}", {"metrics": {"0": '{"b": 2}', "1": {}}, "type": "metrics"})

        found = hub.ask("GET", f"/v1/models/{model_id}/metrics")
        assert {"a": {"0": 1.5}, "b": {"0": 2}} == {series["meta"]["name"]: series["data"] for series in found}

    def test_metrics_of_old_clients_may_hold_what_is_no_json(self, hub: HubUnderTest) -> None:
        """NaN comes back as ``null``."""
        model_id = hub.create()
        body = {"metrics": {"0": '{"loss": NaN, "lr": 0.5}', "1": "no JSON"}, "type": "metrics"}
        hub.ask("POST", f"/v1/models/{model_id}", body)
        series = {entry["meta"]["name"]: entry["data"] for entry in hub.ask("GET", f"/v1/models/{model_id}/metrics")}

        assert series == {"loss": {"0": None}, "lr": {"0": 0.5}}

    @pytest.mark.parametrize(
        "metrics",
        [None, [], "x", {"one": "{}"}, {"-1": "{}"}, {"1": []}, {"1": None}, {"9" * 19: "{}"}, {"1": "\0"}],
        ids=str,
    )
    def test_metrics_that_are_none_are_refused_whole(self, hub: HubUnderTest, metrics: object) -> None:
        """Nothing of them is kept."""
        model_id = hub.create()
        if isinstance(metrics, dict):
            metrics = {"0": "{}", **metrics}

        assert hub.refused("POST", f"/v1/models/{model_id}", {"metrics": metrics, "type": "metrics"}) == 422
        assert hub.ask("GET", f"/v1/models/{model_id}/metrics") == []

    def test_changes_are_what_came_since(self, hub: HubUnderTest) -> None:
        """What a page asks for again and again."""
        model_id = hub.create()
        hub.log(model_id, {0: {"loss": 1.0}})
        first = hub.ask("GET", f"/v1/models/{model_id}/changes")
        hub.log(model_id, {1: {"loss": 0.5}})
        hub.upload(model_id, b"x", epoch="1")
        second = hub.ask("GET", f"/v1/models/{model_id}/changes?after={first['revision']}")
        third = hub.ask("GET", f"/v1/models/{model_id}/changes?after={second['revision']}")

        assert (first["epochs"], second["epochs"]) == ({"0": {"loss": 1.0}}, {"1": {"loss": 0.5}})
        assert (third["revision"], third["epochs"]) == (second["revision"], {})
        assert second["model"]["status"] == "training"
        assert hub.refused("GET", f"/v1/models/{model_id}/changes?after=yesterday") == 422

    def test_values_of_an_epoch_add_up_by_name(self, hub: HubUnderTest) -> None:
        """Whatever client sends them, and in however many posts: what was taken stays taken."""
        model_id = hub.create()
        hub.log(model_id, {0: {"train/loss": 1.0, "lr": 0.1}, 1: {"train/loss": 0.5}})
        before = hub.ask("GET", f"/v1/models/{model_id}/changes")["revision"]
        # An old client's own text, and an evaluation after the training.
        hub.ask("POST", f"/v1/models/{model_id}", {"metrics": {"0": '{"val/map": NaN}'}, "type": "metrics"})
        hub.log(model_id, {0: {"test/acc": 0.9, "lr": 0.2}})

        grown = {"0": {"train/loss": 1.0, "lr": 0.2, "val/map": None, "test/acc": 0.9}}
        assert grown == hub.ask("GET", f"/v1/models/{model_id}/changes?after={before}")["epochs"]
        series = {entry["meta"]["name"]: entry["data"] for entry in hub.ask("GET", f"/v1/models/{model_id}/metrics")}
        assert {"0": 1.0, "1": 0.5} == series["train/loss"]
        assert {"0": 0.2} == series["lr"]
