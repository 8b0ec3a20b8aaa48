"""Each script does on the wire what it says, seen by a client of bare sockets; and the ledger says the same."""

from __future__ import annotations

import json
import socket

import pytest

from hubport.domain.hub.model import HubModel
from hubport.testing import FakeHub
from hubport.testing.contracts.waiting import BackgroundThread
from hubport.testing.lab import (
    Answer,
    DripBody,
    DripHeaders,
    DropAnswer,
    Empty,
    End,
    Entry,
    Hang,
    Html,
    Lab,
    Late,
    RateLimited,
    Raw,
    Redirect,
    Refuse,
    Reset,
    ResetAnswer,
    Restart,
    Script,
    Stall,
    Status,
    TooLarge,
    TruncateAnswer,
)
from tests.integration.lab.client import METRICS, Client, get, metrics, upload

BIG = 20_000_000
"""More than the kernel takes of a client whose server takes nothing."""


def ended(lab: Lab, number: int = 0) -> Entry:
    """The *number*-th request, when it has ended."""
    lab.ledger.wait_for(lambda: len(lab.ledger) > number and lab.ledger[number].end)
    return lab.ledger[number]


def test_nothing_ordered_is_the_answer_of_the_hub_behind(lab: Lab, hub: FakeHub, model: HubModel) -> None:
    with Client(lab) as client:
        for _ in range(3):
            client.say(metrics(hub, model.id))
            status, body = client.answer()
            assert (200, True) == (status, json.loads(body)["success"])

    entry = ended(lab, 2)
    assert (Answer(), 200, True, End.ANSWERED) == (entry.script, entry.status, entry.committed, entry.end)
    assert entry.announced == entry.received == len(json.dumps(METRICS))
    assert {1} == {entry.connection for entry in lab.ledger}


def test_refuse_is_a_refused_connection_and_a_reset_for_those_there_are(
    lab: Lab, hub: FakeHub, model: HubModel
) -> None:
    with Client(lab) as client:
        client.say(metrics(hub, model.id))
        assert client.answer()[0] == 200
        lab.always(Refuse())
        with pytest.raises(ConnectionRefusedError):
            Client(lab)
        assert b"" == client.rest().data
    lab.heal()
    with Client(lab) as client:
        client.say(metrics(hub, model.id))
        assert client.answer()[0] == 200


def test_a_refusing_port_is_kept(lab: Lab, hub: FakeHub) -> None:
    lab.always(Refuse())
    with socket.socket() as other, pytest.raises(OSError, match="in use"):
        other.bind(("127.0.0.1", lab.port))


@pytest.mark.parametrize("script", [Hang(), Stall(after=10), Stall(), DripHeaders(every=0.01), DripBody(every=0.01)])
def test_who_hangs_is_let_go_by_heal_without_an_answer(lab: Lab, hub: FakeHub, model: HubModel, script: Script) -> None:
    lab.always(script)
    with Client(lab) as client:
        client.say(metrics(hub, model.id))
        (hanging,) = lab.ledger.wait_for_hanging("metrics")
        assert (script, None, False) == (hanging.script, hanging.end, hanging.committed)
        lab.heal()
        assert (End.LET_GO, False) == (lab.ledger[0].end, lab.ledger[0].hangs)
        assert not client.rest().data.endswith(b"}")
    assert {} == hub.metrics(model.id)


@pytest.mark.parametrize("script", [Hang(), Stall(after=10), Late(), DripHeaders(every=0.01), DripBody(every=0.01)])
def test_who_goes_is_seen_to_go(lab: Lab, hub: FakeHub, model: HubModel, script: Script) -> None:
    lab.always(script)
    with Client(lab) as client:
        client.say(metrics(hub, model.id))
        lab.ledger.wait_for_hanging("metrics")
    assert End.LEFT == ended(lab).end


def test_hang_takes_all_of_a_large_body(lab: Lab, hub: FakeHub, model: HubModel) -> None:
    lab.always(Hang())
    with Client(lab) as client:
        client.say(upload(hub, model.id, bytes(BIG)))
        (hanging,) = lab.ledger.wait_for_hanging("upload")
        assert hanging.received == hanging.announced > BIG


def test_stall_takes_no_more_than_it_says(lab: Lab, hub: FakeHub, model: HubModel) -> None:
    lab.always(Stall(after=1000))
    with Client(lab) as client:
        sending = BackgroundThread(lambda: client.say(upload(hub, model.id, bytes(BIG))))
        (hanging,) = lab.ledger.wait_for_hanging("upload")
        assert hanging.received == 1000
        assert not sending.is_done  # the kernel's buffers are full, and stay so
        lab.heal()
        with pytest.raises(ConnectionError):
            sending.join()


def test_late_answers_when_the_test_heals(lab: Lab, hub: FakeHub, model: HubModel) -> None:
    lab.always(Late())
    with Client(lab) as client:
        client.say(metrics(hub, model.id))
        lab.ledger.wait_for_hanging("metrics")
        assert {} == hub.metrics(model.id)
        lab.heal()
        assert client.answer()[0] == 200
        client.say(metrics(hub, model.id))  # and the connection is as good as ever
        assert client.answer()[0] == 200
    assert [(True, End.ANSWERED)] * 2 == [(entry.committed, entry.end) for entry in lab.ledger]


@pytest.mark.parametrize(
    ("script", "begin", "padding"),
    [
        (DripHeaders(every=0.001), b"HTTP/1.1 200 OK\r\nx-padding: ", b"x"),
        (DripBody(every=0.001), b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: ", b" "),
    ],
)
def test_what_drips_comes_byte_by_byte(
    lab: Lab, hub: FakeHub, model: HubModel, *, script: Script, begin: bytes, padding: bytes
) -> None:
    lab.play(script)
    with Client(lab) as client:
        client.say(metrics(hub, model.id))
        assert begin == client.hear(len(begin))
        client.hear(60)
        assert {padding} == {client.hear(1) for _ in range(20)}
    assert (200, False) == (ended(lab).status, ended(lab).committed)


@pytest.mark.parametrize("after", [0, 1, 1000, 5_000_000])
def test_reset_comes_after_so_many_bytes(lab: Lab, hub: FakeHub, model: HubModel, after: int) -> None:
    lab.play(Reset(after))
    with Client(lab) as client:
        sending = BackgroundThread(lambda: client.say(upload(hub, model.id, bytes(BIG))))
        with pytest.raises(ConnectionError):
            sending.join()
        assert b"" == client.rest().data
    assert (after, End.BROKEN, None) == (ended(lab).received, ended(lab).end, ended(lab).status)


def test_reset_of_a_shorter_body_comes_at_its_end(lab: Lab, hub: FakeHub, model: HubModel) -> None:
    lab.play(Reset(after=1 << 30))
    with Client(lab) as client:
        client.say(metrics(hub, model.id))
        assert client.rest().is_reset
    assert ended(lab).received == ended(lab).announced
    assert {} == hub.metrics(model.id)


def test_restart_ends_every_connection_and_listens_again_at_the_same_port(
    lab: Lab, hub: FakeHub, model: HubModel
) -> None:
    lab.play(Restart(after=1000), on="upload")
    with Client(lab) as idle, Client(lab) as hanging, Client(lab) as client:
        idle.say(metrics(hub, model.id))
        assert idle.answer()[0] == 200
        lab.always(Hang(), on="auth")
        hanging.say(get("/v1/auth"))
        lab.ledger.wait_for_hanging("auth")
        sending = BackgroundThread(lambda: client.say(upload(hub, model.id, bytes(BIG))))
        with pytest.raises(ConnectionError):
            sending.join()
        assert [b"", b""] == [idle.rest().data, hanging.rest().data]
    lab.ledger.wait_for(lambda: all(entry.end for entry in lab.ledger))
    with Client(lab) as client:
        client.say(metrics(hub, model.id))
        assert client.answer()[0] == 200
    assert [End.ANSWERED, End.LET_GO, End.BROKEN] == [entry.end for entry in lab.ledger][:3]


def test_a_restart_of_the_test_keeps_what_was_ordered(lab: Lab, hub: FakeHub, model: HubModel) -> None:
    lab.always(Status(503))
    lab.restart()
    with Client(lab) as client:
        client.say(metrics(hub, model.id))
        assert client.answer()[0] == 503


def test_drop_answer_commits_and_says_nothing(lab: Lab, hub: FakeHub, model: HubModel) -> None:
    lab.play(DropAnswer())
    with Client(lab) as client:
        client.say(metrics(hub, model.id))
        heard = client.rest()
    assert (b"", True) == (heard.data, heard.is_reset)
    assert {0: {"loss": 1.0}} == hub.metrics(model.id)
    assert (True, None, End.BROKEN) == (ended(lab).committed, ended(lab).status, ended(lab).end)


def test_reset_answer_commits_and_ends_in_the_middle(lab: Lab, hub: FakeHub, model: HubModel) -> None:
    lab.play(ResetAnswer(after=12))
    with Client(lab) as client:
        client.say(metrics(hub, model.id))
        heard = client.rest()
    assert b"HTTP/1.1 200"[: len(heard.data)] == heard.data  # a reset may overtake what was said before it
    assert heard.is_reset
    assert {0: {"loss": 1.0}} == hub.metrics(model.id)


@pytest.mark.parametrize("by", [1, 10])
def test_truncate_answer_commits_and_ends_in_good_order_too_early(
    lab: Lab, hub: FakeHub, model: HubModel, by: int
) -> None:
    lab.play(TruncateAnswer(by))
    with Client(lab) as client:
        client.say(metrics(hub, model.id))
        heard = client.rest()
    head, _, body = heard.data.partition(b"\r\n\r\n")
    announced = int(head.lower().partition(b"content-length: ")[2].split(b"\r\n")[0])
    assert (announced - by, False) == (len(body), heard.is_reset)
    assert {0: {"loss": 1.0}} == hub.metrics(model.id)
    assert ended(lab).committed


@pytest.mark.parametrize(
    ("script", "status", "body"),
    [
        (Status(503), 503, b'"success": false'),
        (Status(422, "no such epoch"), 422, b"no such epoch"),
        (Html(), 200, b"<html>"),
        (Html(502), 502, b"<html>"),
        (Html(404), 404, b"<html>"),
        (Empty(), 200, b""),
        (Empty(204), 204, b""),
        (Redirect("http://elsewhere.invalid/x"), 302, b"moved"),
        (Redirect("http://elsewhere.invalid/x", 307), 307, b"moved"),
        (RateLimited(), 429, b"too many requests"),
    ],
    ids=str,
)
def test_a_wrong_answer_is_said_and_the_connection_goes_on(
    lab: Lab, hub: FakeHub, model: HubModel, *, script: Script, status: int, body: bytes
) -> None:
    lab.play(script)
    with Client(lab) as client:
        client.say(metrics(hub, model.id))
        said, content = client.answer()
        assert status == said
        assert body in content
        assert {} == hub.metrics(model.id)
        client.say(metrics(hub, model.id))
        assert client.answer()[0] == 200
    entry = ended(lab)
    assert (script, status, False, End.ANSWERED) == (entry.script, entry.status, entry.committed, entry.end)


def test_a_redirect_names_its_target(lab: Lab) -> None:
    lab.play(Redirect("http://elsewhere.invalid/x?token=1"))
    with Client(lab) as client:
        client.say(get("/v1/auth"))
        client.sock.shutdown(socket.SHUT_WR)
        assert b"\r\nlocation: http://elsewhere.invalid/x?token=1\r\n" in client.rest().data


@pytest.mark.parametrize(
    ("headers", "names"),
    [
        ("all", {b"x-ratelimit-limit", b"x-ratelimit-remaining", b"retry-after", b"x-ratelimit-reset"}),
        ("garbage", {b"x-ratelimit-limit", b"x-ratelimit-remaining", b"retry-after", b"x-ratelimit-reset"}),
        ("none", set()),
    ],
)
def test_a_rate_limit_has_its_headers_or_none(lab: Lab, headers: str, names: set[bytes]) -> None:
    lab.play(RateLimited(7, headers))  # type: ignore[arg-type]
    with Client(lab) as client:
        client.say(get("/v1/auth"))
        client.sock.shutdown(socket.SHUT_WR)
        head = client.rest().data.partition(b"\r\n\r\n")[0]
    found = {line.partition(b":")[0] for line in head.split(b"\r\n")} & {
        b"x-ratelimit-limit",
        b"x-ratelimit-remaining",
        b"retry-after",
        b"x-ratelimit-reset",
    }
    assert names == found
    assert (headers == "all") == (b"\r\nretry-after: 7\r\n" in head)


@pytest.mark.parametrize("lingers", [True, False])
def test_too_large_is_said_before_the_body_is_through(
    lab: Lab, hub: FakeHub, model: HubModel, *, lingers: bool
) -> None:
    lab.play(TooLarge(lingers=lingers))
    whole = upload(hub, model.id, bytes(BIG))
    with Client(lab) as client:
        client.say(whole[:1000])
        assert client.answer()[0] == 413
        if lingers:
            client.say(whole[1000:])  # is heard, and not answered
            client.sock.shutdown(socket.SHUT_WR)
            assert not client.rest().is_reset
        else:
            with pytest.raises(ConnectionError):
                client.say(whole[1000:])
    assert (413, False, End.BROKEN) == (ended(lab).status, ended(lab).committed, ended(lab).end)
    assert () == hub.checkpoints(model.id)


def test_say_says_exactly_these_bytes(lab: Lab, hub: FakeHub, model: HubModel) -> None:
    lab.play(Raw(b"SSH-2.0-OpenSSH_9.6\r\n"))
    with Client(lab) as client:
        client.say(metrics(hub, model.id))
        client.sock.shutdown(socket.SHUT_WR)
        assert b"SSH-2.0-OpenSSH_9.6\r\n" == client.rest().data
