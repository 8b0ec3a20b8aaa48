"""What a HUB does around training sessions: lists, changes, the trash, projects, datasets.

The one rule: what was put into the trash is gone from everywhere but the trash.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import pytest

from .harness import NEW_MODEL, HubUnderTest, file_part


class HubShelvesContract:
    """Override the fixture :meth:`hub`."""

    @pytest.fixture
    def hub(self) -> HubUnderTest:
        """The HUB under test."""
        raise NotImplementedError("override the fixture `hub`")

    def pages(self, hub: HubUnderTest, path: str, limit: int) -> list[dict[str, Any]]:
        """Every item of a list, page by page, as the SDK asks for them."""
        items: list[dict[str, Any]] = []
        cursor = "None"
        while cursor:
            data = hub.ask("GET", f"{path}&limit={limit}&last_doc_id={cursor}&public=None")
            assert len(data["results"]) <= limit
            items += data["results"]
            cursor = data["lastRecordId"]
            assert len(items) <= data["total"]
        return items

    @pytest.mark.parametrize("kind", ["models", "projects", "datasets"])
    def test_a_list_is_paged_newest_first(self, hub: HubUnderTest, kind: str) -> None:
        """Each item once, also when something is deleted in between."""
        body = NEW_MODEL if kind == "models" else {}
        name = f"list of {kind} %"
        ids = [
            hub.ask("POST", f"/v1/{kind}", body | {"meta": {"name": f"{name} {number}"}}, status=201)["id"]
            for number in range(5)
        ]
        path = f"/v1/{kind}?query={quote(name.upper())}"

        assert [item["id"] for item in self.pages(hub, path, 2)] == ids[::-1]
        first = hub.ask("GET", f"{path}&limit=2")
        assert first["total"] == 5
        hub.ask("DELETE", f"/v1/{kind}/{ids[3]}?hard=true")
        rest = hub.ask("GET", f"{path}&limit=9&last_doc_id={first['lastRecordId']}")
        assert [item["id"] for item in rest["results"]] == ids[2::-1]

    @pytest.mark.parametrize("query", ["limit=0", "limit=-1", "limit=x", "last_doc_id=what"])
    def test_a_list_that_makes_no_sense_is_refused(self, hub: HubUnderTest, query: str) -> None:
        """With what would."""
        assert hub.refused("GET", f"/v1/models?{query}") == 422

    def test_a_model_is_changed_in_part(self, hub: HubUnderTest) -> None:
        """And keeps the rest."""
        model_id = hub.create()
        changed = hub.ask("PATCH", f"/v1/models/{model_id}", {"meta": {"name": "renamed", "note": [1]}})
        hub.ask("PATCH", f"/v1/models/{model_id}", {"config": {"epochs": 7}})

        assert changed["meta"] == {"name": "renamed", "note": [1]}
        assert hub.model(model_id)["train_args"] == hub.model(hub.create())["train_args"] | {"epochs": 7}
        assert hub.model(model_id)["meta"]["name"] == "renamed"
        for body in ({"status": "trained"}, {"meta": 5}, {"projectId": "P" * 20}, {"datasetId": "D" * 20}):
            assert hub.refused("PATCH", f"/v1/models/{model_id}", body) == 422
        assert hub.refused("PATCH", f"/v1/models/{model_id}", "text") == 400

    def test_what_is_deleted_lies_in_the_trash(self, hub: HubUnderTest) -> None:
        """And comes back whole."""
        model_id = hub.create(meta={"name": "trash me"})
        hub.log(model_id, {0: {"loss": 1.0}})
        hub.upload(model_id, b"weights")
        resume = hub.model(model_id)["resume"]
        hub.ask("DELETE", f"/v1/models/{model_id}?hard=False")

        assert hub.refused("GET", f"/v1/models/{model_id}") == 404
        assert hub.refused("GET", f"/v1/models/{model_id}/metrics") == 404
        assert hub.ask("GET", "/v1/models?query=trash%20me")["total"] == 0
        assert hub.ask("GET", "/v1/models?query=trash%20me&trashed=true")["total"] == 1

        assert hub.ask("PATCH", f"/v1/models/{model_id}", {"trashed": False})["status"] == "training"
        assert hub.download(resume).body == b"weights"
        assert len(hub.ask("GET", f"/v1/models/{model_id}/metrics")) == 1

    def test_what_is_deleted_for_good_is_gone_with_its_files(self, hub: HubUnderTest) -> None:
        """Also out of the trash."""
        for is_trashed in (False, True):
            model_id = hub.create()
            hub.upload(model_id, b"weights")
            resume = hub.model(model_id)["resume"]
            if is_trashed:
                hub.ask("DELETE", f"/v1/models/{model_id}")
            hub.ask("DELETE", f"/v1/models/{model_id}?hard=True")

            hub.download(resume, status=404)
            assert hub.refused("PATCH", f"/v1/models/{model_id}", {"trashed": False}) == 404
            assert hub.refused("DELETE", f"/v1/models/{model_id}?hard=true") == 404

    @pytest.mark.parametrize("kind", ["projects", "datasets"])
    def test_projects_and_datasets_live_as_models_do(self, hub: HubUnderTest, kind: str) -> None:
        """Created, read, changed, trashed, brought back, deleted."""
        item = hub.ask("POST", f"/v1/{kind}", {"meta": {"name": "one", "note": "x"}}, status=201)
        path = f"/v1/{kind}/{item['id']}"

        assert hub.ask("GET", path)["meta"] == {"name": "one", "note": "x"}
        assert hub.ask("PATCH", path, {"meta": {"name": "two"}})["meta"] == {"name": "two", "note": "x"}
        hub.ask("DELETE", path)
        assert hub.refused("GET", path) == 404
        assert not hub.ask("PATCH", path, {"trashed": False})["trashed"]
        hub.ask("DELETE", f"{path}?hard=true")
        assert hub.refused("PATCH", path, {"trashed": False}) == 404
        bad: list[dict[str, Any]] = [{}, {"meta": {}}, {"meta": {"name": 5}}, {"unknown": 1}]
        for body in bad:
            assert hub.refused("POST", f"/v1/{kind}", body) == 422

    @pytest.mark.parametrize("kind", ["models", "projects"])
    def test_what_its_owner_writes_down_stays_small(self, hub: HubUnderTest, kind: str) -> None:
        """However many calls it takes: it is sent with every list."""
        body = NEW_MODEL if kind == "models" else {"meta": {"name": "x"}}
        path = f"/v1/{kind}/{hub.ask('POST', f'/v1/{kind}', body, status=201)['id']}"
        hub.ask("PATCH", path, {"meta": {"one": "x" * 60_000}})

        assert hub.refused("PATCH", path, {"meta": {"two": "x" * 60_000}}) == 422
        assert "two" not in hub.ask("GET", path)["meta"]

    @pytest.mark.parametrize("kind", ["models", "projects"])
    def test_a_deletion_that_says_neither_yes_nor_no_is_none(self, hub: HubUnderTest, kind: str) -> None:
        """Nothing is taken for a no that might be a yes, nor the other way round."""
        body = NEW_MODEL if kind == "models" else {"meta": {"name": "x"}}
        path = f"/v1/{kind}/{hub.ask('POST', f'/v1/{kind}', body, status=201)['id']}"

        assert hub.refused("DELETE", f"{path}?hard=perhaps") == 422
        assert not hub.ask("GET", path)["trashed"]

    def test_a_model_is_filed_under_a_project(self, hub: HubUnderTest) -> None:
        """And out of it."""
        project = hub.ask("POST", "/v1/projects", {"meta": {"name": "p"}}, status=201)["id"]
        model_id = hub.create(projectId=project)

        assert hub.model(model_id)["project"] == project
        assert hub.ask("PATCH", f"/v1/models/{model_id}", {"projectId": None})["project"] is None

    def test_a_link_to_what_is_gone_hinders_no_other_change(self, hub: HubUnderTest) -> None:
        """And can be taken away, but not made again elsewhere."""
        project = hub.ask("POST", "/v1/projects", {"meta": {"name": "p"}}, status=201)["id"]
        dataset = hub.ask("POST", "/v1/datasets", {"meta": {"name": "d"}}, status=201)["id"]
        links = {"projectId": project, "datasetId": dataset}
        body = {**NEW_MODEL, "dataset": None, **links}
        model_id = hub.ask("POST", "/v1/models", body, status=201)["id"]
        path = f"/v1/models/{model_id}"
        hub.ask("DELETE", path)
        hub.ask("DELETE", f"/v1/projects/{project}?hard=true")
        hub.ask("DELETE", f"/v1/datasets/{dataset}?hard=true")

        assert not hub.ask("PATCH", path, {"trashed": False})["trashed"]
        assert hub.ask("PATCH", path, {"meta": {"name": "renamed"}})["meta"]["name"] == "renamed"
        for name, gone in links.items():
            assert hub.refused("PATCH", f"/v1/models/{hub.create()}", {name: gone}) == 422
        changed = hub.ask("PATCH", path, {"projectId": None, "dataset": {"name": "coco8.yaml"}})
        assert (changed["project"], changed["data"]) == (None, "coco8.yaml")

    @pytest.mark.parametrize(("name", "end"), [("coco8.zip", ".zip"), ("../../x.YAML", ".yaml"), ("a/b\0.zip", ".zip")])
    def test_a_dataset_is_uploaded_and_trained_on(self, hub: HubUnderTest, name: str, end: str) -> None:
        """Until its file is there, a model says that it is still being processed: ``data`` is empty."""
        dataset = hub.ask("POST", "/v1/datasets", {"meta": {"name": "d"}}, status=201)["id"]
        body = {**NEW_MODEL, "dataset": None, "datasetId": dataset}
        model_id = hub.ask("POST", "/v1/models", body, status=201)["id"]
        assert hub.model(model_id)["data"] == ""

        whole = b"PK" + bytes(range(256)) * 100
        for content in (b"replaced", whole):
            hub.ask(
                "POST", f"/v1/datasets/{dataset}/upload", fields={}, file=file_part(name.replace("\0", ""), content)
            )
        url = hub.ask("GET", f"/v1/datasets/{dataset}")["url"]

        assert url.endswith(f"/{dataset}{end}")
        assert hub.download(url).body == whole
        assert hub.model(model_id)["data"] == url == hub.model(model_id)["train_args"]["data"]

    def test_a_dataset_has_a_file_that_clients_can_open(self, hub: HubUnderTest) -> None:
        """By the end of its name."""
        dataset = hub.ask("POST", "/v1/datasets", {"meta": {"name": "d"}}, status=201)["id"]
        path = f"/v1/datasets/{dataset}/upload"

        assert hub.refused("POST", path, fields={}, file=file_part("x.exe", b"x")) == 422
        assert hub.refused("POST", path, fields={"a": "b"}) == 400
        assert hub.ask("GET", f"/v1/datasets/{dataset}")["url"] is None
