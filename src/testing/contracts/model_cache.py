"""The contract of :class:`~hubport.domain.ports.model_cache.ModelCache`.

The one rule: what is got is what was last put, whole; and it is nobody else's to change.
"""

from __future__ import annotations

import copy
from typing import Any

import pytest

from ...domain.ports.model_cache import ModelCache
from .waiting import meanwhile, run_concurrently

_MODEL = "Ab3Cd5Ef7Gh9Ij1Kl2Mn"
_OTHER = "Zy8Xw6Vu4Ts2Rq1Po9Nm"


class ModelCacheContract:
    """Records of models that outlive their run.

    Override the fixture :meth:`records`, and :meth:`later` where a later process would have an object of its own.
    """

    @pytest.fixture
    def records(self) -> ModelCache:
        """The records under test, of which there are none yet."""
        raise NotImplementedError("override the fixture `records`")

    @pytest.fixture
    def later(self, records: ModelCache) -> ModelCache:
        """The same records as a later run sees them."""
        return records

    def test_what_was_never_put_is_not_there(self, records: ModelCache) -> None:
        """No error: a first start is the usual one."""
        assert records.get(_MODEL) is None

    @pytest.mark.parametrize(
        "record",
        [
            {},
            {"id": _MODEL, "status": "new", "epochs": 100, "map": 0.5, "cfg": None, "is_custom": False},
            {"train_args": {"data": "coco8.yaml", "nested": [{"a": [1, 2.5, "x", None, True]}, []]}},
            {"name": "é ü 漢字 \U0001f600 \u2028 \0 \ud800", "": "", "quotes": "\"'\\\n\r\t"},
            {"large": 2**63, "larger": 10**300, "small": 5e-324, "negative": -0.0},
            {"long": "x" * 3_000_000},
        ],
        ids=["empty", "plain", "nested", "text", "numbers", "long"],
    )
    def test_a_later_run_gets_what_was_put(
        self, records: ModelCache, later: ModelCache, record: dict[str, Any]
    ) -> None:
        """Whatever JSON can hold."""
        records.put(_MODEL, record)

        assert record == later.get(_MODEL)
        assert record == records.get(_MODEL)

    def test_the_new_one_takes_the_old_ones_place(self, records: ModelCache, later: ModelCache) -> None:
        """Whole: of the old one nothing is left, also where it was longer."""
        records.put(_MODEL, {"status": "new", "epochs": 100, "notes": "x" * 10_000})
        later.put(_MODEL, {"status": "trained"})

        assert records.get(_MODEL) == {"status": "trained"}
        assert later.get(_MODEL) == {"status": "trained"}

    def test_models_are_kept_apart(self, records: ModelCache) -> None:
        """Each has its own."""
        records.put(_MODEL, {"name": "one"})
        assert records.get(_OTHER) is None
        records.put(_OTHER, {"name": "other"})

        assert records.get(_MODEL) == {"name": "one"}
        assert records.get(_OTHER) == {"name": "other"}

    def test_models_that_differ_by_case_alone_are_two(self, records: ModelCache) -> None:
        """Identifiers are letters of both cases."""
        records.put(_MODEL, {"name": "one"})
        records.put(_MODEL.swapcase(), {"name": "other"})

        assert records.get(_MODEL) == {"name": "one"}

    def test_what_was_put_may_be_changed_and_what_was_got_too(self, records: ModelCache) -> None:
        """Neither change reaches what is kept."""
        record: dict[str, Any] = {"train_args": {"epochs": 3}}
        wanted = copy.deepcopy(record)
        records.put(_MODEL, record)
        record["train_args"]["epochs"] = 4
        got = records.get(_MODEL)
        assert got is not None
        got["train_args"]["epochs"] = 5
        got["more"] = True

        assert wanted == records.get(_MODEL)

    def test_whoever_reads_meanwhile_gets_one_that_is_whole(self, records: ModelCache, later: ModelCache) -> None:
        """Many trainings of one model start at once."""
        records.put(_MODEL, {"number": 0, "text": "0" * 5000})

        def read() -> None:
            got = later.get(_MODEL)
            assert got is not None
            assert got["text"] == str(got["number"]) * 5000

        def put(thread: int) -> None:
            for _ in range(50):
                records.put(_MODEL, {"number": thread, "text": str(thread) * 5000})

        with meanwhile(read):
            run_concurrently(put, threads=4)
