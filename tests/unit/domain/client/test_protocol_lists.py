"""What owners of models say to a HUB: lists, changes, deletions."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

from hypothesis import given
from hypothesis import strategies as st

from hubport.domain.client.credentials import Credentials
from hubport.domain.client.protocol import HubProtocol

PROTOCOL = HubProtocol(Credentials("k" * 42))
ID = "Ab3Cd5Ef7Gh9Ij1Kl2Mn"


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=50), st.none() | st.text("0123456789", min_size=1))
def test_a_query_arrives_as_it_was_asked(query: str, cursor: str | None) -> None:
    request = PROTOCOL.list_models(limit=7, cursor=cursor, query=query)
    url = urlsplit(request.path)
    asked = {name: values[0] for name, values in parse_qs(url.query, keep_blank_values=True).items()}

    assert ("GET", "/v1/models") == (request.method, url.path)
    assert {"limit": "7", "query": query} | ({} if cursor is None else {"last_doc_id": cursor}) == asked


def test_the_trash_is_asked_for() -> None:
    assert "trashed=true" in PROTOCOL.list_models(limit=1, is_trashed=True).path
    assert "trashed" not in PROTOCOL.list_models(limit=1).path


def test_a_deletion_says_which_it_is() -> None:
    trash, gone = PROTOCOL.delete_model(ID), PROTOCOL.delete_model(ID, is_hard=True)
    assert ("DELETE", f"/v1/models/{ID}?hard=false") == (trash.method, trash.path)
    assert ("DELETE", f"/v1/models/{ID}?hard=true") == (gone.method, gone.path)


def test_a_change_is_the_part_that_changes() -> None:
    change = PROTOCOL.change_model(ID, {"trashed": False})
    assert ("PATCH", f"/v1/models/{ID}", {"trashed": False}) == (change.method, change.path, change.json)
