"""Lists with a cursor, as hub-sdk pages through them.

The one rule: a list never holds more than a hundred items, whatever was asked for.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..ports.store import ItemT, Repository
from ..storable_text import is_plain
from .messages import ApiError, HubRequest, HubResponse, envelope

QUERY = ("limit", "last_doc_id", "public", "query", "trashed", "page")
MOST = 100
LARGEST_LIMIT = 10**8
LONGEST_QUERY = 200


def paginate(
    repository: Repository[ItemT], request: HubRequest, shown: Callable[[ItemT], dict[str, Any]]
) -> HubResponse:
    """A page of *repository*, each item as *shown*.

    Raises:
        ApiError: 422 when the query makes no sense.
    """
    query = request.query.get("query", "")
    if len(query) > LONGEST_QUERY or not is_plain(query):
        raise ApiError(422, f"query has more than {LONGEST_QUERY} characters, or some that no name has")
    if request.query.get("page", "0") not in {"", "0", "None"}:
        raise ApiError(422, "pages have no numbers here: send lastRecordId of one page as last_doc_id of the next")
    try:
        page = repository.page(
            limit=_limit(request.query.get("limit", "")),
            # The old clients send `None` for the first page.
            cursor=None if (cursor := request.query.get("last_doc_id", "")) in {"", "None"} else cursor,
            query=query,
            is_trashed=request.query_flag("trashed"),
        )
    except ValueError as exc:
        raise ApiError(422, str(exc)) from exc
    data = {"results": [shown(item) for item in page.items], "total": page.total, "lastRecordId": page.cursor}
    return envelope(200, data=data)


def _limit(text: str) -> int:
    if text in {"", "None"}:
        return 10
    limit = int(text) if text.isascii() and text.isdigit() and len(text) <= len(str(LARGEST_LIMIT)) else 0
    if not 1 <= limit <= LARGEST_LIMIT:
        raise ValueError(f"limit is {text[:20]!r}, not a number from 1 to {LARGEST_LIMIT}")
    return min(limit, MOST)
