from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hubport.domain.client.credentials import Credentials
from hubport.domain.client.model_record import ModelRecord
from hubport.domain.errors import InvalidModelRecord
from tests.unit.domain.strategies import KEY, MODEL_ID, mappings, model_ids

OTHER_ID = "Z" * 20


@given(model_ids, st.text(min_size=1), st.dictionaries(st.text(), st.integers()))
def test_the_record_is_kept_whole(model_id: str, status: str, others: dict[str, Any]) -> None:
    data = others | {"id": model_id, "status": status}
    record = ModelRecord.from_data(data, asked_for=MODEL_ID)

    assert (model_id, status, data) == (record.id, record.status, record.raw)


def test_the_records_id_replaces_the_one_asked_for() -> None:
    assert OTHER_ID == ModelRecord.from_data({"id": OTHER_ID, "status": "new"}, asked_for=MODEL_ID).id


@pytest.mark.parametrize("data", [{"status": "new"}, {"status": "new", "id": None}, {"status": "new", "id": ""}])
def test_a_record_without_id_is_that_of_the_model_asked_for(data: dict[str, Any]) -> None:
    assert MODEL_ID == ModelRecord.from_data(data, asked_for=MODEL_ID).id


@pytest.mark.parametrize("model_id", ["../" * 6 + "..", "short", f"{MODEL_ID}\n", 5, [MODEL_ID], f"{KEY}_{MODEL_ID}"])
def test_an_id_that_could_leave_its_place_in_a_path_is_refused(model_id: object) -> None:
    with pytest.raises(InvalidModelRecord) as caught:
        ModelRecord.from_data({"id": model_id, "status": "new"}, asked_for=MODEL_ID)

    assert "id" == caught.value.field


@pytest.mark.parametrize("data", [None, {}, [], "text", 5, [{"id": MODEL_ID}], True])
def test_an_answer_without_a_record_is_refused(data: object) -> None:
    with pytest.raises(InvalidModelRecord) as caught:
        ModelRecord.from_data(data, asked_for=MODEL_ID)

    assert "data" == caught.value.field


@pytest.mark.parametrize("more", [{}, {"status": None}, {"status": ""}, {"status": 1}, {"status": ["new"]}])
def test_a_record_without_status_is_refused(more: dict[str, Any]) -> None:
    with pytest.raises(InvalidModelRecord) as caught:
        ModelRecord.from_data({"id": MODEL_ID} | more, asked_for=MODEL_ID)

    assert "status" == caught.value.field


def test_what_the_caller_does_to_the_answer_later_does_not_reach_the_record() -> None:
    data = {"id": MODEL_ID, "status": "new"}
    record = ModelRecord.from_data(data, asked_for=MODEL_ID)
    data["status"] = "trained"

    assert "new" == record.raw["status"]


def test_the_repr_is_short() -> None:
    record = ModelRecord.from_data({"id": MODEL_ID, "status": "new", "resume": "x" * 1000}, asked_for=MODEL_ID)

    assert f"ModelRecord(id={MODEL_ID!r}, status='new')" == repr(record)


# What is kept of it

SECRET = "s3cr3t"


def kept(raw: dict[str, Any]) -> dict[str, Any]:
    record = ModelRecord.from_data({"status": "new"} | raw, asked_for=MODEL_ID)
    return record.for_keeping(Credentials(KEY).scrubbed)


@given(st.dictionaries(st.text(st.characters(exclude_characters=":")), mappings, max_size=3))
def test_what_holds_no_address_is_kept_as_it_is(fields: dict[str, Any]) -> None:
    record = ModelRecord.from_data(fields | {"status": "new"}, asked_for=MODEL_ID)

    assert fields | {"status": "new"} == record.for_keeping(Credentials(KEY).scrubbed)


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        (f"https://hub.example/a.pt?X-Sig={SECRET}", "https://hub.example/a.pt"),
        (f"https://hub.example/a.pt?a=1&token={SECRET}#part", "https://hub.example/a.pt"),
        (f"https://hub.example/a.pt#{SECRET}", "https://hub.example/a.pt"),
        (f"http://127.0.0.1:8421?key={SECRET}", "http://127.0.0.1:8421"),
        (f"HTTPS://hub.example/a.pt?X-Sig={SECRET}", "HTTPS://hub.example/a.pt"),
        (f"https://me:{SECRET}@hub.example/a.pt", "https://hub.example/a.pt"),
        (f"https://{SECRET}@hub.example/a.pt?x={SECRET}", "https://hub.example/a.pt"),
        (f" https://hub.example/a.pt?X-Sig={SECRET}", " https://hub.example/a.pt"),
        (f"see https://hub.example/?X-Sig={SECRET} there", "see https://hub.example/ there"),
        (f"https://a.example/1?x={SECRET} https://b.example/2?y={SECRET}", "https://a.example/1 https://b.example/2"),
        (f"https://hub.example/träning/a.pt?X-Sig={SECRET}", "https://hub.example/träning/a.pt"),
        (f"https://hub.example/a.pt?name=tr\u00e4ning&X-Sig={SECRET}", "https://hub.example/a.pt"),
        ("https://hub.example/träning/a.pt", "https://hub.example/träning/a.pt"),
        ("https://hub.example/files/token-in-the-path/a.pt", "https://hub.example/files/token-in-the-path/a.pt"),
        ("coco8.yaml", "coco8.yaml"),
        ("is it? #1", "is it? #1"),
        ("me@hub.example", "me@hub.example"),
    ],
)
def test_of_an_address_neither_user_nor_query_is_kept(address: str, expected: str) -> None:
    raw = {"resume": address, "nested": [{"deep": [address, 5, None]}], address: 1}

    found = kept(raw)

    assert (expected, [{"deep": [expected, 5, None]}]) == (found["resume"], found["nested"])
    assert SECRET not in repr(found)


@pytest.mark.parametrize(
    "text",
    [
        f'<a href="https://hub.example/a?x={SECRET}">here</a>',
        f"(https://hub.example/a?x={SECRET})",
        f"https://hub.example/a\\b?x={SECRET}",
        f"https://hub.example/a?x=\\{SECRET}",
        f'{{"url": "https://hub.example/a?x={SECRET}"}}',
        f"https://hub.example/a?x=https://other.example/?y={SECRET}",
    ],
)
def test_a_query_is_not_kept_whatever_stands_around_it(text: str) -> None:
    assert SECRET not in repr(kept({"text": text}))


@pytest.mark.parametrize("text", [KEY, f"the key {KEY} of", f"{KEY}_{MODEL_ID}", f"https://hub.example/{KEY}/a.pt"])
def test_the_key_is_not_kept_wherever_the_hub_quotes_it(text: str) -> None:
    assert KEY not in repr(kept({"owner": {"api_key": text}, text: 1}))


def test_a_key_that_json_would_escape_is_not_kept_either() -> None:
    """A bearer token may hold any visible character."""
    token = 'a"b\\c' * 5
    record = ModelRecord.from_data({"status": "new", "owner": token}, asked_for=MODEL_ID)

    assert token not in str(record.for_keeping(Credentials.bearer(token).scrubbed)["owner"])


def test_the_record_itself_keeps_its_addresses() -> None:
    raw = {"status": "training", "resume": f"https://hub.example/a.pt?X-Sig={SECRET}"}
    record = ModelRecord.from_data(raw, asked_for=MODEL_ID)
    record.for_keeping(Credentials(KEY).scrubbed)

    assert raw == record.raw
