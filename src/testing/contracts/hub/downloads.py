"""How a HUB gives files away.

The one rule: the address is the permission, for as long as the file is there.
"""

from __future__ import annotations

import pytest

from .harness import HubUnderTest

_CONTENT = bytes(range(256)) * 1000


class HubFilesContract:
    """Override the fixture :meth:`hub`."""

    @pytest.fixture
    def hub(self) -> HubUnderTest:
        """The HUB under test."""
        raise NotImplementedError("override the fixture `hub`")

    @pytest.fixture
    def link(self, hub: HubUnderTest) -> str:
        """The address of a file with known bytes."""
        model_id = hub.create()
        hub.upload(model_id, _CONTENT)
        return str(hub.model(model_id)["resume"])

    def test_a_download_says_how_long_it_is_and_what_it_is(self, hub: HubUnderTest, link: str) -> None:
        """Trap 4."""
        response = hub.download(link)

        assert response.body == _CONTENT
        assert response.headers["content-length"] == str(len(_CONTENT))
        assert response.headers["accept-ranges"] == "bytes"
        assert response.headers["content-type"] == "application/octet-stream"
        assert response.headers["content-disposition"].startswith("attachment")
        assert hub.download(link, {"if-none-match": response.headers["etag"]}, status=304).body == b""
        assert hub.download(link, {"if-none-match": '"other"'}).body == _CONTENT

    def test_head_is_a_download_without_its_bytes(self, hub: HubUnderTest, link: str) -> None:
        """Trap 4: clients ask for the length first."""
        response = hub.send("HEAD", link.removeprefix(hub.root), key="")

        assert (response.status, response.headers["content-length"]) == (200, str(len(_CONTENT)))
        assert response.body == b""

    @pytest.mark.parametrize(
        ("wanted", "start", "end"),
        [("0-99", 0, 100), ("1000-", 1000, 256_000), ("-5", 255_995, 256_000), ("255999-999999999", 255_999, 256_000)],
    )
    def test_a_part_is_what_was_asked_for(
        self, hub: HubUnderTest, link: str, wanted: str, start: int, end: int
    ) -> None:
        """Trap 4: a download that broke off goes on."""
        response = hub.download(link, {"range": f"bytes={wanted}"}, status=206)

        assert response.body == _CONTENT[start:end]
        assert response.headers["content-range"] == f"bytes {start}-{end - 1}/256000"
        assert response.headers["content-length"] == str(end - start)

    def test_a_part_of_another_file_is_not_given(self, hub: HubUnderTest, link: str) -> None:
        """A client that holds the beginning of another gets all of this one."""
        etag = hub.download(link).headers["etag"]

        assert len(hub.download(link, {"range": "bytes=0-0", "if-range": etag}, status=206).body) == 1
        assert hub.download(link, {"range": "bytes=0-0", "if-range": '"other"'}).body == _CONTENT

    @pytest.mark.parametrize("wanted", ["bytes=9-1", "bytes=a-b", "lines=1-2", "bytes=0-1,5-6", "bytes=-", "x" * 500])
    def test_a_part_that_makes_no_sense_is_the_whole(self, hub: HubUnderTest, link: str, wanted: str) -> None:
        """As the standard has it."""
        assert hub.download(link, {"range": wanted}).body == _CONTENT

    def test_a_part_beyond_the_end_is_refused(self, hub: HubUnderTest, link: str) -> None:
        """With how long the file is."""
        for wanted in ("256000-", "999999999-", "-0"):
            response = hub.download(link, {"range": f"bytes={wanted}"}, status=416)
            assert response.headers["content-range"] == "bytes */256000"

    def test_nobody_guesses_an_address(self, hub: HubUnderTest, link: str) -> None:
        """Neither another token, nor another name, nor a way out of the folder."""
        path = link.removeprefix(hub.root)
        _, _, token, name = path.split("/")
        for other in (
            f"/files/{token[:-1]}{'0' if token[-1] != '0' else '1'}/{name}",
            f"/files/{token}/{name.replace('epoch-0', 'epoch-1')}",
            f"/files/{token}/../{name}",
            f"/files/{token}/..%2f{name}",
            f"/files/{token}/",
            f"/files/{token}/{name}.part",
            "/files/../hub.sqlite3",
        ):
            assert hub.refused("GET", other, key="") == 404, other

    def test_a_newer_checkpoint_has_an_address_of_its_own(self, hub: HubUnderTest) -> None:
        """Trap 8: what was given out stays good while the file is kept."""
        model_id = hub.create()
        links = []
        for number in range(3):
            hub.upload(model_id, b"%d" % number, epoch="4")
            links.append(hub.model(model_id)["resume"])

        assert [hub.download(link).body for link in links] == [b"0", b"1", b"2"]
