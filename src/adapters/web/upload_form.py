"""A multipart form with one file, taken apart as it comes.

The one rule: the file goes straight into a pending blob, and everything else is small, or refused.

It blocks, so that it runs in a thread; one at a time.
"""

from __future__ import annotations

from multipart import MultipartError, MultipartSegment, ParserLimitReached, PushMultipartParser, parse_options_header

from ...domain.hub.api.messages import ApiError, UploadedFile
from ...domain.hub.ports.blobs import Blobs, PendingBlob
from .exchange import file_too_large
from .limits import Limits

_LONGEST_NAME = 200
_LONGEST_BOUNDARY = 200
#: Bytes before the first part and after the last, which nobody reads.
_MOST_AROUND = 1 << 16
_PART_HEADERS = 8


class Form:
    """A form whose header says *content_type*; a pending blob of *blobs* takes the file.

    Raises:
        ApiError: when the header speaks of no form.
    """

    def __init__(self, content_type: str, blobs: Blobs, limits: Limits) -> None:
        kind, options = parse_options_header(content_type)
        boundary = options.get("boundary", "")
        if kind != "multipart/form-data" or not boundary.isascii() or not 0 < len(boundary) <= _LONGEST_BOUNDARY:
            raise ApiError(400, "send a form: multipart/form-data with its boundary")
        self._parser = PushMultipartParser(
            boundary,
            max_header_size=limits.part_head,
            max_header_count=_PART_HEADERS,
            max_segment_count=limits.parts,
            max_segment_size=limits.upload,
        )
        self._blobs = blobs
        self._limits = limits
        self._fields: dict[str, str] = {}
        self._around = 0
        self._name: str | None = None
        self._text: bytearray | None = None
        self._file: UploadedFile | None = None
        self._pending: PendingBlob | None = None

    def feed(self, data: bytes) -> None:
        """The next bytes.

        Raises:
            ApiError: when they make no form, or too large a one.
            OSError: when the file cannot be kept.
        """
        is_around = self._name is None
        try:
            for event in self._parser.parse(data):
                is_around = False
                if event is None:
                    self._end_part()
                elif isinstance(event, MultipartSegment):
                    self._begin_part(event)
                elif self._text is None:
                    self._write_blob(event)
                else:
                    self._text += event
                    if len(self._text) > self._limits.field:
                        raise ApiError(413, f"{self._name!r} is longer than {self._limits.field} bytes, and no file")
        except ParserLimitReached as exc:
            raise ApiError(413, self._limit(_reason(exc))) from exc
        except MultipartError as exc:
            raise ApiError(400, f"this is no multipart form: {_reason(exc)}") from exc
        if is_around:
            self._around += len(data)
            if self._around > _MOST_AROUND:
                raise ApiError(400, "this is no multipart form: there are more bytes around its parts than in them")

    def end(self) -> tuple[dict[str, str], UploadedFile | None]:
        """The text fields and the file, once everything was fed.

        Raises:
            ApiError: when something is missing.
        """
        try:
            self._parser.close()
        except MultipartError as exc:
            raise ApiError(400, "the form is cut short: its final boundary is missing") from exc
        return self._fields, self._file

    def discard(self) -> None:
        """Give up the file, unless it was kept."""
        if self._pending is not None:
            self._pending.discard()

    def _limit(self, reason: str) -> str:
        """Which limit it was, by the parser's own words."""
        texts = {
            "segment size": file_too_large(self._limits.upload),
            "segment count": f"this form has more than {self._limits.parts} parts",
            "header length": f"the headers of a part are longer than {self._limits.part_head} bytes",
            "header count": f"a part of this form has more than {_PART_HEADERS} headers",
        }
        return next((text for what, text in texts.items() if what in reason), f"this form is too large: {reason}")

    def _begin_part(self, part: MultipartSegment) -> None:
        name = part.name or ""
        if not name or len(name) > _LONGEST_NAME:
            raise ApiError(400, f"a part of the form has no name, or one longer than {_LONGEST_NAME} characters")
        if (part.content_type or "").lower().startswith("multipart/"):
            raise ApiError(400, f"{name!r} is a form within the form: send each part by itself")
        self._name = name
        if part.filename is None:
            if name in self._fields:
                raise ApiError(422, f"{name!r} is there twice")
            self._text = bytearray()
            return
        if self._file is not None:
            raise ApiError(422, "there are two files in this form: send each with a form of its own")
        self._text = None
        self._pending = self._blobs.create()
        self._file = UploadedFile(part.filename, self._pending)

    def _write_blob(self, data: bytes | bytearray) -> None:
        assert self._pending is not None  # noqa: S101 - a part that is no text has one
        self._pending.write(bytes(data))

    def _end_part(self) -> None:
        if self._text is not None and self._name is not None:
            try:
                self._fields[self._name] = self._text.decode()
            except UnicodeDecodeError as exc:
                raise ApiError(400, f"{self._name!r} is no text in UTF-8") from exc
        self._name = self._text = None


def _reason(exc: MultipartError) -> str:
    return str(exc.args[0]).lower() if exc.args else "it breaks off"
