"""The pages and the API's document, as the server gives them."""

import json

import pytest

from tests.integration.hub.wires import MODEL, PATH, Talk, served

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


@pytest.mark.parametrize("path", ["/", f"/models/{MODEL}", f"/models/{MODEL}?api_key=0123", "/static/style.css"])
def test_pages_are_given_to_anybody_and_load_nothing_from_elsewhere(path: str) -> None:
    with served() as server, Talk(server) as talk:
        talk.ask("GET", path, key=None)
        answer = talk.heard()
        kind = "text/css" if path.endswith(".css") else "text/html"
        assert (200, f"{kind}; charset=utf-8") == (answer.status, answer.headers["content-type"])
        assert (POLICY, "same-origin", "nosniff", "no-referrer") == (
            answer.headers["content-security-policy"],
            answer.headers["cross-origin-opener-policy"],
            answer.headers["x-content-type-options"],
            answer.headers["referrer-policy"],
        )
        talk.ask("HEAD", path, key=None)
        assert str(len(answer.body)) == talk.heard("HEAD").headers["content-length"]
        talk.ask("GET", path, key=None, if_none_match='"of another release"')
        assert 200 == talk.heard().status
        talk.ask("GET", path, key=None, if_none_match=answer.headers["etag"])
        same = talk.heard()

        assert (304, answer.headers["etag"], "no-cache") == (
            same.status,
            same.headers["etag"],
            same.headers["cache-control"],
        )


@pytest.mark.parametrize("path", [PATH, "/nowhere", "/openapi.json"])
def test_what_is_no_page_is_kept_by_nobody(path: str) -> None:
    with served() as server, Talk(server) as talk:
        talk.ask("GET", path)

        assert "no-store" == talk.heard().headers["cache-control"]


@pytest.mark.parametrize(
    "path",
    [
        "/static/",
        "/static/index.html",
        "/static/nothing.js",
        "/static/../application.py",
        "/static/%2e%2e/application.py",
        "/static/..%2f..%2fserver.py",
        "/static//etc/passwd",
        "/models/",
        "/models/short",
        "/index.html",
    ],
)
def test_other_names_are_nowhere(path: str) -> None:
    with served() as server, Talk(server) as talk:
        talk.ask("GET", path)

        assert 404 == talk.heard().status


def test_pages_are_only_to_be_read() -> None:
    with served() as server, Talk(server) as talk:
        for path in ("/", f"/models/{MODEL}", "/static/style.css", "/openapi.json"):
            talk.ask("DELETE", path)
            answer = talk.heard()
            assert (405, "GET, HEAD") == (answer.status, answer.headers["allow"])


@pytest.mark.parametrize("query", ["", "?api_key=0123"])
def test_the_address_of_old_clients_leads_to_the_page_also_below_a_path(query: str) -> None:
    """The page takes the key out of the address; behind another server only a relative place is the right one."""
    with served() as server, Talk(server) as talk:
        talk.ask("GET", f"/models/{MODEL}/{query}")
        answer = talk.heard()

        assert (301, f"../{MODEL}{query}") == (answer.status, answer.headers["location"])
        assert "no-referrer" == answer.headers["referrer-policy"]


def test_the_document_of_the_api_needs_no_key() -> None:
    with served() as server, Talk(server) as talk:
        talk.ask("GET", "/openapi.json", key=None)
        answer = talk.heard()

        assert 200 == answer.status
        assert "/v1/models/{id}" in json.loads(answer.body)["paths"]


BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"


@pytest.mark.parametrize("path", ["/nonsense", "/models/short", "/static/nothing.js", f"/files/{'t' * 22}/last.pt"])
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_a_browser_that_asks_for_nothing_sees_a_page_with_a_way_home(method: str, path: str) -> None:
    with served() as server, Talk(server) as talk:
        talk.ask(method, path, key=None, accept=BROWSER)
        answer = talk.heard(method)

    assert (404, "text/html; charset=utf-8", "no-store", POLICY) == (
        answer.status,
        answer.headers["content-type"],
        answer.headers["cache-control"],
        answer.headers["content-security-policy"],
    )
    home = "../" * (path.count("/") - 1) or "./"
    assert (method == "HEAD") is not (f'<a href="{home}">'.encode() in answer.body)


@pytest.mark.parametrize(
    ("path", "accept"),
    [
        ("/nonsense", "*/*"),
        ("/nonsense", "application/json"),
        ("/nonsense", "application/json, text/html;q=0.1"),
        ("/v1", BROWSER),
        ("/v1/nonsense", BROWSER),
        (f"/v1/models/{'U' * 20}", BROWSER),
    ],
)
def test_a_call_gets_json_with_a_message(path: str, accept: str) -> None:
    with served() as server, Talk(server) as talk:
        talk.ask("GET", path, accept=accept)
        answer = talk.heard()

    assert (404, "application/json") == (answer.status, answer.headers["content-type"])
    assert json.loads(answer.body)["message"]


def test_a_path_of_many_folders_costs_no_more_than_a_short_one() -> None:
    with served() as server, Talk(server) as talk:
        talk.ask("GET", "/a" * 5000, key=None, accept=BROWSER)

        assert 4000 > len(talk.heard().body)
