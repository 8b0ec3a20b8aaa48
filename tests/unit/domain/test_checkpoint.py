import json

import attrs
import pytest
from hypothesis import given

from hubport.domain.checkpoint import Checkpoint, CheckpointKind
from tests.unit.domain.strategies import checkpoints

EPOCH = Checkpoint(number=1, epoch=12, kind=CheckpointKind.EPOCH, path="/spool/1.pt", size=3, is_best=True)
FINAL = Checkpoint(number=2, epoch=99, kind=CheckpointKind.FINAL, path="/spool/2.pt", size=3, map=0.42)


def test_the_form_of_an_epoch_upload_is_the_protocols() -> None:
    assert [("epoch", "12"), ("type", "epoch"), ("isBest", "True")] == list(EPOCH.fields().items())
    assert "False" == attrs.evolve(EPOCH, is_best=False).fields()["isBest"]
    assert "last.pt" == EPOCH.kind.part_name


def test_the_form_of_a_final_upload_is_the_protocols() -> None:
    assert [("epoch", "99"), ("type", "final"), ("map", "0.42")] == list(FINAL.fields().items())
    assert "best.pt" == FINAL.kind.part_name


def test_a_final_upload_without_map_says_zero_as_the_old_clients_do() -> None:
    assert "0.0" == attrs.evolve(FINAL, map=None).fields()["map"]


@given(checkpoints)
def test_a_field_of_the_other_kind_is_absent(checkpoint: Checkpoint) -> None:
    fields = checkpoint.fields()

    assert (checkpoint.kind is CheckpointKind.FINAL) == ("map" in fields)
    assert (checkpoint.kind is CheckpointKind.EPOCH) == ("isBest" in fields)
    assert {str} == {type(value) for value in fields.values()}


@pytest.mark.parametrize(
    ("newer", "older", "expected"),
    [(EPOCH, EPOCH, True), (FINAL, EPOCH, True), (EPOCH, FINAL, False), (FINAL, FINAL, False)],
    ids=["epoch, epoch", "final, epoch", "epoch, final", "final, final"],
)
def test_the_newest_wins_among_epochs_and_a_final_one_is_never_given_up(
    newer: Checkpoint,
    older: Checkpoint,
    expected: bool,  # noqa: FBT001 - the table's third column
) -> None:
    assert expected == newer.supersedes(older)


@given(checkpoints)
def test_the_journal_gives_back_what_it_was_given(checkpoint: Checkpoint) -> None:
    assert checkpoint == Checkpoint.from_json(json.loads(json.dumps(checkpoint.as_json())))


def test_the_journal_holds_plain_names() -> None:
    assert {
        "number": 2,
        "epoch": 99,
        "kind": "final",
        "path": "/spool/2.pt",
        "size": 3,
        "is_best": False,
        "map": 0.42,
    } == FINAL.as_json()
