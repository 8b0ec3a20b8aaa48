"""The document of the API, as OpenAPI 3.1.

The one rule: it is made from the table of the routes, so that no call is missing, and it says every status that a call
can have.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from copy import deepcopy
from typing import Any

from ....domain.hub.api.hub import ROUTES
from ....domain.hub.api.messages import ERRORS, BodyKind
from ....domain.hub.api.routing import PARTS, Route
from .examples import PATH, examples
from .request_schemas import QUERY, WANTED
from .response_schemas import GIVEN, enveloped, ref
from .responses import ANY, EVENTS, FILE_HEADERS, LISTENER_HEADERS, files, refusals

#: Whatever answers so has made something that has an ID.
_CREATED = 201
_MEDIA = {BodyKind.JSON: "application/json", BodyKind.FORM: "multipart/form-data"}
_ABOUT = """\
The HUB v1 protocol, for trainers, hub-sdk and hubport.

Every answer but a file is `{"success", "message", "data"}`; an error has no `data`, and its message says what to do.
HEAD is answered wherever GET is. The pages for people (`/`, `/models/{id}`, `/static/{name}`) and this document
(`/openapi.json`) are no part of the API.
"""
_PARTS = {
    "id": "20 letters and digits.",
    "token": "What makes the address unguessable.",
    "file": "The file's name.",
}
_REFUSED = refusals()


def document(root: str) -> dict[str, Any]:
    """The document for clients that reach the HUB under *root*. It is new: its caller may change it."""
    paths: dict[str, dict[str, Any]] = {}
    given = examples(root)
    for route in ROUTES.all:
        path = paths.setdefault(route.template, {})
        path[route.method.lower()] = operation = _operation(route, given)
        if route.method == "GET":
            path["head"] = _head(operation)
    whole = {
        "openapi": "3.1.0",
        "info": {"title": "hubport HUB", "version": "1", "description": _ABOUT},
        "servers": [{"url": root}],
        "security": [{"key": []}, {"bearer": []}],
        "tags": [{"name": tag} for tag in dict.fromkeys(_tag(route) for route in ROUTES.all)],
        "paths": paths,
        "components": {
            "schemas": {**GIVEN, **WANTED},
            "responses": _REFUSED,
            "securitySchemes": {
                "key": {"type": "apiKey", "in": "header", "name": "x-api-key"},
                "bearer": {"type": "http", "scheme": "bearer"},
            },
        },
    }
    return deepcopy(whole)


def _operation(route: Route, given: Mapping[str, Any]) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "operationId": route.name,
        "summary": route.summary,
        "tags": [_tag(route)],
        "parameters": [*_in_path(route), *_in_query(route)],
    }
    if route.body is not BodyKind.NOTHING:
        operation["requestBody"] = _body(route)
    responses: dict[str, Any] = {}
    if route.response_schema == "File":
        operation["parameters"] += FILE_HEADERS
        responses |= files()
    elif route.status < ERRORS:
        operation["parameters"] += LISTENER_HEADERS if route.response_schema == "Changes" else ()
        responses[str(route.status)] = _success(route, given)
    refused = {*ANY, *route.errors, route.status} | (set() if route.is_open else {401})
    if "{" in route.template:
        refused.add(404)
    if route.body is BodyKind.FORM:  # one with two files, or with two fields of one name
        refused.add(422)
    responses |= {
        str(status): {"$ref": f"#/components/responses/{status}"} for status in sorted(refused) if status >= ERRORS
    }
    if route.is_open:
        operation["security"] = []
    return {**operation, "responses": responses}


def _tag(route: Route) -> str:
    if route.status >= ERRORS:
        return "not here"
    found = re.search("model|project|dataset|file", route.template)
    return f"{found[0]}s" if found else "keys"


def _in_path(route: Route) -> list[dict[str, Any]]:
    return [
        {
            "name": name,
            "in": "path",
            "required": True,
            "description": _PARTS[name],
            "schema": {"type": "string", "pattern": f"^{PARTS[name]}$"},
            "example": PATH[name],
        }
        for name in re.findall(r"{(\w+)}", route.template)
    ]


def _in_query(route: Route) -> list[dict[str, Any]]:
    return [{"name": name, "in": "query", **QUERY[name]} for name in route.query]


def _body(route: Route) -> dict[str, Any]:
    if route.request_schema is None:  # what it holds does not change the answer
        return {"content": {_MEDIA[route.body]: {"schema": {}}}}
    return {"required": True, "content": {_MEDIA[route.body]: {"schema": ref(route.request_schema)}}}


def _success(route: Route, given: Mapping[str, Any]) -> dict[str, Any]:
    example: dict[str, Any] = {"success": True, "message": ""}
    if route.response_schema is not None:
        example["data"] = given[route.response_schema]
    answer: dict[str, Any] = {
        "description": "Done.",
        "content": {"application/json": {"schema": enveloped(route.response_schema), "example": example}},
    }
    if route.response_schema == "Changes":
        answer["content"]["text/event-stream"] = {"schema": EVENTS}
    links = _links(route)
    return {**answer, "links": links} if links else answer


def _links(route: Route) -> dict[str, Any]:
    """The calls that make sense with what *route* has answered."""
    if "last_doc_id" in route.query:
        return {"next": _link(route, last_doc_id="$response.body#/data/lastRecordId")}
    if route.method != "POST" or route.status != _CREATED:
        return {}
    one = route.template.rpartition("/")[2] + "/{id}"
    return {
        after.name: _link(after, id="$response.body#/data/id")
        for after in ROUTES.all
        if one in after.template and after.status < ERRORS
    }


def _link(route: Route, **parameters: str) -> dict[str, Any]:
    return {"operationId": route.name, "parameters": parameters}


def _head(operation: dict[str, Any]) -> dict[str, Any]:
    """The same without bodies."""
    responses = {}
    for status, answer in operation["responses"].items():
        found = _REFUSED[status] if "$ref" in answer else answer
        responses[status] = {name: part for name, part in found.items() if name not in {"content", "links"}}
    summary = f"The headers alone. {operation['summary']}"
    return {**operation, "operationId": f"{operation['operationId']}Head", "summary": summary, "responses": responses}
