"""Why a request had no answer, in words that name what is to be mended.

The one rule: the innermost reason is what counts; no address of an object, and no URL of a proxy, which may hold a
password, is ever quoted.
"""

from __future__ import annotations

import socket
import ssl
from http.client import RemoteDisconnected

import requests
import urllib3.exceptions

_PROXY = "the proxy that the environment names (HTTPS_PROXY, HTTP_PROXY or ALL_PROXY)"
_CA_BUNDLE = "the file that REQUESTS_CA_BUNDLE or CURL_CA_BUNDLE names"
_NO_TLS = frozenset({"WRONG_VERSION_NUMBER", "HTTP_REQUEST", "RECORD_LAYER_FAILURE"})
_NO_CERTIFICATE = frozenset({"NO_CERTIFICATE_OR_CRL_FOUND", "PEM_LIB", "NO_START_LINE"})


def cause(exc: Exception, *, host: str, patience: float) -> str:
    """What went wrong on the way to *host*; *patience* is how long anything may take, in seconds."""
    chain = _chain(exc)
    named = _of_the_environment(chain)
    if named is None:
        named = next((words for error in reversed(chain) if (words := _of_the_network(error, host))), None)
    if named is None:
        named = _of_time(chain, patience) or type(chain[-1]).__name__
    if any(isinstance(error, requests.exceptions.ProxyError | urllib3.exceptions.ProxyError) for error in chain):
        return f"{_PROXY}: {named}"
    return named


def _chain(exc: BaseException) -> list[BaseException]:
    chain = [exc]
    while (inner := _reason(chain[-1])) is not None and inner not in chain:
        chain.append(inner)
    return chain


def _reason(error: BaseException) -> BaseException | None:
    """What *error* came from: urllib3 hands some reasons on as arguments."""
    wrapped = next((arg for arg in (getattr(error, "reason", None), *error.args) if isinstance(arg, Exception)), None)
    return error.__cause__ or error.__context__ or wrapped


def _of_the_environment(chain: list[BaseException]) -> str | None:
    """What variables say that cannot be: nothing was sent anywhere."""
    outermost = chain[0]
    if isinstance(outermost, requests.exceptions.InvalidSchema):
        return f"{_PROXY} is a SOCKS proxy: pip install 'requests[socks]', or name the HUB's host in NO_PROXY"
    if isinstance(outermost, requests.exceptions.InvalidURL):  # the HUB's own was checked long before
        return f"{_PROXY} is no http or https URL with a host: correct it, or name the HUB's host in NO_PROXY"
    # requests raises a bare OSError here, before there is a socket.
    if type(outermost) is OSError and "CA certificate bundle" in str(outermost):
        return f"{_CA_BUNDLE} is not there: correct or unset the variable"
    return None


def _of_the_network(error: BaseException, host: str) -> str | None:
    """The system's own words first: urllib3 counts a refused connection among its time-outs."""
    if isinstance(error, socket.gaierror):
        return f"{error.strerror}: the name cannot be resolved"
    if isinstance(error, ssl.SSLCertVerificationError):
        return (
            f"the certificate of {host} is not trusted: {error.verify_message}; "
            "REQUESTS_CA_BUNDLE=FILE trusts an authority of your own"
        )
    if isinstance(error, ssl.SSLError) and error.reason in {
        "WRONG_VERSION_NUMBER",
        "HTTP_REQUEST",
        "RECORD_LAYER_FAILURE",
    }:
        return "what listens there does not speak TLS: is it http:// instead of https://?"
    if isinstance(error, ssl.SSLError) and error.reason in _NO_CERTIFICATE:
        return f"{_CA_BUNDLE} holds no certificate"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return None


def _of_time(chain: list[BaseException], patience: float) -> str | None:
    for error in chain:
        if isinstance(error, RemoteDisconnected):
            return "the connection was closed without an answer"
        if isinstance(error, TimeoutError | requests.Timeout | urllib3.exceptions.TimeoutError):
            return f"no answer within {patience:g} s"
    return None
