"""Text that every store can hold and every client can read: Unicode without NUL and lone surrogates."""

from __future__ import annotations


def is_plain(value: str) -> bool:
    """Whether every store can hold it: no NUL, and nothing that has no form in UTF-8."""
    if "\0" in value:
        return False
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def replace_unstorable(value: str) -> str:
    """*value* with what cannot be stored replaced, for texts that are only shown."""
    return sendable(value.replace("\0", "�"))


def sendable(value: str) -> str:
    """*value* without half surrogate pairs, which can be said in JSON, and which not every reader of JSON reads."""
    return value if value.isascii() else value.encode(errors="replace").decode()
