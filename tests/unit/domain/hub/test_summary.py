import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hubport.domain.hub import summary as module
from hubport.domain.hub.summary import Summaries, Summary
from hubport.domain.ports.hub_store import Series


def series(revision: int, **epochs: dict[str, Any]) -> Series:
    return Series(revision, {int(name.removeprefix("e")): json.dumps(values) for name, values in epochs.items()})


def best(*epochs: dict[str, Any]) -> Any:
    held = {f"e{number}": values for number, values in enumerate(epochs)}
    return Summary().with_series(series(1, **held)).as_json()["best"]


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


def test_text_that_is_no_mapping_has_its_epoch_counted() -> None:
    found = Summary().with_series(Series(3, {5: "no JSON", 2: "[1]"}))

    assert {"epoch": 5, "best": None} == found.as_json()


@given(st.lists(st.lists(st.tuples(st.integers(0, 20), st.integers(0, 9)), max_size=5), max_size=6))
def test_in_pieces_it_is_what_it_is_as_a_whole(pieces: list[list[tuple[int, int]]]) -> None:
    """Where no epoch is replaced by a worse value: what was counted once is not read again."""
    seen: dict[int, int] = {}
    folded = Summary()
    for revision, piece in enumerate(pieces):
        came = {epoch: value for epoch, value in dict(piece).items() if seen.get(epoch, -1) < value}
        seen |= came
        folded = folded.with_series(series(revision, **{f"e{e}": {"accuracy": v} for e, v in came.items()}))
    whole = Summary().with_series(series(1, **{f"e{e}": {"accuracy": v} for e, v in seen.items()}))

    def shown(summary: Summary) -> Any:
        return summary.epoch, summary.best and summary.best.value

    assert shown(whole) == shown(folded)


class Store:
    """A model's metrics, and what was read of them."""

    def __init__(self) -> None:
        self.series = Series(0, {})
        self.asked: list[int] = []

    def read(self, after: int) -> Series:
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

    def read(after: int) -> Series:
        summaries.of("model", store.read)
        return store.read(after)

    summaries.of("model", read)

    assert [0, 4, 4] == store.asked


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
