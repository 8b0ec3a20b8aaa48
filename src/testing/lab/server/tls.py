"""Certificates, good and bad. Needs trustme: ``pip install hubport[lab]``.

The one rule: trustme is imported when an authority is made, and not before.
"""

from __future__ import annotations

import datetime as dt
import ssl
from enum import Enum
from pathlib import Path
from typing import Any

_LONG_AGO, _LONG_FROM_NOW = (dt.datetime(year, 1, 1, tzinfo=dt.timezone.utc) for year in (2020, 2090))
_DAY = dt.timedelta(days=1)


class Certificate(str, Enum):
    """What a server shows: one good certificate, and each of the bad ones."""

    GOOD = "good"
    EXPIRED = "expired"
    NOT_YET_VALID = "not yet valid"
    WRONG_HOST = "wrong host"
    SELF_SIGNED = "self-signed"
    UNKNOWN_AUTHORITY = "unknown authority"


class Authority:
    """Whom clients of a test trust: give them :meth:`bundle`, as ``REQUESTS_CA_BUNDLE``."""

    def __init__(self) -> None:
        trustme = _trustme()
        self._mine = trustme.CA()
        self._nobodys = trustme.CA()

    def bundle(self, folder: Path) -> Path:
        """The authority's own certificate, as a file in *folder*."""
        path = folder / "authority.pem"
        self._mine.cert_pem.write_to_path(str(path))
        return path

    def context(self, certificate: Certificate = Certificate.GOOD, *, host: str = "127.0.0.1") -> ssl.SSLContext:
        """The server's side of TLS for *host*, with such a certificate: ``Lab(hub, tls=authority.context())``."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        if certificate is Certificate.SELF_SIGNED:
            # Who signs for others has signed for himself, too.
            with self._nobodys.cert_pem.tempfile() as chain, self._nobodys.private_key_pem.tempfile() as key:
                context.load_cert_chain(chain, key)
            return context
        self._leaf(certificate, host).configure_cert(context)
        return context

    def _leaf(self, certificate: Certificate, host: str) -> Any:
        if certificate is Certificate.EXPIRED:
            return self._mine.issue_cert(host, not_before=_LONG_AGO, not_after=_LONG_AGO + _DAY)
        if certificate is Certificate.NOT_YET_VALID:
            return self._mine.issue_cert(host, not_before=_LONG_FROM_NOW, not_after=_LONG_FROM_NOW + _DAY)
        if certificate is Certificate.WRONG_HOST:
            return self._mine.issue_cert("another.invalid", "127.0.0.2")
        issuer = self._nobodys if certificate is Certificate.UNKNOWN_AUTHORITY else self._mine
        return issuer.issue_cert(host)


def _trustme() -> Any:
    try:
        import trustme  # noqa: PLC0415 - for those alone who want certificates
    except ModuleNotFoundError as exc:
        raise ImportError("certificates are made by trustme: pip install 'hubport[lab]'") from exc
    except ImportError as exc:
        raise ImportError(f"trustme, which makes certificates, is installed and cannot be imported: {exc}") from exc
    return trustme
