from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hubport.domain.client.model_record import ModelRecord
from hubport.domain.client.train_plan import TrainPlan
from hubport.domain.errors import AlreadyTrained, DatasetNotReady, InvalidModelRecord
from tests.unit.domain.strategies import MODEL_ID

URL = f"https://hub.example/models/{MODEL_ID}"
ARGS = {
    "batch": 16,
    "epochs": 100,
    "imgsz": 640,
    "patience": 50,
    "device": "0",
    "cache": "ram",
    "data": "https://hub.example/data/coco8.zip",
}
NEW: dict[str, Any] = ARGS | {"status": "new", "cfg": None, "weights": "yolov8n.pt"}
RESUME = "https://hub.example/files/token/last.pt"
TRAINING: dict[str, Any] = NEW | {"status": "training", "resume": RESUME}


def planned(data: dict[str, Any]) -> TrainPlan:
    return TrainPlan.of(ModelRecord.from_data(data, asked_for=MODEL_ID), model_url=URL)


def without(data: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in data.items() if name not in names}


def field_of_the_error(data: dict[str, Any]) -> str:
    with pytest.raises(InvalidModelRecord) as caught:
        planned(data)
    assert repr(caught.value.field) in str(caught.value)
    return caught.value.field


# new


def test_a_new_model_is_trained_as_its_record_says() -> None:
    assert TrainPlan(ARGS, "yolov8n.pt") == planned(NEW)


def test_the_order_of_the_arguments_is_that_of_the_table() -> None:
    assert ["batch", "epochs", "imgsz", "patience", "device", "cache", "data"] == list(planned(NEW).train_args)


def test_batch_goes_before_batch_size() -> None:
    assert 16 == planned(NEW | {"batch_size": 99}).train_args["batch"]


@pytest.mark.parametrize("record", [without(NEW, "batch"), NEW | {"batch": None}])
def test_without_batch_the_deprecated_batch_size_counts(record: dict[str, Any]) -> None:
    assert ARGS | {"batch": 99} == planned(record | {"batch_size": 99}).train_args


@pytest.mark.parametrize("batch", [-1, 0, 0.7])
def test_a_batch_that_asks_for_the_automatic_one_is_a_batch(batch: float) -> None:
    assert batch == planned(NEW | {"batch": batch, "batch_size": 99}).train_args["batch"]


def test_cfg_goes_before_weights_and_is_not_corrected() -> None:
    assert "yolov5n.yaml" == planned(NEW | {"cfg": "yolov5n.yaml"}).model_file
    assert "yolov5n.pt" == planned(NEW | {"cfg": "yolov5n.pt"}).model_file
    assert "yolov8n.yaml" == planned(without(NEW, "weights") | {"cfg": "yolov8n.yaml"}).model_file


@pytest.mark.parametrize("record", [NEW | {"cfg": None}, NEW | {"cfg": ""}, without(NEW, "cfg")])
def test_without_cfg_the_weights_count(record: dict[str, Any]) -> None:
    assert "yolov8n.pt" == planned(record).model_file


def test_old_weights_are_corrected() -> None:
    assert "http://hub.local/yolov5nu.pt" == planned(NEW | {"weights": "http://hub.local/yolov5n.pt"}).model_file


@pytest.mark.parametrize("name", ["device", "cache", "patience"])
def test_where_the_trainer_chooses_null_is_an_answer(name: str) -> None:
    assert ARGS | {name: None} == planned(NEW | {name: None}).train_args


@pytest.mark.parametrize("name", ["epochs", "imgsz", "patience", "device", "cache"])
def test_a_missing_hyperparameter_is_named(name: str) -> None:
    assert name == field_of_the_error(without(NEW, name))


@pytest.mark.parametrize("name", ["epochs", "imgsz"])
def test_a_null_where_a_number_is_needed_is_named(name: str) -> None:
    assert name == field_of_the_error(NEW | {name: None})


@pytest.mark.parametrize(
    "record",
    [without(NEW, "batch"), NEW | {"batch": None}, NEW | {"batch": None, "batch_size": None}],
    ids=["missing", "null", "both null"],
)
def test_a_missing_batch_is_named_by_its_present_name(record: dict[str, Any]) -> None:
    assert "batch" == field_of_the_error(record)


@pytest.mark.parametrize("record", [without(NEW, "weights"), NEW | {"weights": None}, NEW | {"weights": ""}])
def test_without_cfg_and_weights_the_weights_are_named(record: dict[str, Any]) -> None:
    assert "weights" == field_of_the_error(record)


@pytest.mark.parametrize("name", ["cfg", "weights"])
def test_a_model_file_that_is_no_text_is_named(name: str) -> None:
    assert name == field_of_the_error(NEW | {name: ["yolov8n.pt"]})


# the nested arguments of 8.3


def test_a_record_with_nothing_but_nested_arguments_will_do() -> None:
    record = {"status": "new", "weights": "yolov8n.pt", "train_args": ARGS}

    assert TrainPlan(ARGS, "yolov8n.pt") == planned(record)


@pytest.mark.parametrize("name", list(ARGS))
def test_each_field_falls_back_on_the_nested_arguments(name: str) -> None:
    nested = {"train_args": {name: "nested"}}

    assert ARGS | {name: "nested"} == planned(without(NEW, name) | nested).train_args
    assert ARGS == planned(NEW | nested).train_args


@pytest.mark.parametrize("nested", [None, [], "text", 5, {}])
def test_nested_arguments_that_are_none_help_nobody(nested: object) -> None:
    assert TrainPlan(ARGS, "yolov8n.pt") == planned(NEW | {"train_args": nested})
    assert "epochs" == field_of_the_error(without(NEW, "epochs") | {"train_args": nested})


# training


def test_a_model_in_training_resumes() -> None:
    assert TrainPlan({"data": ARGS["data"], "resume": True}, RESUME) == planned(TRAINING)


def test_resuming_needs_no_hyperparameters() -> None:
    record = {"status": "training", "data": "coco8.yaml", "resume": RESUME}

    assert TrainPlan({"data": "coco8.yaml", "resume": True}, RESUME) == planned(record)


def test_the_checkpoint_to_resume_is_not_renamed() -> None:
    assert "https://h/yolov5n.pt" == planned(TRAINING | {"resume": "https://h/yolov5n.pt"}).model_file


@pytest.mark.parametrize(
    "record", [without(TRAINING, "resume"), TRAINING | {"resume": None}, TRAINING | {"resume": ""}]
)
def test_training_without_a_checkpoint_names_resume(record: dict[str, Any]) -> None:
    assert "resume" == field_of_the_error(record)


def test_a_checkpoint_that_is_no_text_names_resume() -> None:
    assert "resume" == field_of_the_error(TRAINING | {"resume": True})


# trained, and what is no plan at all


@pytest.mark.parametrize("record", [NEW, TRAINING, {}, {"data": ""}])
def test_a_trained_model_is_not_trained_again_whatever_else_is_missing(record: dict[str, Any]) -> None:
    with pytest.raises(AlreadyTrained, match=URL):
        planned(record | {"status": "trained"})


@pytest.mark.parametrize("record", [NEW, TRAINING])
@pytest.mark.parametrize("data", ["", None])
def test_an_empty_dataset_is_being_processed(record: dict[str, Any], data: str | None) -> None:
    with pytest.raises(DatasetNotReady, match="try again in a minute"):
        planned(record | {"data": data})


@pytest.mark.parametrize("status", ["new", "training"])
def test_a_missing_dataset_is_being_processed_whatever_else_is_missing(status: str) -> None:
    with pytest.raises(DatasetNotReady, match=URL):
        planned({"status": status})


def test_a_dataset_may_be_a_plain_name() -> None:
    assert "coco8.yaml" == planned(NEW | {"data": "coco8.yaml"}).train_args["data"]


@given(st.text(min_size=1).filter(lambda status: status not in {"new", "training", "trained"}))
def test_an_unknown_status_is_shown(status: str) -> None:
    with pytest.raises(InvalidModelRecord) as caught:
        planned(NEW | {"status": status})

    assert "status" == caught.value.field
    assert repr(status) in str(caught.value)


json_values = st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.lists(st.integers(), max_size=2)


@given(
    status=st.sampled_from(["new", "training", "trained", "else"]),
    record=st.dictionaries(st.sampled_from([*NEW, "resume", "batch_size"]), json_values),
    nested=st.none() | st.dictionaries(st.sampled_from([*NEW, "resume", "batch_size"]), json_values),
)
def test_any_record_gives_a_plan_or_an_error_of_ours(
    status: str, record: dict[str, Any], nested: dict[str, Any] | None
) -> None:
    try:
        plan = planned(record | {"status": status, "train_args": nested})
    except (AlreadyTrained, DatasetNotReady, InvalidModelRecord):
        return
    assert plan.model_file
    assert plan.train_args["data"]
    assert plan.train_args.keys() == ({"data", "resume"} if status == "training" else ARGS.keys())
