"""Every error that hubport raises on purpose, each also the built-in that a caller of the old client catches.

::

    HubportError
    ├── CallerError                                          what was asked for cannot be done
    │   ├── InvalidModelRef    (ValueError)                  not a model's URL, KEY_ID or ID
    │   ├── InvalidSettings    (ValueError)                  a setting or environment variable makes no sense
    │   ├── InvalidMetrics     (TypeError, ValueError)       a value or an epoch that no HUB can hold
    │   ├── InvalidAdapter     (TypeError)                   an ``Http`` of the caller's own breaks its port
    │   └── SessionClosed      (RuntimeError)                the session was closed before
    └── HubError                                             the HUB, or the way to it, said no
        ├── HubUnreachable         (ConnectionRefusedError)      no answer at all
        ├── HubRefused             (ConnectionError, ValueError) an answer that is no success: ``status``, ``message``
        ├── AuthenticationFailed   (PermissionError, ValueError) no key, or one that the HUB does not take
        ├── AlreadyTrained         (ValueError)                  the model is finished
        ├── DatasetNotReady        (ValueError)                  the HUB is still processing the dataset
        ├── InvalidModelRecord     (ValueError, KeyError)        the HUB's record lacks a field, or it makes no sense
        └── StoreUnusable                                        on a HUB's own machine: its database cannot be used
            └── StoreFull                                        there is no room for more

The one rule: an error carries data, ``str()`` makes the sentence, and the sentence says what to do next.
None of them ever holds a key.
"""

from __future__ import annotations

from urllib.parse import urlsplit

from .hosts import is_loopback, is_vendor


class HubportError(Exception):
    """The root: catch this to catch everything that hubport raises on purpose."""


class CallerError(HubportError):
    """What was asked for cannot be done, whatever the HUB says."""


class HubError(HubportError):
    """The HUB, or the way to it, said no."""


class InvalidModelRef(CallerError, ValueError):
    """Text that is not one of the five forms of a model identifier."""

    def __init__(self, problem: str) -> None:
        super().__init__(problem)
        self.problem = problem

    def __str__(self) -> str:
        return (
            f"{self.problem}. Give the model's URL (https://<your HUB>/models/<ID>), '<KEY>_<ID>' or '<ID>': "
            "a KEY has 42 letters and digits, an ID 20."
        )


class InvalidSettings(CallerError, ValueError):
    """A setting, or the environment variable behind it, that makes no sense."""

    def __init__(self, setting: str, problem: str) -> None:
        super().__init__(setting, problem)
        self.setting = setting
        self.problem = problem

    def __str__(self) -> str:
        return f"{self.setting}: {self.problem}"


class InvalidMetrics(CallerError, TypeError, ValueError):
    """A metric, or an epoch, that cannot be written as JSON that a HUB understands."""

    def __init__(self, name: str, problem: str) -> None:
        super().__init__(name, problem)
        self.name = name
        self.problem = problem

    def __str__(self) -> str:
        return f"{self.name}: {self.problem}"


class InvalidAdapter(CallerError, TypeError):
    """An adapter of a port does what the port does not allow: no outage, and a second try will not mend it."""

    def __init__(self, adapter: str, fault: str) -> None:
        super().__init__(adapter, fault)
        self.adapter = adapter
        self.fault = fault

    def __str__(self) -> str:
        return (
            f"{self.adapter} {self.fault}. Http.send() returns a Response for every status, and raises HubUnreachable "
            "and nothing else where there is no answer: hubport.testing.contracts.HttpContract tests that."
        )


class SessionClosed(CallerError, RuntimeError):
    """A call that sends something, made after the session's end.

    ``how`` it ended: ``closed``, ``finished`` with final weights, or ``replaced`` by another session of the process.
    """

    def __init__(self, call: str, model_url: str, how: str = "closed") -> None:
        super().__init__(call, model_url, how)
        self.call = call
        self.model_url = model_url
        self.how = how

    def __str__(self) -> str:
        if self.how == "finished":
            return (
                f"{self.call}() came after the session had sent the final weights: {self.model_url} is trained. "
                "To train once more, create a new model in the HUB (hubport's command `models create` does) "
                "and call hubport.connect() with it."
            )
        if self.how == "replaced":
            return (
                f"{self.call}() came after hubport.connect({self.model_url!r}) was called once more in this process, "
                "which closes the session before it. Use the session that it returned."
            )
        return (
            f"{self.call}() came after the session was closed. "
            f"Call hubport.connect({self.model_url!r}) again and use the session that it returns."
        )


class HubUnreachable(HubError, ConnectionRefusedError):
    """No answer: refused, dropped, timed out, or not resolvable.

    The old class raised ``ConnectionRefusedError`` for all of these, where it knew the key already.
    """

    def __init__(self, root: str, cause: str) -> None:
        super().__init__(root, cause)
        self.root = root
        self.cause = cause

    def __str__(self) -> str:
        return f"no answer from the HUB at {self.root} ({self.cause}). {self._advice()}"

    def _advice(self) -> str:
        host = urlsplit(self.root).hostname or ""
        if is_vendor(host):
            return (
                "The vendor's service was switched off on 2026-07-31: run a HUB of your own "
                "(hubport's command `serve` starts one on this machine) and point ULTRALYTICS_HUB_API at it, "
                "and ULTRALYTICS_HUB_WEB for the addresses of its models."
            )
        if is_loopback(host):
            return (
                "Is hubport's command `serve` running on this machine, and at this address? ULTRALYTICS_HUB_API names "
                "another one."
            )
        return "Is the HUB running, and does this machine reach it? ULTRALYTICS_HUB_API names another one."


class HubRefused(HubError, ConnectionError, ValueError):
    """An answer whose status, or whose body, is no success."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(status, message)
        self.status = status
        self.message = message

    def __str__(self) -> str:
        return f"the HUB answered {self.status}: {self.message}. {self._advice()}"

    def _advice(self) -> str:
        if self.status == 404:  # noqa: PLR2004 - the HTTP status is its own name
            return "Check the model's ID, and that ULTRALYTICS_HUB_API names the HUB that holds it."
        if 300 <= self.status < 400:  # noqa: PLR2004
            return (
                "Redirects are not followed, so that the key stays here: set ULTRALYTICS_HUB_API to the final address."
            )
        if 200 <= self.status < 300 or self.status in {401, 403}:  # noqa: PLR2004
            return "Is there a proxy or a login page in between? Check ULTRALYTICS_HUB_API."
        if self.status == 507:  # noqa: PLR2004
            return "Its disk is full: make room there, and try again."
        if self.status == 429 or self.status >= 500:  # noqa: PLR2004
            return "Try again later; the HUB's own log says more."
        return "Check the request's values against the message."


class AuthenticationFailed(HubError, PermissionError, ValueError):
    """No key was given, or the HUB does not take the one that was."""

    def __init__(self, problem: str) -> None:
        super().__init__(problem)
        self.problem = problem

    def __str__(self) -> str:
        return (
            f"{self.problem}. Copy the key from your HUB and pass it as api_key=, as '<KEY>_<ID>', or in the "
            "environment variable HUB_API_KEY, or keep it with hubport's command `login`."
        )


class AlreadyTrained(HubError, ValueError):
    """The model was trained and its final weights are in the HUB."""

    def __init__(self, model_url: str) -> None:
        super().__init__(model_url)
        self.model_url = model_url

    def __str__(self) -> str:
        return f"the model is already trained and uploaded: see {self.model_url}, or create a new model to train."


class DatasetNotReady(HubError, ValueError):
    """The record names no dataset yet."""

    def __init__(self, model_url: str) -> None:
        super().__init__(model_url)
        self.model_url = model_url

    def __str__(self) -> str:
        return (
            f"the dataset of {self.model_url} may still be being processed (the record's 'data' is empty): "
            "try again in a minute."
        )


class InvalidModelRecord(HubError, ValueError, KeyError):
    """The HUB's record of the model lacks a field, or holds something else than expected there."""

    def __init__(self, field: str, problem: str) -> None:
        super().__init__(field, problem)
        self.field = field
        self.problem = problem

    def __str__(self) -> str:
        return (
            f"the HUB's record of the model: field {self.field!r} {self.problem}. "
            "Correct it in the HUB, then connect again."
        )


class StoreUnusable(HubError):
    """A HUB's database cannot be used: not reached, not ours, too new, full, or locked.

    ``location`` holds no password.
    """

    def __init__(self, location: str, problem: str) -> None:
        super().__init__(location, problem)
        self.location = location
        self.problem = problem

    def __str__(self) -> str:
        return f"{self.location}: {self.problem}"


class StoreFull(StoreUnusable):
    """The disk of a HUB's database is full: nothing more is kept until there is room."""
