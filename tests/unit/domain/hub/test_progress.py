import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hubport.domain.hub import progress as module
from hubport.domain.hub.metric_names import Direction
from hubport.domain.hub.ports.store import MetricsDelta
from hubport.domain.hub.progress import MetricValue, Objective, Progress, Summaries, number_of


def series(revision: int, **epochs: dict[str, Any]) -> MetricsDelta:
    return MetricsDelta(revision, {int(name.removeprefix("e")): json.dumps(values) for name, values in epochs.items()})


def best(*epochs: dict[str, Any]) -> Any:
    held = {f"e{number}": values for number, values in enumerate(epochs)}
    return Progress().with_series(series(1, **held)).as_json()["best"]


@pytest.mark.parametrize(
    ("values", "name"),
    [
        ({"val/loss": 1.0, "metrics/mAP50(B)": 0.5, "metrics/mAP50-95(B)": 0.3}, "metrics/mAP50-95(B)"),
        ({"val/loss": 1.0, "metrics/mAP50(B)": 0.5}, "metrics/mAP50(B)"),
        ({"val/loss": 1.0, "metrics/accuracy_top1": 0.5}, "metrics/accuracy_top1"),
        ({"val/loss": 1.0, "metrics/precision": 0.5}, "metrics/precision"),
        ({"train/loss": 2.0, "val/loss": 1.0}, "val/loss"),
        ({"train/loss": 2.0, "val/box": 1.0}, "val/box"),
        ({"loss": 2.0}, "loss"),
    ],
)
def test_the_most_telling_metric_is_shown(values: dict[str, float], name: str) -> None:
    assert {"name": name, "value": values[name], "epoch": 0} == best(values)


def test_of_a_score_the_highest_is_the_best_and_of_a_loss_the_lowest() -> None:
    assert 1 == best({"metrics/mAP50-95(B)": 0.3}, {"metrics/mAP50-95(B)": 0.4}, {"metrics/mAP50-95(B)": 0.2})["epoch"]
    assert 2 == best({"val/loss": 0.3}, {"val/loss": 0.4}, {"val/loss": 0.2})["epoch"]


def test_a_more_telling_metric_that_comes_later_takes_its_place() -> None:
    """A validation may come every few epochs only."""
    assert {"name": "metrics/mAP50-95(B)", "value": 0.1, "epoch": 1} == best(
        {"val/loss": 0.3}, {"val/loss": 0.2, "metrics/mAP50-95(B)": 0.1}, {"val/loss": 0.1}
    )


@pytest.mark.parametrize("value", [None, "0.5", True, [0.5], {"a": 1}, 10**400])
def test_what_is_no_number_is_not_the_best(value: object) -> None:
    assert best({"metrics/mAP50-95(B)": value}) is None


@pytest.mark.parametrize("text", ['{"loss": NaN}', '{"loss": Infinity}', '{"loss": -Infinity}', '{"loss": 1e999}'])
def test_what_is_not_finite_is_not_the_best(text: str) -> None:
    found = Progress().with_series(MetricsDelta(1, {0: text, 1: '{"loss": 2.0}', 2: text}))

    assert {"name": "loss", "value": 2.0, "epoch": 1} == found.as_json()["best"]


def test_of_equal_values_the_first_epoch_has_the_best() -> None:
    assert 1 == best({"loss": 3}, {"loss": 2}, {"loss": 2})["epoch"]
    later, earlier = series(1, e5={"loss": 2}), series(2, e3={"loss": 2})
    assert MetricValue("loss", 2.0, 3) == Progress().with_series(later).with_series(earlier).best


def test_where_the_direction_is_unknown_the_last_value_stands_in_for_the_best() -> None:
    found = Progress().with_series(series(1, e0={"foo": 3}, e1={"foo": 9}, e2={"foo": 4}, e3={"foo": None}))

    assert {"epoch": 3, "best": None, "last": {"name": "foo", "value": 4.0, "epoch": 2}} == found.as_json()


def test_a_metric_whose_direction_is_known_goes_before_one_whose_is_not() -> None:
    assert "train/loss" == best({"val/foo": 1, "train/loss": 2})["name"]


@pytest.mark.parametrize(
    ("objective", "shown"),
    [
        (Objective("foo", Direction.MAX), ("foo", 9.0, 1)),
        (Objective("foo", Direction.MIN), ("foo", 3.0, 0)),
        (Objective("val/loss"), ("val/loss", 1.0, 2)),
        (Objective("val/loss", Direction.MAX), ("val/loss", 5.0, 0)),
        (Objective("lr/pg0", Direction.MAX), ("lr/pg0", 1.0, 0)),
        (Objective("bar", Direction.MAX), None),
    ],
)
def test_what_the_owner_has_set_goes_before_every_guess(objective: Objective, shown: tuple[str, float, int]) -> None:
    epochs = [(3, 5), (9, 2), (4, 1)]
    held = {
        f"e{e}": {"foo": foo, "val/loss": loss, "val/map": 0.5, "lr/pg0": 1 / (e + 1)}
        for e, (foo, loss) in enumerate(epochs)
    }
    found = Progress(objective=objective).with_series(series(1, **held)).best

    assert shown == (found and (found.name, found.value, found.epoch))


def test_text_that_is_no_mapping_has_its_epoch_counted() -> None:
    found = Progress().with_series(MetricsDelta(3, {5: "no JSON", 2: "[1]"}))

    assert {"epoch": 5, "best": None} == found.as_json()


VALUES = st.dictionaries(
    st.sampled_from(["val/loss", "val/map", "accuracy", "foo", "lr"]),
    st.one_of(st.integers(-3, 3), st.sampled_from([None, "text", 1e999, True])),
    max_size=3,
)
PIECES = st.lists(st.dictionaries(st.integers(0, 6), VALUES, min_size=1, max_size=3), max_size=8)
OBJECTIVES = st.builds(Objective, st.sampled_from([None, "foo", "val/map"]), st.sampled_from([None, *Direction]))


@given(PIECES, OBJECTIVES)
def test_in_pieces_it_is_what_it_is_as_a_whole(pieces: list[dict[int, dict[str, Any]]], objective: Objective) -> None:
    """Also where an epoch is replaced by worse values, or loses some."""
    held: dict[int, tuple[int, str]] = {}
    summaries = Summaries()

    def read(after: int) -> MetricsDelta:
        found = {epoch: text for epoch, (at, text) in sorted(held.items()) if at > after}
        return MetricsDelta(max((at for at, _ in held.values()), default=0), found)

    for revision, piece in enumerate(pieces, 1):
        held |= {epoch: (revision, json.dumps(values)) for epoch, values in piece.items()}
        summaries.of("model", read, objective)

    assert Summaries().of("model", read, objective) == summaries.of("model", read, objective)


@given(PIECES, OBJECTIVES)
def test_the_best_is_a_value_that_is_there_and_none_is_better(
    pieces: list[dict[int, dict[str, Any]]], objective: Objective
) -> None:
    held = {epoch: values for piece in pieces for epoch, values in piece.items()}
    found = Progress(objective=objective).with_series(series(1, **{f"e{e}": held[e] for e in sorted(held)}))
    shown = found.best or found.last
    if shown is None:
        return
    values = {epoch: number for epoch in held if (number := number_of(held[epoch].get(shown.name))) is not None}

    assert shown.value == values[shown.epoch]
    direction = objective.direction_of(shown.name)
    assert (found.best is None) == (direction is None)
    if direction is not None:
        best_of = max if direction is Direction.MAX else min
        assert (shown.value, shown.epoch) == (
            best_of(values.values()),
            min(epoch for epoch, value in values.items() if value == shown.value),
        )


class Store:
    """A model's metrics, and what was read of them."""

    def __init__(self) -> None:
        self.series = MetricsDelta(0, {})
        self.asked: list[int] = []

    def read(self, after: int) -> MetricsDelta:
        self.asked.append(after)
        return self.series


def test_only_what_came_since_is_read() -> None:
    store, summaries = Store(), Summaries()
    for revision in (0, 4, 9):
        store.series = series(revision, **{f"e{revision}": {"loss": 1.0}})
        summaries.of("model", store.read)

    assert [0, 0, 4] == store.asked


def test_who_asks_while_another_reads_does_not_read_everything_again() -> None:
    store, summaries = Store(), Summaries()
    store.series = series(4, e0={"loss": 1.0})
    summaries.of("model", store.read)

    def read(after: int) -> MetricsDelta:
        summaries.of("model", store.read)
        return store.read(after)

    summaries.of("model", read)

    assert [0, 4, 4] == store.asked


def test_a_value_that_is_taken_back_is_not_the_best_any_more() -> None:
    """A run that begins again writes its epochs anew."""
    store, summaries = Store(), Summaries()
    store.series = series(1, e0={"accuracy": 0.5}, e1={"accuracy": 0.9})
    summaries.of("model", store.read)
    store.series = series(2, e0={"accuracy": 0.5}, e1={"accuracy": 0.4})

    assert MetricValue("accuracy", 0.5, 0) == summaries.of("model", store.read).best
    assert [0, 1, 0] == store.asked


def test_another_objective_is_looked_for_in_all_epochs() -> None:
    store, summaries = Store(), Summaries()
    store.series = series(1, e0={"foo": 1, "loss": 2}, e1={"foo": 3, "loss": 1})
    summaries.of("model", store.read)

    assert MetricValue("foo", 3.0, 1) == summaries.of("model", store.read, Objective("foo", Direction.MAX)).best
    assert [0, 0] == store.asked


def test_a_model_that_was_deleted_and_made_again_is_another() -> None:
    store, summaries = Store(), Summaries()
    store.series = series(9, e5={"loss": 0.1})
    summaries.of("model", store.read)
    store.series = series(2, e0={"loss": 0.7})

    assert {"epoch": 0, "best": {"name": "loss", "value": 0.7, "epoch": 0}} == summaries.of(
        "model", store.read
    ).as_json()


def test_it_remembers_a_bounded_number_of_models(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_MOST", 2)
    store, summaries = Store(), Summaries()
    store.series = series(1, e0={"loss": 0.1})
    for model in "abac":
        summaries.of(model, store.read)
    store.asked.clear()
    for model in "ab":
        summaries.of(model, store.read)

    assert [1, 0] == store.asked
