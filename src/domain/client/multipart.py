"""The body of a form with one file in it, around the file: multipart/form-data (RFC 7578) as requests writes it.

The one rule: the file itself is never here, so that its size does not matter.
"""

from __future__ import annotations

from collections.abc import Mapping

import attrs


@attrs.frozen
class MultipartFraming:
    """What stands before and after the file's bytes."""

    content_type: str
    head: bytes
    tail: bytes

    @classmethod
    def around(cls, fields: Mapping[str, str], file_name: str, *, boundary: str) -> MultipartFraming:
        """The envelope of *fields* and one file part with *file_name* for both its names.

        Names and file names come from our own protocol and need no quoting; *boundary* must not occur in the file,
        which 128 random bits see to.
        """
        lines = [
            f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
            for name, value in fields.items()
        ]
        lines.append(
            f'--{boundary}\r\nContent-Disposition: form-data; name="{file_name}"; filename="{file_name}"\r\n\r\n'
        )
        tail = f"\r\n--{boundary}--\r\n"
        return cls(f"multipart/form-data; boundary={boundary}", "".join(lines).encode(), tail.encode())
