"""`hubport serve`, as a user starts and stops it."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shlex
import signal
import socket
import sqlite3
import threading
from pathlib import Path

import pytest
import requests

import hubport
from hubport.app.cli.commands.serve import _ready
from hubport.app.cli.main import main
from hubport.app.hub.service import ServerInfo
from hubport.app.hub.settings import HubSettings
from hubport.testing.lab import HANG_TIMEOUT
from tests.integration.cli.conftest import Machine
from tests.threads import left_since

KEY = re.compile(r"[0-9a-f]{42}")


def listens(url: str) -> bool:
    return requests.post(f"{url}/v1/auth", timeout=HANG_TIMEOUT).status_code == 401


def takes(url: str, key: str | None) -> bool:
    return requests.post(f"{url}/v1/auth", headers={"x-api-key": str(key)}, timeout=HANG_TIMEOUT).status_code == 200


def until_nobody_listens(port: int) -> None:
    with contextlib.suppress(ConnectionError):
        while True:
            socket.create_connection(("127.0.0.1", port), timeout=HANG_TIMEOUT).close()


def everything_below(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())


def test_the_first_start_shows_a_key_and_the_lines_to_paste(machine: Machine) -> None:
    child = machine.hubport("serve", "--port", 0)
    said = [child.line() for _ in range(12)]
    text = "\n".join(said)
    url = re.search(r"ULTRALYTICS_HUB_API=(\S+) ULTRALYTICS_HUB_WEB=(\S+)", text)
    key = re.search(r"HUB_API_KEY=(\S+)", text)
    assert url is not None
    assert key is not None
    assert url[1] == url[2]
    assert KEY.fullmatch(key[1])
    assert f"https://hub.ultralytics.com/models/{key[1]}_<ID>" in text
    assert f"{url[1]}/#key={key[1]}" in text
    assert str(machine.data) in text
    assert takes(url[1], key[1])


def test_a_port_of_its_own_choice_is_said_behind_an_address_for_clients(machine: Machine) -> None:
    child = machine.hubport("serve", "--port", 0, "--url", "https://hub.example.org")
    assert child.line().startswith("A HUB at https://hub.example.org, ")
    listening = re.fullmatch(r"It listens at (http://127\.0\.0\.1:\d+)\.", child.line())
    assert listening is not None
    assert listens(listening[1])
    _, ready = machine.served("--url", "https://hub.example.org")
    assert "https://hub.example.org" == ready["url"]
    assert listens(ready["listening"])


def test_servers_that_start_at_once_make_one_first_key(machine: Machine) -> None:
    machine.data.mkdir(mode=0o700)
    machine.json("keys", "list", HUBPORT_DATABASE=f"sqlite:///{machine.data}/hub.sqlite3")  # the tables are there
    children = [machine.hubport("serve", "--port", 0, "--json") for _ in range(4)]
    keys = [json.loads(child.line())["key"] for child in children]
    assert 1 == len([key for key in keys if key is not None])
    assert ["first"] == [key["name"] for key in machine.json("keys", "list")]


def test_the_address_is_not_written_through_a_link(machine: Machine) -> None:
    elsewhere = machine.folder / "elsewhere"
    elsewhere.write_text("of somebody else")
    machine.data.mkdir(mode=0o700)
    (machine.data / "address").symlink_to(elsewhere)
    machine.served()
    assert "of somebody else" == elsewhere.read_text()


def test_only_the_hash_of_the_key_is_kept(machine: Machine) -> None:
    child, ready = machine.served()
    assert takes(ready["url"], ready["key"])
    child.terminate()
    assert 0 == child.end()
    assert "" == child.stderr
    kept = everything_below(machine.data)
    assert len(kept) > 1000
    assert ready["key"].encode() not in kept


def test_a_later_start_has_no_key_to_show_and_says_how_to_make_one(machine: Machine) -> None:
    first, ready = machine.served()
    first.terminate()
    assert 0 == first.end()
    second = machine.hubport("serve", "--port", 0)
    said = "\n".join(second.line() for _ in range(5))
    assert KEY.search(said) is None
    assert "hubport keys create" in said
    url = re.search(r"ULTRALYTICS_HUB_API=(\S+)", said)
    assert url is not None
    assert takes(url[1], ready["key"])


def test_the_command_that_it_names_makes_a_key_of_this_hub(machine: Machine) -> None:
    folder = machine.folder / "a folder with blanks"
    first, _ = machine.served("--data-dir", folder)
    first.terminate()
    assert 0 == first.end()
    child = machine.hubport("serve", "--port", 0, "--data-dir", folder)
    text = "\n".join(child.line() for _ in range(5))
    command = re.search(r"`hubport (keys create .*)`", text)
    url = re.search(r"ULTRALYTICS_HUB_API=(\S+)", text)
    assert command is not None
    assert url is not None
    made = machine.json(*shlex.split(command[1]))
    assert takes(url[1], made["key"])


@pytest.mark.parametrize("name", ["job%2Fmain", "100% a@b", "what?a=b#1"])
def test_its_folder_and_the_outbox_may_be_called_anything(machine: Machine, name: str) -> None:
    """They are paths, and no part of a URL."""
    data, state = machine.folder / "hubs" / name, machine.folder / "states" / name
    _, ready = machine.served("--data-dir", data)
    model = machine.json("models", "create", "--weights", "n.pt", "--data", "coco8.yaml", "--data-dir", data)
    weights = machine.folder / "weights"
    weights.mkdir()
    file = weights / f"{name}.pt"
    file.write_bytes(b"weights")
    with machine.inhabited(HUBPORT_STATE_DIR=str(state), ULTRALYTICS_HUB_API=ready["url"], HUB_API_KEY=ready["key"]):
        session = hubport.connect(model["id"])
        session.log_metrics(0, {"loss": 1.0})
        report = session.finish(str(file), epoch=0, map=0.5)

    assert report.is_complete, report
    assert "trained" == machine.json("models", "show", model["id"], "--data-dir", data)["status"]
    assert [data] == list((machine.folder / "hubs").iterdir())
    assert [state] == list((machine.folder / "states").iterdir())


@pytest.mark.parametrize("how", ["--data-dir", "--database"])
def test_a_database_that_an_earlier_version_put_elsewhere_is_not_begun_anew(machine: Machine, how: str) -> None:
    """It read %2F in the path as a slash: its owner is told where the models are."""
    old, folder = machine.folder / "job" / "main", machine.folder / "job%2Fmain"
    made = machine.json("keys", "create", "--database", f"sqlite:///{old}/hub.sqlite3")
    place = str(folder) if how == "--data-dir" else f"sqlite:///{folder}/hub.sqlite3"
    for command in (("serve", "--port", 0), ("keys", "create"), ("keys", "list"), ("models", "list")):
        line = one_line(machine.outcome(*command, how, place))
        assert how in line
        assert f"{old}/hub.sqlite3" in line
        assert f"{folder}/hub.sqlite3" in line
    assert not (folder / "hub.sqlite3").exists()

    folder.mkdir(exist_ok=True)
    for file in old.iterdir():
        file.rename(folder / file.name)
    assert [made["id"]] == [key["id"] for key in machine.json("keys", "list", how, place)]


def test_its_folder_is_the_users_alone(machine: Machine) -> None:
    machine.served()
    assert 0o700 == machine.data.stat().st_mode & 0o777
    for path in machine.data.rglob("*"):
        assert not path.stat().st_mode & 0o077, path


def test_an_option_beats_the_environment(machine: Machine) -> None:
    _, ready = machine.served("--data-dir", machine.folder / "other")
    assert str(machine.folder / "other") == ready["data_dir"]
    assert not machine.data.exists()


@pytest.mark.parametrize(("number", "status"), [(signal.SIGTERM, 0), (signal.SIGINT, 130)])
@pytest.mark.parametrize("arguments", [("--json",), ()], ids=["json", "text"])
def test_in_this_process_it_leaves_nothing_behind(
    machine: Machine, number: signal.Signals, status: int, arguments: tuple[str, ...]
) -> None:
    """No thread, no connection to the database, no socket: warnings are errors here."""
    threads = set(threading.enumerate())
    handlers = [signal.getsignal(each) for each in (signal.SIGTERM, signal.SIGINT)]
    reading, writing = os.pipe()

    def stop_it() -> None:
        with os.fdopen(reading) as ready:
            ready.readline()
            os.kill(os.getpid(), number)
            ready.read()

    stopper = threading.Thread(target=stop_it)
    stopper.start()
    try:
        with machine.inhabited(), os.fdopen(writing, "w") as stdout, contextlib.redirect_stdout(stdout):
            assert status == main(["serve", "--port", "0", *arguments])
    finally:
        stopper.join()
        for each, handler in zip((signal.SIGTERM, signal.SIGINT), handlers, strict=True):
            signal.signal(each, handler)
    assert set() == left_since(threads)


@pytest.mark.parametrize(("number", "status"), [(signal.SIGTERM, 0), (signal.SIGINT, 130)])
def test_it_stops_when_it_is_told_to(machine: Machine, number: int, status: int) -> None:
    child, ready = machine.served()
    assert listens(ready["url"])
    child.signal(number)
    assert (status, "") == (child.end(), child.stderr)


def test_an_upload_under_way_is_finished_before_it_stops(machine: Machine) -> None:
    child, ready = machine.served()
    model = machine.json("models", "create", "--weights", "a.pt", "--data", "d.yaml")
    port = int(ready["url"].rpartition(":")[2])
    form = (
        b'--b\r\ncontent-disposition: form-data; name="epoch"\r\n\r\n0\r\n'
        b'--b\r\ncontent-disposition: form-data; name="type"\r\n\r\nepoch\r\n'
        b'--b\r\ncontent-disposition: form-data; name="last.pt"; filename="last.pt"\r\n\r\nweights\r\n--b--\r\n'
    )
    head = (
        f"POST /v1/models/{model['id']}/upload HTTP/1.1\r\nhost: 127.0.0.1\r\nx-api-key: {ready['key']}\r\n"
        f"content-type: multipart/form-data; boundary=b\r\ncontent-length: {len(form)}\r\nexpect: 100-continue\r\n\r\n"
    )
    with socket.create_connection(("127.0.0.1", port), timeout=HANG_TIMEOUT) as client:
        client.sendall(head.encode())
        assert client.recv(100).startswith(b"HTTP/1.1 100")  # it reads the body
        client.sendall(form[:-50])
        child.terminate()
        until_nobody_listens(port)  # and it is not gone
        client.sendall(form[-50:])
        assert client.recv(100).startswith(b"HTTP/1.1 200")
    assert 0 == child.end()
    assert "training" == machine.json("models", "show", model["id"])["status"]


def test_a_second_ctrl_c_ends_it_at_once(machine: Machine) -> None:
    """Here with a request under way, which it would otherwise wait for."""
    child, ready = machine.served()
    port = int(ready["url"].rpartition(":")[2])
    with socket.create_connection(("127.0.0.1", port), timeout=HANG_TIMEOUT) as client:
        client.sendall(
            f"POST /v1/models HTTP/1.1\r\nhost: a\r\nx-api-key: {ready['key']}\r\ncontent-length: 9\r\n"
            "expect: 100-continue\r\n\r\n".encode()
        )
        assert client.recv(100).startswith(b"HTTP/1.1 100")
        child.interrupt()
        until_nobody_listens(port)
        child.interrupt()
        assert -signal.SIGINT == child.end()


def test_a_session_trains_a_model_of_it_to_the_end(machine: Machine) -> None:
    _, ready = machine.served()
    model = machine.json("models", "create", "--weights", "yolov5n.pt", "--data", "coco8.yaml", "--epochs", "2")
    settings = hubport.Settings(
        api_root=ready["url"],
        web_root=ready["url"],
        state_dir=machine.folder / "state",
        handle_signals=False,
        progress=False,
    )
    weights = machine.folder / "best.pt"
    weights.write_bytes(b"the weights")
    with hubport.connect(model["url"], api_key=ready["key"], settings=settings) as session:
        assert ("yolov5nu.pt", 2) == (session.model_file, session.train_args["epochs"])
        for epoch in range(2):
            session.log_metrics(epoch, {"train/loss": 1 / (epoch + 1)})
        report = session.finish(weights, epoch=1, map=0.5)
    assert report.is_complete
    held = machine.json("models", "show", model["id"])
    assert ("trained", 1) == (held["status"], held["progress"]["epoch"])
    assert b"the weights" == requests.get(held["weights"], timeout=HANG_TIMEOUT).content


def test_a_second_server_may_share_the_data(machine: Machine) -> None:
    _, first = machine.served()
    _, second = machine.served()
    assert first["url"] != second["url"]
    assert second["key"] is None
    model = machine.json(
        "models",
        "create",
        "--weights",
        "a.pt",
        "--data",
        "d",
        ULTRALYTICS_HUB_API=first["url"],
        HUB_API_KEY=first["key"],
    )
    seen = machine.json("models", "list", ULTRALYTICS_HUB_API=second["url"], HUB_API_KEY=first["key"])
    assert [model["id"]] == [record["id"] for record in seen]


def test_links_hang_below_the_address_that_clients_use(machine: Machine) -> None:
    child, ready = machine.served("--url", "https://hub.example.org/hub/")
    assert "https://hub.example.org/hub" == ready["url"]
    model = machine.json("models", "create", "--weights", "a.pt", "--data", "d")
    assert f"https://hub.example.org/hub/models/{model['id']}" == model["url"]
    child.terminate()
    assert 0 == child.end()


def test_the_rate_limit_is_for_each_key(machine: Machine) -> None:
    _, ready = machine.served("--rate-limit", 3)
    statuses = [
        requests.post(f"{ready['url']}/v1/auth", headers={"x-api-key": ready["key"]}, timeout=HANG_TIMEOUT).status_code
        for _ in range(4)
    ]
    assert [200, 200, 200, 429] == statuses


def test_the_largest_upload_is_a_setting(machine: Machine) -> None:
    _, ready = machine.served("--max-upload", "10kB")
    model = machine.json("models", "create", "--weights", "a.pt", "--data", "d")

    def upload(size: int) -> int:
        return requests.post(
            f"{ready['url']}/v1/models/{model['id']}/upload",
            data={"epoch": "0", "type": "epoch"},
            files={"last.pt": b"x" * size},
            headers={"x-api-key": ready["key"]},
            timeout=HANG_TIMEOUT,
        ).status_code

    assert [200, 413] == [upload(1000), upload(20_000)]


def test_a_hub_that_lets_nobody_in_says_so(machine: Machine) -> None:
    machine.json("keys", "revoke", machine.json("keys", "create")["id"])
    child = machine.hubport("serve", "--port", 0)
    assert "nobody gets in: `hubport keys create` makes one." in "\n".join(child.line() for _ in range(5))


def test_keys_that_would_cross_a_network_in_the_clear_are_warned_of(machine: Machine) -> None:
    settings = HubSettings(data_dir=machine.data, host="192.0.2.1", allow_remote=True)
    assert "in the clear" in _ready(ServerInfo("http://192.0.2.1:8421", None, has_keys=True), settings)
    assert "in the clear" not in _ready(ServerInfo("https://hub.example.org", None, has_keys=True), settings)


# Clear errors.


def one_line(outcome: tuple[int, list[str], list[str]], status: int = 1) -> str:
    assert (status, []) == outcome[:2]
    (line,) = outcome[2]
    assert line.startswith("hubport: ")
    return line


def test_a_port_that_is_taken(machine: Machine) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        line = one_line(machine.outcome("serve", "--port", port))
    assert f"127.0.0.1:{port}" in line
    assert "take another --port" in line
    assert KEY.search(line) is None


def test_an_address_that_is_not_this_machines(machine: Machine) -> None:
    assert "--host" in one_line(machine.outcome("serve", "--host", "192.0.2.1", "--allow-remote"))
    assert "--host" in one_line(machine.outcome("serve", "--host", "no-such-host.invalid", "--allow-remote"))


def test_an_address_that_others_reach_must_be_asked_for(machine: Machine) -> None:
    assert "--allow-remote" in one_line(machine.outcome("serve", "--host", "0.0.0.0"))  # noqa: S104
    assert not machine.data.exists()


def test_it_is_not_served_to_others_without_a_key(machine: Machine) -> None:
    key = machine.json("keys", "create")
    machine.json("keys", "revoke", key["id"])
    line = one_line(machine.outcome("serve", "--host", "0.0.0.0", "--port", 0, "--allow-remote"))  # noqa: S104
    assert "hubport keys create" in line


def test_a_database_that_does_not_answer(machine: Machine) -> None:
    url = "postgresql://hub:the-password@127.0.0.1:1/hub"
    line = one_line(machine.outcome("serve", "--port", 0, "--database", url))
    assert "127.0.0.1:1" in line
    assert "the-password" not in line
    assert "the-password" not in one_line(machine.outcome("serve", HUBPORT_DATABASE=url))


def test_a_data_directory_that_cannot_be(machine: Machine) -> None:
    (machine.folder / "file").touch()
    line = one_line(machine.outcome("serve", "--data-dir", machine.folder / "file" / "below"))
    assert "--data-dir" in line


def test_a_database_that_is_none(machine: Machine) -> None:
    machine.data.mkdir()
    (machine.data / "hub.sqlite3").write_bytes(b"this is no database" * 1000)
    assert "hub.sqlite3" in one_line(machine.outcome("serve"))


def test_the_database_of_a_later_version(machine: Machine) -> None:
    machine.json("keys", "create")
    with sqlite3.connect(machine.data / "hub.sqlite3") as database:
        database.execute("UPDATE hubport_version SET version_num = 'r9999'")
    database.close()
    assert "upgrade hubport" in one_line(machine.outcome("serve"))


@pytest.mark.parametrize(
    "arguments",
    [
        ("--port", "65536"),
        ("--port", "-1"),
        ("--port", "http"),
        ("--keep", "0"),
        ("--rate-limit", "0"),
        ("--rate-limit", "1.5"),
        ("--max-upload", "much"),
        ("--max-upload", "0"),
        ("--max-upload", "-1GB"),
        ("--unheard-of",),
        ("more",),
    ],
)
def test_what_makes_no_sense(machine: Machine, arguments: tuple[str, ...]) -> None:
    status, said, complaints = machine.outcome("serve", *arguments)
    assert (2, []) == (status, said)
    assert complaints[0].startswith("usage: hubport")
    assert not machine.data.exists()


@pytest.mark.parametrize("url", ["hub.example.org", "https://hub/?q", "", "https://u:p@h"])
def test_an_address_for_clients_that_is_none(machine: Machine, url: str) -> None:
    assert "--url" in one_line(machine.outcome("serve", "--url", url))


def test_what_is_wrong_with_the_bucket(machine: Machine) -> None:
    line = one_line(machine.outcome("serve", "--blobs", "s3://", AWS_EC2_METADATA_DISABLED="true"))
    assert "s3://" in line


def test_what_it_says_of_clients_that_die(machine: Machine) -> None:
    child, ready = machine.served()
    port = int(ready["url"].rpartition(":")[2])
    for request in (
        b"",
        b"GET /v1",
        b"POST /v1/auth HTTP/1.1\r\ncontent-length: 100\r\n\r\nabc",
        b"\x16\x03\x01 no\r\n\r\n",
    ):
        with socket.create_connection(("127.0.0.1", port), timeout=HANG_TIMEOUT) as client:
            client.sendall(request)
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    assert listens(ready["url"])
    child.terminate()
    assert (0, "") == (child.end(), child.stderr)
