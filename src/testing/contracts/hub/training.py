"""What a HUB does in a training session: models, metrics, checkpoints, heartbeats.

The one rule: old clients get what they need, where they look for it.
"""

from __future__ import annotations

import hashlib
from typing import Any

import pytest

from ..waiting import run_concurrently
from .harness import NEW_MODEL, HubUnderTest, file_part
from .metrics import HubMetricsContract

_UNKNOWN = "U" * 20


class HubSessionContract(HubMetricsContract):
    """Override the fixture :meth:`hub`."""

    def test_a_key_is_needed(self, hub: HubUnderTest) -> None:
        """And a good one opens."""
        hub.ask("POST", "/v1/auth")
        for key in ("", "0" * 42, hub.api_key.upper() + "x", "ké"):
            assert hub.refused("POST", "/v1/auth", key=key.encode().decode("latin-1")) == 401
            refusal = hub.send("GET", "/v1/models", key=key.encode().decode("latin-1"))
            assert (refusal.status, refusal.headers["www-authenticate"]) == (401, "Bearer")

    def test_a_bearer_is_taken_as_well(self, hub: HubUnderTest) -> None:
        """As a browser's session sends it."""
        headers = {"authorization": f"Bearer {hub.api_key}"}

        assert hub.send("POST", "/v1/auth", key="", headers=headers).status == 200

    def test_a_model_is_new_until_a_checkpoint_is_there_and_then_trained(self, hub: HubUnderTest) -> None:
        """Trap 1: never ``training`` without ``resume``."""
        model_id = hub.create()
        hub.log(model_id, {0: {"loss": 1.0}})
        hub.ask("POST", f"/v1/agent/heartbeat/models/{model_id}", {"agent": "x", "agentId": None})
        record = hub.model(model_id)
        assert ("new", None) == (record["status"], record.get("resume"))

        hub.upload(model_id, b"first", epoch="1", isBest="True")
        record = hub.model(model_id)
        assert record["status"] == "training"
        assert hub.download(record["resume"]).body == b"first"

        hub.upload(model_id, b"final", type="final", epoch="2", map="0.5")
        record = hub.model(model_id)
        assert record["status"] == "trained"
        assert hub.download(record["weights"]).body == b"final"

    def test_the_record_has_the_flat_fields_and_the_nested_ones(self, hub: HubUnderTest) -> None:
        """Trap 2, for 8.0 and 8.3; trap 7: ``data`` may be a plain name."""
        record = hub.model(hub.create())
        args = {
            "data": "coco8.yaml",
            "batch": 8,
            "epochs": 3,
            "imgsz": 320,
            "patience": 5,
            "device": "cpu",
            "cache": "ram",
        }

        assert args == record["train_args"]
        assert args == {name: record[name] for name in args}
        assert record["batch_size"] == 8
        assert (record["cfg"], record["weights"]) == (None, "yolov8n.pt")
        assert record["meta"]["name"] == "a model"

    def test_a_resume_points_at_the_newest_whole_checkpoint(self, hub: HubUnderTest) -> None:
        """Whatever was broken off since."""
        model_id = hub.create()
        for epoch in range(3):
            hub.upload(model_id, b"weights of %d" % epoch, epoch=str(epoch))
        fields = {"epoch": "9", "type": "epoch"}
        assert hub.refused("POST", f"/v1/models/{model_id}/upload", fields=fields) == 400

        assert hub.download(hub.model(model_id)["resume"]).body == b"weights of 2"

    def test_weights_have_names_of_their_own_and_no_query(self, hub: HubUnderTest) -> None:
        """Trap 3: clients look at the end of the address, and cache by its last part."""
        links = []
        for _ in range(2):
            model_id = hub.create()
            for epoch in range(2):
                hub.upload(model_id, b"%d" % epoch, epoch=str(epoch))
                links.append(hub.model(model_id)["resume"])
            hub.upload(model_id, b"final", type="final", epoch="2")
            links.append(hub.model(model_id)["weights"])

        assert len({link.rpartition("/")[2] for link in links}) == 6
        assert all(link.endswith(".pt") and not set("?#") & set(link) for link in links)

    def test_an_upload_without_its_file_is_refused(self, hub: HubUnderTest) -> None:
        """Which is what 8.0 sends when the file is missing."""
        model_id = hub.create()

        for kind in ("epoch", "final"):
            fields = {"epoch": "0", "type": kind}
            assert hub.refused("POST", f"/v1/models/{model_id}/upload", fields=fields) == 400
        assert hub.model(model_id)["status"] == "new"

    @pytest.mark.parametrize(
        "fields",
        [{"epoch": "one"}, {"epoch": "-1"}, {"epoch": ""}, {"type": "other"}, {"type": "final", "map": "good"}],
        ids=str,
    )
    def test_a_form_that_makes_no_checkpoint_is_refused(self, hub: HubUnderTest, fields: dict[str, str]) -> None:
        """And changes nothing."""
        model_id = hub.create()

        hub.upload(model_id, b"x", status=422, **fields)
        assert hub.model(model_id)["checkpoints"] == []

    def test_a_checkpoint_says_what_it_is(self, hub: HubUnderTest) -> None:
        """Its epoch, its kind, its size and its SHA-256."""
        model_id = hub.create()
        content = bytes(range(256)) * 5000
        hub.upload(model_id, content, epoch="7", isBest="True")
        hub.upload(model_id, b"final", type="final", epoch="9", map="0.25")
        first, second = hub.model(model_id)["checkpoints"]

        assert ("epoch", 7, True, None) == tuple(first[name] for name in ("type", "epoch", "isBest", "map"))
        assert ("final", 9, False, 0.25) == tuple(second[name] for name in ("type", "epoch", "isBest", "map"))
        assert (len(content), hashlib.sha256(content).hexdigest()) == (first["size"], first["sha256"])
        assert hub.download(first["url"]).body == content

    def test_a_map_that_is_no_number_is_none(self, hub: HubUnderTest) -> None:
        """A training that went astray is uploaded all the same."""
        model_id = hub.create()
        hub.upload(model_id, b"x", type="final", map="nan")

        assert hub.model(model_id)["checkpoints"][0]["map"] is None

    def test_an_upload_that_is_sent_twice_is_there_once(self, hub: HubUnderTest) -> None:
        """Its answer was lost; the address that it had is good still."""
        model_id = hub.create()
        hub.upload(model_id, b"same", epoch="3")
        first = hub.model(model_id)["resume"]
        hub.upload(model_id, b"same", epoch="3")

        assert hub.model(model_id)["resume"] == first
        assert len(hub.model(model_id)["checkpoints"]) == 1
        assert hub.download(first).body == b"same"

    def test_an_empty_file_is_no_checkpoint(self, hub: HubUnderTest) -> None:
        """It is refused, is no ``resume``, and ends no model."""
        model_id = hub.create()
        path = f"/v1/models/{model_id}/upload"
        empty = file_part("last.pt", b"")
        for kind in ("epoch", "final"):
            assert hub.refused("POST", path, fields={"epoch": "8", "type": kind}, file=empty) == 422
        assert ("new", []) == (hub.model(model_id)["status"], hub.model(model_id)["checkpoints"])

        hub.upload(model_id, b"good", epoch="8")
        assert hub.refused("POST", path, fields={"epoch": "9", "type": "final"}, file=empty) == 422
        record = hub.model(model_id)
        assert record["status"] == "training"
        assert hub.download(record["resume"]).body == b"good"

    def test_a_record_says_how_far_its_training_has_come(self, hub: HubUnderTest) -> None:
        """The newest epoch, the best value, and whether its run shows itself."""
        model_id = hub.create()
        assert hub.model(model_id)["progress"] == {"epoch": None, "best": None}
        assert not hub.model(model_id)["is_connected"]

        hub.log(model_id, {0: {"metrics/mAP50-95(B)": 0.3, "loss": 1.0}, 1: {"metrics/mAP50-95(B)": 0.2}})
        record = hub.model(model_id)

        best = {"name": "metrics/mAP50-95(B)", "value": 0.3, "epoch": 0}
        assert record["progress"] == {"epoch": 1, "best": best}
        assert record["is_connected"]

    def test_a_heartbeat_gets_one_stable_name(self, hub: HubUnderTest) -> None:
        """Trap 6: also after the final upload, and from an agent that nobody knows."""
        model_id = hub.create()
        path = f"/v1/agent/heartbeat/models/{model_id}"
        name = hub.ask("POST", path, {"agent": "python-8.0.100-local", "agentId": None})["agentId"]
        hub.upload(model_id, b"final", type="final")

        assert name == hub.ask("POST", path, {"agent": "python-8.0.100-local", "agentId": name})["agentId"]
        assert hub.ask("POST", path, {"agent": "a" * 999 + "\0\ud800", "agentId": "theirs"})["agentId"] == "theirs"
        assert hub.model(model_id)["agent"].startswith("aaa")

    def test_each_of_two_runs_has_a_name_of_its_own_and_hears_of_the_other(self, hub: HubUnderTest) -> None:
        """And the end of one is not the end of the other."""
        model_id = hub.create()
        path = f"/v1/agent/heartbeat/models/{model_id}"
        first, second = (hub.ask("POST", path, {"agent": "x", "agentId": None})["agentId"] for _ in range(2))
        (other,) = hub.ask("POST", path, {"agent": "x", "agentId": first})["others"]

        assert first != second
        assert (other["agentId"], other["agent"], other["state"]) == (second, "x", "training")
        assert other["silence"] >= 0.0
        assert hub.ask("POST", path, {"agent": "x", "agentId": second, "state": "closed"})["agentId"] == second
        assert "others" not in hub.ask("POST", path, {"agent": "x", "agentId": first})
        record = hub.model(model_id)
        assert record["state"] == "training"
        assert {agent["id"]: agent["state"] for agent in record["agents"]} == {first: "training", second: "stopped"}

    def test_a_run_says_how_it_ends(self, hub: HubUnderTest) -> None:
        """And the model has the same word in every answer."""
        model_id = hub.create()
        path = f"/v1/agent/heartbeat/models/{model_id}"
        assert (hub.model(model_id)["state"], hub.model(model_id)["state_until"]) == ("new", None)
        name = hub.ask("POST", path, {"agent": "x", "agentId": None})["agentId"]
        record = hub.model(model_id)
        assert (record["status"], record["state"]) == ("new", "training")
        assert record["state_until"] > record["last_seen"]

        hub.ask("POST", path, {"agent": "x", "agentId": name, "state": "failed", "error": "ValueError"})
        changes = hub.ask("GET", f"/v1/models/{model_id}/changes")["model"]
        listed = hub.ask("GET", "/v1/models?limit=100")["results"]
        for record in (hub.model(model_id), changes, *(one for one in listed if one["id"] == model_id)):
            assert (record["state"], record["error"], record["is_connected"]) == ("failed", "ValueError", False)
            assert record["state_until"] is None

    def test_what_is_not_there_is_said_to_be_missing(self, hub: HubUnderTest) -> None:
        """Trap 5: as JSON with a message."""
        for method, path, body in [
            ("GET", f"/v1/models/{_UNKNOWN}", None),
            ("GET", f"/v1/models/{_UNKNOWN}/metrics", None),
            ("GET", f"/v1/models/{_UNKNOWN}/changes", None),
            ("POST", f"/v1/models/{_UNKNOWN}", {"metrics": {"0": "{}"}, "type": "metrics"}),
            ("POST", f"/v1/agent/heartbeat/models/{_UNKNOWN}", {}),
            ("PATCH", f"/v1/models/{_UNKNOWN}", {}),
            ("DELETE", f"/v1/models/{_UNKNOWN}", None),
            ("GET", "/v1/nothing", None),
            ("GET", "/v1/models/..%2f..%2f..%2fetc%2fpasswd", None),
        ]:
            assert hub.refused(method, path, body) == 404, path
        assert hub.refused("PUT", "/v1/models") == 405
        form = {"fields": {"epoch": "0", "type": "epoch"}, "file": file_part("last.pt", b"x")}
        assert hub.refused("POST", f"/v1/models/{_UNKNOWN}/upload", **form) == 404

    def test_what_lies_beyond_a_training_session_is_honestly_refused(self, hub: HubUnderTest) -> None:
        """501, with what to do instead."""
        model_id = hub.create()

        for path in (f"/v1/models/{model_id}/export", "/get-export", "/model-reset"):
            assert hub.refused("POST", path, {"format": "onnx"}) == 501
        assert hub.refused("POST", f"/v1/predict/{model_id}", fields={"size": "640"}) == 501

    def test_many_clients_at_once_lose_nothing(self, hub: HubUnderTest) -> None:
        """Each with metrics, heartbeats and checkpoints of one model."""
        model_id = hub.create()

        def work(thread: int) -> None:
            for number in range(5):
                epoch = thread * 10 + number
                hub.log(model_id, {epoch: {"n": epoch}})
                hub.ask("POST", f"/v1/agent/heartbeat/models/{model_id}", {"agent": "x", "agentId": "a"})
            hub.upload(model_id, b"%d" % thread, epoch=str(thread))

        run_concurrently(work, threads=4)

        (series,) = hub.ask("GET", f"/v1/models/{model_id}/metrics")
        assert series["data"] == {str(t * 10 + n): t * 10 + n for t in range(4) for n in range(5)}
        assert {0, 1, 2, 3} == {checkpoint["epoch"] for checkpoint in hub.model(model_id)["checkpoints"]}

    def test_a_body_that_makes_no_model_is_refused(self, hub: HubUnderTest) -> None:
        """With what is missing."""
        bad: list[dict[str, Any]] = [{"dataset": {}}, {"lineage": {}}, {"config": {"epochs": "many"}}, {"unknown": 1}]
        for changes in bad:
            assert hub.refused("POST", "/v1/models", NEW_MODEL | changes) == 422
        assert hub.refused("POST", "/v1/models", []) == 400
