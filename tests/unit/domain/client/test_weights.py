import pytest
from hypothesis import given
from hypothesis import strategies as st

from hubport.domain.client.weights import corrected_weights

#: Each old name and its successor, spelled out as in the protocol's table.
SUCCESSORS = {
    "yolov5n.pt": "yolov5nu.pt",
    "yolov5s.pt": "yolov5su.pt",
    "yolov5m.pt": "yolov5mu.pt",
    "yolov5l.pt": "yolov5lu.pt",
    "yolov5x.pt": "yolov5xu.pt",
    "yolov5n6.pt": "yolov5n6u.pt",
    "yolov5s6.pt": "yolov5s6u.pt",
    "yolov5m6.pt": "yolov5m6u.pt",
    "yolov5l6.pt": "yolov5l6u.pt",
    "yolov5x6.pt": "yolov5x6u.pt",
    "yolov3.pt": "yolov3u.pt",
    "yolov3-tiny.pt": "yolov3-tinyu.pt",
    "yolov3-spp.pt": "yolov3-sppu.pt",
}
each_old_name = pytest.mark.parametrize(("old", "new"), SUCCESSORS.items(), ids=SUCCESSORS)
PREFIXES = [
    "",
    "./",
    "/",
    "weights/",
    "/data/unused/u/",
    "C:\\models\\",
    "..\\u\\",
    "C:/models\\mixed/",
    "http://hub.local/",
    "https://hub.ultralytics.com/models/",
    "s3://bucket/ultralytics/",
    "dir with blanks/",
    "line\nbreak/",
]


@each_old_name
@pytest.mark.parametrize("prefix", PREFIXES)
def test_an_old_name_gets_its_successor_and_keeps_its_prefix(prefix: str, old: str, new: str) -> None:
    assert prefix + new == corrected_weights(prefix + old)


@given(prefix=st.text().map(lambda text: f"{text}/"), old=st.sampled_from(sorted(SUCCESSORS)))
def test_the_file_name_alone_decides(prefix: str, old: str) -> None:
    assert prefix + SUCCESSORS[old] == corrected_weights(prefix + old)


@each_old_name
def test_a_corrected_name_stays(old: str, new: str) -> None:
    assert new == corrected_weights(new)
    assert f"http://hub.local/{new}" == corrected_weights(f"http://hub.local/{new}")


@each_old_name
def test_neither_yaml_nor_anything_around_the_name_is_touched(old: str, new: str) -> None:
    stem = old.removesuffix(".pt")
    for name in (
        f"{stem}.yaml",
        stem,
        f"{old}.yaml",
        f"{old}h",
        f"{old}/",
        f"{old}?token=1",
        f"{old}\n",
        f" {old} ",
        f"my-{old}",
        f"{stem}-cls.pt",
        old.upper(),
    ):
        assert name == corrected_weights(name)


@pytest.mark.parametrize(
    "name",
    ["", "yolov8n.pt", "yolov36.pt", "yolov5.pt", "yolov5nn.pt", "yolov5n66.pt", "yolov3-tiny6.pt", "rtdetr-l.pt"],
)
def test_other_families_stay(name: str) -> None:
    assert name == corrected_weights(name)


def test_no_name_stays_no_name() -> None:
    assert corrected_weights(None) is None


@given(st.text() | st.sampled_from(sorted(SUCCESSORS)))
def test_correcting_twice_is_correcting_once(name: str) -> None:
    once = corrected_weights(name)

    assert once == corrected_weights(once)
