import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from hubport.domain.client.model_ref import VENDOR_WEB_ROOT, ModelRef, is_model_id
from hubport.domain.errors import InvalidModelRef
from tests.unit.domain.strategies import KEY, LETTERS_AND_DIGITS, MODEL_ID, keys, model_ids

web_roots = st.sampled_from(
    [VENDOR_WEB_ROOT, "https://hub.example", "http://127.0.0.1:8421", "https://Example.org/hub", "http://[::1]:80"]
)
anything_but_an_id = st.one_of(
    st.text(),
    st.text(LETTERS_AND_DIGITS, max_size=19),
    st.text(LETTERS_AND_DIGITS, min_size=21, max_size=64),
    st.text("./\\%_-\n\r\t\0 ?#&=:@", min_size=20, max_size=20),
    st.text(st.characters(categories=["Nd", "No"]), min_size=20, max_size=20),
).filter(lambda text: not (len(text) == 20 and text.isascii() and text.isalnum()))


@given(model_id=model_ids, key=keys, web=web_roots, slash=st.sampled_from(["", "/"]))
def test_all_five_forms_are_read(model_id: str, key: str, web: str, slash: str) -> None:
    with_key, without = ModelRef(model_id, key), ModelRef(model_id)
    forms = {
        f"{web}/models/{model_id}{slash}": without,
        f"{web}/models/{key}_{model_id}{slash}": with_key,
        f"{key}_{model_id}": with_key,
        model_id: without,
        f"{web}/models/{model_id}{slash}?api_key={key}": with_key,
    }

    for text, expected in forms.items():
        assert expected == ModelRef.parse(text, web_root=web)


@given(model_ids, st.sampled_from(["https://hub.example", "https://hub.example/"]))
def test_the_vendors_addresses_are_read_whatever_the_web_root(model_id: str, web: str) -> None:
    assert ModelRef(model_id) == ModelRef.parse(f"{VENDOR_WEB_ROOT}/models/{model_id}", web_root=web)
    assert ModelRef(model_id) == ModelRef.parse(f"https://hub.example/models/{model_id}", web_root=web)


@pytest.mark.parametrize("blanks", [" ", "\n", "\t ", "\r\n", "\u2003"])
def test_blanks_around_it_are_a_slip_of_the_clipboard(blanks: str) -> None:
    assert ModelRef(MODEL_ID, KEY) == ModelRef.parse(f"{blanks}{KEY}_{MODEL_ID}{blanks}")


def test_host_and_scheme_are_the_same_in_capitals() -> None:
    assert ModelRef(MODEL_ID) == ModelRef.parse(f"HTTPS://HUB.Ultralytics.com/models/{MODEL_ID}")


def test_the_same_key_twice_is_one_key() -> None:
    text = f"{VENDOR_WEB_ROOT}/models/{KEY}_{MODEL_ID}?api_key={KEY}&api_key={KEY}"

    assert ModelRef(MODEL_ID, KEY) == ModelRef.parse(text)


def test_an_empty_key_in_the_query_is_none() -> None:
    assert ModelRef(MODEL_ID) == ModelRef.parse(f"{VENDOR_WEB_ROOT}/models/{MODEL_ID}?api_key=&x=1#top")


@given(anything_but_an_id)
@example("../" * 6 + "..")
@example("A1b2C3d4E5f6G7h8I9j\n")
@example("A1b2C3d4E5f6G7h8I9j\u0660")
@example("%2e%2e%2f%2e%2e%2fAA")
def test_nothing_else_is_an_id(text: str) -> None:
    assert not is_model_id(text)
    for form in (text, f"{KEY}_{text}", f"{VENDOR_WEB_ROOT}/models/{text}", f"{VENDOR_WEB_ROOT}/models/{KEY}_{text}"):
        try:
            ref = ModelRef.parse(form)
        except InvalidModelRef:
            continue
        # The text may hold a key, a query or blanks around a good ID; what it becomes is always clean.
        assert len(ref.model_id) == 20
        assert set(ref.model_id) <= set(LETTERS_AND_DIGITS)
        assert ref.api_key is None or set(ref.api_key) <= set(LETTERS_AND_DIGITS)


@pytest.mark.parametrize(
    "text",
    [
        "../" * 6 + "..",
        "/" * 20,
        "A1b2C3d4E5\n6G7h8I9j0",
        "A1b2C3d4E5f6G7h8I9j\u0660",
        "A1b2C3d4E5f6G7h8I9j_",
        "A1b2C3d4E5f6G7h8I9j%",
        f"_{MODEL_ID}",
        f"{KEY}-{MODEL_ID}",
        f"{KEY[:-1]}_{MODEL_ID}",
        f"{KEY[:-1]}\u0660_{MODEL_ID}",
        f"{KEY[:-1]}\n_{MODEL_ID}",
        f"{KEY}_{KEY}_{MODEL_ID}",
        KEY,
        "",
        "   ",
        "://",
        "https://",
        "https://[",
        "https://[::1/models/x",
        f"https://hub.ultralytics.com\uff0fmodels/{MODEL_ID}",
        f"hub.ultralytics.com/models/{MODEL_ID}",
        f"{VENDOR_WEB_ROOT}/{MODEL_ID}",
        f"{VENDOR_WEB_ROOT}/datasets/{MODEL_ID}",
        f"{VENDOR_WEB_ROOT}/models/",
        f"{VENDOR_WEB_ROOT}/models/{MODEL_ID}/upload",
        f"{VENDOR_WEB_ROOT}/models/../{MODEL_ID}",
        f"{VENDOR_WEB_ROOT}/models/{MODEL_ID}?api_key=short",
        f"{VENDOR_WEB_ROOT}?x=/models/{MODEL_ID}",
        f"{VENDOR_WEB_ROOT}#/models/{MODEL_ID}",
        f"https://evil.example/models/{MODEL_ID}",
        f"https://hub.ultralytics.com.evil.example/models/{MODEL_ID}",
        f"https://evil.example/hub.ultralytics.com/models/{MODEL_ID}",
        f"https://evil.example?https://hub.ultralytics.com/models/{MODEL_ID}",
        f"http://hub.ultralytics.com/models/{MODEL_ID}",
        f"ftp://hub.ultralytics.com/models/{MODEL_ID}",
        f"https://user@hub.ultralytics.com/models/{MODEL_ID}",
        f"https://hub.ultralytics.com@evil.example/models/{MODEL_ID}",
    ],
)
def test_what_is_none_of_the_forms_is_refused(text: str) -> None:
    with pytest.raises(InvalidModelRef):
        ModelRef.parse(text)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("A1b2C3", "the model's ID has 6 characters"),
        (f"{MODEL_ID}x", "the model's ID has 21 characters"),
        (f"{MODEL_ID[:-1]}/", "the model's ID holds something else than letters and digits"),
        (f"{KEY}x_{MODEL_ID}", "the key before the model's ID has 43 characters"),
        (f"{KEY[:-1]}/_{MODEL_ID}", "the key before the model's ID holds something else than letters and digits"),
        (f"{VENDOR_WEB_ROOT}/{MODEL_ID}", "the model's URL has no /models/<ID> in it"),
    ],
    ids=["short", "long", "a slash", "a long key", "a slash in the key", "no models"],
)
def test_the_problem_is_described(text: str, problem: str) -> None:
    with pytest.raises(InvalidModelRef) as caught:
        ModelRef.parse(text)

    assert problem == caught.value.problem


@pytest.mark.parametrize("value", [None, 5, MODEL_ID.encode(), [MODEL_ID]])
def test_what_is_no_text_is_refused(value: object) -> None:
    with pytest.raises(InvalidModelRef, match="is text, not"):
        ModelRef.parse(value)  # type: ignore[arg-type]


def test_two_different_keys_are_refused_and_neither_is_shown() -> None:
    other = KEY[::-1]

    with pytest.raises(InvalidModelRef, match="two different keys") as caught:
        ModelRef.parse(f"{VENDOR_WEB_ROOT}/models/{KEY}_{MODEL_ID}?api_key={other}")

    assert KEY not in str(caught.value)
    assert other not in str(caught.value)


def test_the_address_of_another_hub_is_refused_with_the_settings_that_name_it() -> None:
    with pytest.raises(InvalidModelRef) as caught:
        ModelRef.parse(f"https://other.example/models/{MODEL_ID}", web_root="https://hub.example")

    for words in ("https://other.example", "https://hub.example", "ULTRALYTICS_HUB_WEB", "ULTRALYTICS_HUB_API"):
        assert words in str(caught.value)


@pytest.mark.parametrize(
    "form",
    [
        "{key}",
        "{key}_",
        "_{key}",
        "{key}{key}",
        "{key}_{key}",
        "{key}_short",
        "{key}x_{model}",
        "{key}-{model}",
        "{model}_{key}",
        "{web}/models/{key}",
        "{web}/models/{key}/{model}",
        "{web}/models/{key}x_{model}",
        "{web}/{key}_{model}",
        "{web}/{key}/models/{model}",
        "{web}/models/{model}?api_key={key}x",
        "{web}/models/x?api_key={key}",
        "{web}/models/x#{key}",
        "https://other.example/models/{key}_{model}",
        "https://other.example/models/{model}?api_key={key}",
        "https://other.example/{key}/models/{model}",
        "https://{key}@hub.ultralytics.com/models/{model}",
        "https://user:{key}@hub.ultralytics.com/models/{model}",
        "https://[{key}/models/{model}",
        "https://{key}_{model}",
        "https://{key}/models/{model}",
        "{key}://hub.ultralytics.com/models/{model}",
    ],
)
def test_no_error_shows_the_key_wherever_it_stood(form: str) -> None:
    key = "f" + KEY.lower()[1:]  # a scheme begins with a letter, and hosts are compared in small letters

    with pytest.raises(InvalidModelRef) as caught:
        ModelRef.parse(form.format(key=key, model=MODEL_ID, web=VENDOR_WEB_ROOT))

    assert key not in f"{caught.value} {caught.value!r} {caught.value.args}".lower()


@given(keys)
def test_the_repr_shows_four_characters_of_the_key(key: str) -> None:
    assert f"ModelRef(model_id={MODEL_ID!r}, api_key='…{key[-4:]}')" == repr(ModelRef(MODEL_ID, key))
    assert f"ModelRef(model_id={MODEL_ID!r}, api_key=None)" == repr(ModelRef(MODEL_ID))
