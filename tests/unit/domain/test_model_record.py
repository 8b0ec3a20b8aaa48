from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hubport.domain.errors import InvalidModelRecord
from hubport.domain.model_record import ModelRecord
from tests.unit.domain.strategies import KEY, MODEL_ID, model_ids

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
