"""`hubport models`: the same by way of a server and straight on the data directory."""

from __future__ import annotations

import csv
import io
import json
import os
import pty
from typing import Any

import attrs
import pytest
import requests

from hubport.app.hub_client.client import HubClient
from hubport.app.hub_client.models import HubModels
from hubport.domain.client.credentials import Credentials
from hubport.domain.ports.http import Http, Request, Response
from hubport.testing import FakeClock, FakeHub, LoopbackServer
from hubport.testing.lab import HANG_TIMEOUT, Child
from tests.integration.cli.conftest import Machine

NOBODY = "Ab3Cd5Ef7Gh9Ij1Kl2Mn"


@attrs.frozen
class Way:
    """One way to a HUB: what has to be said to get there."""

    machine: Machine
    arguments: tuple[str, ...]
    environment: dict[str, str]

    def outcome(self, *arguments: object) -> tuple[int, list[str], list[str]]:
        return self.machine.outcome("models", *arguments, *self.arguments, **self.environment)

    def json(self, *arguments: object) -> Any:
        return self.machine.json("models", *arguments, *self.arguments, **self.environment)

    def create(self, *arguments: object) -> Any:
        return self.json("create", "--weights", "yolov8n.pt", "--data", "coco8.yaml", *arguments)

    def table(self, *arguments: object) -> str:
        status, said, complaints = self.outcome(*arguments)
        assert (0, []) == (status, complaints)
        return "\n".join(said)

    def one_line(self, *arguments: object, status: int = 1) -> str:
        ended, said, complaints = self.outcome(*arguments)
        assert (status, []) == (ended, said)
        (line,) = complaints
        assert line.startswith("hubport: ")
        return line


@pytest.fixture(params=["by the environment", "by options", "on its folder", "without a word"])
def way(request: pytest.FixtureRequest, machine: Machine) -> Way:
    if request.param in {"on its folder", "without a word"}:
        machine.json("keys", "create")
        named = ("--data-dir", str(machine.data)) if request.param == "on its folder" else ()
        other = {"ULTRALYTICS_HUB_API": "http://127.0.0.1:1", "HUB_API_KEY": "0" * 42} if named else {}
        return Way(machine, named, other)
    _, ready = machine.served()
    if request.param == "by options":
        return Way(machine, ("--hub", ready["url"], "--api-key", ready["key"]), {"HUB_API_KEY": "0" * 42})
    return Way(
        machine,
        (),
        {"ULTRALYTICS_HUB_API": ready["url"], "ULTRALYTICS_HUB_WEB": ready["url"], "HUB_API_KEY": ready["key"]},
    )


def test_a_models_life(way: Way) -> None:
    made = way.create("--epochs", "7", "--name", "mine", "--batch", "-1", "--device", "0,1", "--cache", "ram")
    assert ["id", "status", "url"] == list(made)[:3]
    assert made["url"].endswith(f"/models/{made['id']}")
    assert ("new", 7, -1, "0,1", "ram", "mine") == (
        made["status"],
        made["epochs"],
        made["batch"],
        made["device"],
        made["cache"],
        made["meta"]["name"],
    )
    assert made["id"] in way.table("show", made["id"])
    assert made == way.json("show", made["url"])
    assert [made["id"]] == [record["id"] for record in way.json("list")]
    assert "trash" in way.table("delete", made["id"])
    assert [] == way.json("list")
    assert [made["id"]] == [record["id"] for record in way.json("list", "--trash")]
    assert made["id"] in way.table("restore", made["id"])
    assert [{"id": made["id"], "deleted": "for good"}] == way.json("delete", "--hard", "--yes", made["id"])
    assert "404" in way.one_line("show", made["id"])
    assert "No models" in way.table("list")


def test_its_owner_says_what_is_best(way: Way) -> None:
    made = way.create("--best-metric", "val/foo", "--best-direction", "min")
    assert ("val/foo", "min") == (made["best_metric"], made["best_direction"])
    assert "val/foo (no value)" in way.table("list")
    changed = way.json("update", made["id"], "--best-metric", "val/f1", "--name", "other")
    assert ("val/f1", None, "other") == (changed["best_metric"], changed["best_direction"], changed["meta"]["name"])
    assert "val/foo (no value)" in way.table("update", made["id"], "--best-metric", "val/foo")
    assert way.json("update", made["id"], "--best-metric", "")["best_metric"] is None


def test_a_direction_needs_its_metric_and_a_change_something_to_change(here: Way) -> None:
    for arguments, reason in (
        (("update", NOBODY, "--best-direction", "max"), "--best-direction needs --best-metric"),
        (("create", "--weights", "a.pt", "--data", "b", "--best-direction", "max"), "needs --best-metric"),
        (("create", "--weights", "a.pt", "--data", "b", "--best-metric", "", "--best-direction", "max"), "needs"),
        (("update", NOBODY, "--best-metric", "a", "--best-direction", "up"), "'max', 'min'"),
        (("update", NOBODY), "say what to change"),
    ):
        status, said, complaints = here.outcome(*arguments)
        assert (2, []) == (status, said)
        assert reason in complaints[-1]


def test_from_scratch(way: Way) -> None:
    made = way.json("create", "--weights", "yolov8n.yaml", "--data", "coco8.yaml")
    assert ("yolov8n.yaml", None) == (made["cfg"], made["weights"])


def test_what_is_not_there(way: Way) -> None:
    for arguments in (
        ("show",),
        ("update", "--name", "x"),
        ("delete",),
        ("delete", "--hard", "--yes"),
        ("restore",),
        ("export-csv",),
    ):
        assert NOBODY in way.one_line(*arguments, NOBODY)


def test_what_is_no_model(way: Way) -> None:
    line = way.one_line("show", "../../../../etc/passwd")
    assert "identifier" in line or "ID" in line


@pytest.fixture
def here(machine: Machine) -> Way:
    machine.json("keys", "create")
    return Way(machine, (), {})


def test_the_list_goes_on_beyond_a_page(machine: Machine) -> None:
    hub = FakeHub()
    with LoopbackServer(hub) as server:
        hub.root = server.url
        for number in range(230):
            hub.create_model(name=f"number {number} of many")
        there = {"ULTRALYTICS_HUB_API": server.url, "HUB_API_KEY": hub.api_key}
        assert 230 == len(machine.json("models", "list", **there))
        assert 120 == len(machine.json("models", "list", "--limit", "120", **there))
        assert ["number 17 of many"] == [
            record["meta"]["name"] for record in machine.json("models", "list", "--query", "NUMBER 17 ", **there)
        ]
        _, said, _ = machine.outcome("models", "list", "--limit", "3", **there)
    assert 4 == len(said)


@pytest.mark.parametrize("limit", [1, 3, 100, 150])
def test_no_more_is_asked_for_than_is_wanted(limit: int) -> None:
    """A record costs the HUB a look at all the model's metrics."""
    hub = FakeHub()
    for _ in range(160):
        hub.create_model()
    asked: list[int] = []

    class Counted(Http):
        def send(self, request: Request, *, timeout: float) -> Response:
            response = hub.send(request, timeout=timeout)
            asked.append(len(json.loads(response.body)["data"]["results"]))
            return response

        def close(self) -> None:
            pass

    models = HubModels(HubClient(Counted(), FakeClock(), Credentials(hub.api_key), hub.root), hub.root)

    assert limit == len(list(models.all(limit=limit))) == sum(asked)


@pytest.mark.parametrize("as_json", [(), ("--json",)])
def test_what_was_done_before_a_bad_id_is_said(here: Way, as_json: tuple[str, ...]) -> None:
    good = here.create()["id"]
    for action in ("delete", "restore"):
        status, said, complaints = here.outcome(action, good, good, NOBODY, *as_json)
        assert 1 == status
        assert 1 == "".join(said).count(f'"id": "{good}"' if as_json else good)
        assert NOBODY in complaints[-1]


def test_the_words_of_a_hub_do_nothing_to_the_terminal(machine: Machine) -> None:
    hub = FakeHub()
    with LoopbackServer(hub) as server:
        hub.refuse(422, "\x1b[2Jbad\x07 \u202eabc")
        status, said, (line,) = machine.outcome(
            "models", "list", ULTRALYTICS_HUB_API=server.url, HUB_API_KEY=hub.api_key
        )
    assert (1, []) == (status, said)
    assert "�[2Jbad� �abc" in line


def test_a_query_that_none_matches_is_said_to_be_that(way: Way) -> None:
    assert "No model has 'zzz' in its name or its ID." == way.table("list", "--query", "zzz")
    way.create("--name", "a cat")
    assert "No model has 'zzz' in its name or its ID." == way.table("list", "--query", "zzz")
    assert "No model in the trash has 'cat' in its name or its ID." == way.table("list", "--query", "cat", "--trash")
    assert "a cat" in way.table("list", "--query", "CAT")
    assert "The trash is empty." == way.table("list", "--trash")


def test_the_columns_stand_below_each_other_whatever_the_names_are(machine: Machine) -> None:
    hub = FakeHub()
    hub.create_model(name="a")
    hub.create_model(name="\x1b[2J\x1b[31m\u202egnp.exe\n\x07")
    hub.create_model(name="世界" * 10)
    hub.create_model(name="n" * 190)
    with LoopbackServer(hub) as server:
        status, said, _ = machine.outcome("models", "list", ULTRALYTICS_HUB_API=server.url, HUB_API_KEY=hub.api_key)
    assert 0 == status
    assert 5 == len(said)
    assert not {char for line in said for char in line} & {"\x1b", "\x07", "\u202e", "\n"}
    columns = {
        line.encode("utf-8").decode("utf-8").rindex("0 of 100") + line.count("世") + line.count("界")
        for line in said[1:]
    }
    assert 1 == len(columns)


def test_a_terminal_that_cannot_show_a_name(here: Way) -> None:
    here.create("--name", "世界")
    status, said, complaints = here.machine.ended("models", "list", PYTHONIOENCODING="latin-1")
    assert (0, []) == (status, complaints)
    assert said


def test_a_trained_model_with_all_that_belongs_to_it(machine: Machine) -> None:
    _, ready = machine.served()
    model = machine.json("models", "create", "--weights", "a.pt", "--data", "d", "--epochs", "3")
    url, headers = f"{ready['url']}/v1/models/{model['id']}", {"x-api-key": ready["key"]}
    metrics = {"0": json.dumps({"metrics/mAP50-95(B)": 0.25}), "1": json.dumps({"metrics/mAP50-95(B)": 0.5})}
    requests.post(
        url, json={"metrics": metrics, "type": "metrics"}, headers=headers, timeout=HANG_TIMEOUT
    ).raise_for_status()
    for fields, name in (
        ({"epoch": "1", "type": "epoch"}, "last.pt"),
        ({"epoch": "1", "type": "final", "map": "0.5"}, "best.pt"),
    ):
        requests.post(
            f"{url}/upload", data=fields, files={name: b"w" * 1500}, headers=headers, timeout=HANG_TIMEOUT
        ).raise_for_status()

    _, said, _ = machine.outcome("models", "show", model["id"])
    text = "\n".join(said)
    for words in (
        "trained",
        "2 of 3",
        "metrics/mAP50-95(B) 0.5",
        "epoch of epoch 1  1.5 kB",
        "final of epoch 1  1.5 kB",
        "/files/",
    ):
        assert words in text
    assert "0.5" in "\n".join(machine.outcome("models", "list")[1])

    machine.json("models", "delete", "--hard", "--yes", model["id"])
    assert [] == [path for path in (machine.data / "blobs" / "kept").rglob("*") if path.is_file()]


# Deleting for good.


def test_without_a_terminal_yes_must_be_said(here: Way) -> None:
    made = here.create()
    assert "--yes" in here.one_line("delete", "--hard", made["id"])
    assert [made["id"]] == [record["id"] for record in here.json("list")]


@pytest.mark.parametrize(("answer", "status", "left"), [("y\n", 0, 0), ("n\n", 1, 1), ("\n", 1, 1), ("yes\n", 0, 0)])
def test_on_a_terminal_it_asks(here: Way, monkeypatch: pytest.MonkeyPatch, answer: str, status: int, left: int) -> None:
    """In process: a terminal that is a test's own."""
    from hubport.app.cli.main import main

    made = here.create()
    for name, text in here.machine.environment().items():
        if name.startswith("HUBPORT"):
            monkeypatch.setenv(name, text)
    monkeypatch.delenv("ULTRALYTICS_HUB_API", raising=False)
    mine, theirs = pty.openpty()
    os.write(mine, answer.encode())
    with os.fdopen(theirs, "r") as terminal:
        monkeypatch.setattr("sys.stdin", terminal)
        assert status == main(["models", "delete", "--hard", made["id"]])
    os.close(mine)
    assert left == len(here.json("list"))


# Tables for spreadsheets.


@pytest.fixture
def with_metrics(machine: Machine) -> tuple[Machine, str]:
    _, ready = machine.served()
    model = machine.json("models", "create", "--weights", "a.pt", "--data", "d")
    values = {"train/loss": 0.5, "=cmd|' /C calc'!A0": 1, 'quote " and, comma': -2}
    body = {
        "metrics": {"0": json.dumps(values), "10": '{"train/loss": 0.25}', "9": '{"train/loss": null}'},
        "type": "metrics",
    }
    url = f"{ready['url']}/v1/models/{model['id']}"
    requests.post(url, json=body, headers={"x-api-key": ready["key"]}, timeout=HANG_TIMEOUT).raise_for_status()
    return machine, model["id"]


TABLE = [
    ["epoch", "train/loss", "'=cmd|' /C calc'!A0", 'quote " and, comma'],
    ["0", "0.5", "1", "-2"],
    ["9", "", "", ""],
    ["10", "0.25", "", ""],
]


def test_the_table_to_standard_output(with_metrics: tuple[Machine, str]) -> None:
    machine, model_id = with_metrics
    status, said, complaints = machine.outcome("models", "export-csv", model_id)
    assert (0, []) == (status, complaints)
    assert TABLE == list(csv.reader(said))


def test_the_table_in_a_file_is_rfc_4180(with_metrics: tuple[Machine, str]) -> None:
    machine, model_id = with_metrics
    file = machine.folder / "metrics.csv"
    file.write_text("an older one")
    result = machine.json("models", "export-csv", model_id, file)
    content = file.read_bytes()

    assert {"id": model_id, "file": str(file), "epochs": 3, "metrics": 3} == result
    assert TABLE == list(csv.reader(io.StringIO(content.decode(), newline="")))
    assert 4 == content.count(b"\r\n") == content.count(b"\n")
    assert [] == list(machine.folder.glob(".metrics*"))


def test_a_file_that_cannot_be_written(with_metrics: tuple[Machine, str]) -> None:
    machine, model_id = with_metrics
    missing = machine.folder / "no" / "such" / "folder.csv"
    status, said, complaints = machine.outcome("models", "export-csv", model_id, missing)
    assert (1, []) == (status, said)
    assert [f"hubport: No such file or directory: {missing}"] == complaints


def test_a_pipe_is_written_to_and_stays_one(with_metrics: tuple[Machine, str]) -> None:
    machine, model_id = with_metrics
    pipe = machine.folder / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    machine.json("models", "export-csv", model_id, pipe)
    with os.fdopen(reader) as table:
        assert TABLE == list(csv.reader(table))
    assert pipe.is_fifo()


def test_json_beside_the_table_needs_a_file(here: Way) -> None:
    assert "FILE" in here.one_line("export-csv", NOBODY, "--json")
    assert "FILE" in here.one_line("export-csv", NOBODY, "-", "--json")


def test_a_dash_is_stdout(with_metrics: tuple[Machine, str]) -> None:
    machine, model_id = with_metrics
    status, said, complaints = machine.outcome("models", "export-csv", model_id, "-")
    assert (0, []) == (status, complaints)
    assert TABLE == list(csv.reader(said))
    assert not (machine.folder / "-").exists()


def test_a_link_stays_one_and_its_file_is_written(with_metrics: tuple[Machine, str]) -> None:
    machine, model_id = with_metrics
    (machine.folder / "kept").mkdir()
    file, link = machine.folder / "kept" / "table.csv", machine.folder / "link.csv"
    file.write_text("an older one")
    link.symlink_to("kept/table.csv")
    machine.json("models", "export-csv", model_id, link)

    assert link.is_symlink()
    assert TABLE == list(csv.reader(io.StringIO(file.read_text())))


def test_one_epoch_of_one_metric_is_said_as_one(here: Way) -> None:
    hub = FakeHub()
    model = hub.create_model()
    file = here.machine.folder / "one.csv"
    with LoopbackServer(hub) as server:
        there = {"ULTRALYTICS_HUB_API": server.url, "HUB_API_KEY": hub.api_key}
        url, key = f"{server.url}/v1/models/{model.id}", {"x-api-key": hub.api_key}
        requests.post(url, json={"metrics": {"0": '{"loss": 1}'}}, headers=key, timeout=HANG_TIMEOUT).raise_for_status()
        assert [f"{file}: 1 epoch of 1 metric"] == here.machine.outcome(
            "models", "export-csv", model.id, file, **there
        )[1]
        requests.post(
            url, json={"metrics": {"1": '{"epoch": 1}'}}, headers=key, timeout=HANG_TIMEOUT
        ).raise_for_status()
        assert [f"{file}: 2 epochs of 2 metrics"] == here.machine.outcome(
            "models", "export-csv", model.id, file, **there
        )[1]
    assert "epoch,loss,epoch (metric)" == file.read_text().splitlines()[0]


# Which HUB.


def test_no_hub_at_all(machine: Machine) -> None:
    status, said, (line,) = machine.outcome("models", "list")
    assert (1, []) == (status, said)
    assert "hubport serve" in line
    assert str(machine.data) in line
    assert not machine.data.exists()


def test_a_folder_without_a_hub(machine: Machine) -> None:
    status, said, (line,) = machine.outcome("models", "list", "--data-dir", machine.folder)
    assert (1, []) == (status, said)
    assert f"there is no HUB in {machine.folder}" in line
    assert not (machine.folder / "hub.sqlite3").exists()


def test_no_key_and_a_wrong_one(machine: Machine) -> None:
    _, ready = machine.served()
    for key in ("", "0" * 42):
        status, said, (line,) = machine.outcome("models", "list", ULTRALYTICS_HUB_API=ready["url"], HUB_API_KEY=key)
        assert (1, []) == (status, said)
        assert "HUB_API_KEY" in line
        assert not key or key not in line


def test_nobody_answers(machine: Machine) -> None:
    status, said, (line,) = machine.outcome(
        "models", "list", ULTRALYTICS_HUB_API="http://127.0.0.1:1", HUB_API_KEY="0" * 42
    )
    assert (1, []) == (status, said)
    assert line.startswith("hubport: no answer from the HUB at http://127.0.0.1:1")


def test_a_database_by_its_url(machine: Machine) -> None:
    url = f"sqlite:///{machine.folder}/elsewhere.sqlite3"
    machine.json("keys", "create", "--database", url)
    made = machine.json("models", "create", "--weights", "a.pt", "--data", "d", "--database", url)
    assert [made["id"]] == [record["id"] for record in machine.json("models", "list", HUBPORT_DATABASE=url)]


# What makes no sense.


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("unheard-of",),
        ("show",),
        ("delete",),
        ("restore",),
        ("export-csv",),
        ("create",),
        ("create", "--weights", "a.pt"),
        ("create", "--data", "d"),
        ("create", "--weights", "", "--data", "d"),
        ("create", "--weights", "a.pt", "--data", "d", "--epochs", "0"),
        ("create", "--weights", "a.pt", "--data", "d", "--epochs", "many"),
        ("create", "--weights", "a.pt", "--data", "d", "--imgsz", "0"),
        ("create", "--weights", "a.pt", "--data", "d", "--batch", "-2"),
        ("create", "--weights", "a.pt", "--data", "d", "--batch", "0.7"),
        ("create", "--weights", "a.pt", "--data", "d", "--patience", "-1"),
        ("create", "--weights", "a.pt", "--data", "d", "--epochs", "9" * 5000),
        ("create", "--weights", "a.pt", "--data", "d", "--device", " "),
        ("create", "--weights", "a.pt", "--data", "d", "--cache", "\x1b"),
        ("create", "--weights", "a.pt", "--data", "d", "--name", "n" * 201),
        ("list", "--limit", "0"),
        ("list", "--query", ""),
    ],
)
def test_wrong_usage(machine: Machine, arguments: tuple[str, ...]) -> None:
    status, said, complaints = machine.outcome("models", *arguments)
    assert (2, []) == (status, said)
    assert complaints[0].startswith("usage: hubport models")
    assert not machine.data.exists()


def test_who_reads_us_has_seen_enough(machine: Machine) -> None:
    hub = FakeHub()
    for _ in range(50):
        hub.create_model(name="n" * 190)
    with LoopbackServer(hub) as server:
        child: Child = machine.hubport(
            "models", "list", "--json", ULTRALYTICS_HUB_API=server.url, HUB_API_KEY=hub.api_key
        )
        child._stdout.close()
        assert 1 == child.end()
    assert "" == child.stderr
