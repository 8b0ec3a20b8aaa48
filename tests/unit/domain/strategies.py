"""What the tests of the domain draw from, and the strict reader that they hold JSON against."""

import json
import math
import string
from typing import Any, NoReturn

from hypothesis import settings
from hypothesis import strategies as st

from hubport.domain.checkpoint import Checkpoint, CheckpointKind
from hubport.domain.metrics import EpochValues, Scalar

LETTERS_AND_DIGITS = string.ascii_letters + string.digits
KEY = "0123456789abcdefABCDEF" + "q7" * 10
MODEL_ID = "A1b2C3d4E5f6G7h8I9j0"

#: For what is dear to draw, and simple enough to fail soon if it fails.
few = settings(max_examples=30)


def words_of(length: int) -> st.SearchStrategy[str]:
    """Letters and digits, drawn as one number: ten times as fast as letter by letter."""

    def spelled(number: int) -> str:
        letters = []
        for _ in range(length):
            number, letter = divmod(number, len(LETTERS_AND_DIGITS))
            letters.append(LETTERS_AND_DIGITS[letter])
        return "".join(letters)

    return st.integers(0, len(LETTERS_AND_DIGITS) ** length - 1).map(spelled)


keys = words_of(42)
model_ids = words_of(20)
# A few that meet each other, and any other.
names = st.sampled_from(["train/loss", "metrics/mAP50-95(B)", "lr", ""]) | st.text(max_size=3)

finite_floats = st.floats(allow_nan=False, allow_infinity=False)
scalars: st.SearchStrategy[Scalar] = st.one_of(
    st.none(), st.booleans(), st.integers(-(2**1000), 2**1000), finite_floats, st.text(max_size=3)
)
mappings: st.SearchStrategy[dict[str, Scalar]] = st.dictionaries(names, scalars, max_size=3)
epoch_values: st.SearchStrategy[EpochValues] = st.one_of(mappings, mappings.map(json.dumps))

checkpoints: st.SearchStrategy[Checkpoint] = st.builds(
    Checkpoint,
    number=st.integers(0, 10**6),
    epoch=st.integers(0, 10**6),
    kind=st.sampled_from(CheckpointKind),
    path=st.text(max_size=5),
    size=st.integers(1, 2**40),
    is_best=st.booleans(),
    map=st.none() | finite_floats,
)


def strict_json(text: str | bytes) -> Any:
    """*text* as RFC 8259 has it: without NaN and the infinities, also where a number is too large for a double."""

    def refuse(constant: str) -> NoReturn:
        raise AssertionError(f"{constant} is not JSON")

    def finite(digits: str) -> float:
        number = float(digits)
        assert math.isfinite(number), f"{digits} is beyond a double"
        return number

    return json.loads(text, parse_constant=refuse, parse_float=finite)
