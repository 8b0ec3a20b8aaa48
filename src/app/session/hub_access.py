"""Which HUB a call is for, and with which key.

The one rule: a key goes to the address that it was given with. The model's URL may name a HUB, and takes a key along
only where nobody has kept that key for another one.
"""

from __future__ import annotations

import attrs

from ...domain.base_url import validate_base_url
from ...domain.client.credentials import Credentials
from ...domain.client.login import Login
from ...domain.client.model_ref import ModelRef, is_vendors, web_root_in
from ...domain.errors import AuthenticationFailed, InvalidSettings
from ..logins import Logins
from ..settings import Settings, no_hub
from .factory import ModelAccess


def with_login(settings: Settings, logins: Logins) -> Settings:
    """*settings* with the HUB of the login, and its key, where they name no HUB and there is a login.

    Raises:
        InvalidSettings: when the login is needed and cannot be read.
    """
    if settings.is_named:
        return settings
    login = logins.read()
    return settings if login is None else _logged_in(settings, login)


def named_hub(settings: Settings, logins: Logins) -> Settings:
    """The same where there must be a HUB.

    Raises:
        InvalidSettings: when neither names one, or the login cannot be read.
    """
    settings = with_login(settings, logins)
    if not settings.is_named:
        raise no_hub()
    return settings


def key_for(settings: Settings, logins: Logins, api_key: str | Credentials | None = None) -> Credentials:
    """The key for the HUB that *settings* name: *api_key*, else theirs, else that of a login to this very HUB.

    Raises:
        AuthenticationFailed: when there is none, or it can be none.
        InvalidSettings: when there is none, and the login cannot be read.
    """
    found = api_key or settings.api_key
    if not found:
        login = logins.read()
        if login is not None and login.api_root == settings.hub_root:
            found = login.api_key
    if not found:
        raise AuthenticationFailed(f"no key for the HUB at {settings.hub_root}")
    # A line break at its end is a slip of the clipboard, or of a file that it was read from.
    return found if isinstance(found, Credentials) else Credentials(found.strip())


def model_access(
    model: str, api_key: str | Credentials | None, settings: Settings, logins: Logins
) -> tuple[Settings, ModelAccess]:
    """The HUB of *model* and the key for it: arguments before *settings* before the login.

    The returned settings name the HUB. Where *settings* or the login do, the model's URL must be one of that HUB, or
    the vendor's, which trainers of 2023 write for any HUB. Where they do not, the URL names it.

    Raises:
        InvalidModelRef: when *model* is none, or is in another HUB than *settings* say.
        InvalidSettings: when nobody has named a HUB.
        AuthenticationFailed: when there is no key for it.
    """
    web_root = web_root_in(model)
    if settings.is_named or web_root is None:
        ref = ModelRef.parse(model, web_root=settings.page_root) if settings.is_named else ModelRef.parse(model)
        settings = named_hub(settings, logins)
        return settings, ModelAccess(ref.model_id, key_for(settings, logins, api_key or ref.api_key))
    web_root = validate_base_url(web_root, setting="the model's URL", allow_plain_http=settings.allow_plain_http)
    ref = ModelRef.parse(model, web_root=web_root)
    return _access_by_url(web_root, ref, api_key or ref.api_key, settings, logins)


def _access_by_url(
    web_root: str, ref: ModelRef, api_key: str | Credentials | None, settings: Settings, logins: Logins
) -> tuple[Settings, ModelAccess]:
    unusable: InvalidSettings | None = None
    try:
        login = logins.read()
    except InvalidSettings as exc:  # the URL says enough, unless the key is missing
        login, unusable = None, exc
    if login is not None and (is_vendors(web_root) or web_root.lower() in _roots(login)):
        settings = _logged_in(settings, login)
        return settings, ModelAccess(ref.model_id, key_for(settings, logins, api_key))
    named = attrs.evolve(settings, web_root=web_root)
    if login is not None and not api_key:
        raise AuthenticationFailed(
            f"no key for the HUB at {named.hub_root}, which the model's URL names: you are logged in to "
            f"{login.api_root}, and a key that you keep for one HUB is not sent to another"
        )
    if unusable is not None and not (api_key or settings.api_key):
        raise unusable
    return named, ModelAccess(ref.model_id, key_for(named, Logins(None), api_key))


def _logged_in(settings: Settings, login: Login) -> Settings:
    return attrs.evolve(
        settings,
        api_root=login.api_root,
        web_root=login.web_root,
        api_key=settings.api_key or login.api_key,
        allow_plain_http=settings.allow_plain_http or login.allow_plain_http,
    )


def _roots(login: Login) -> set[str]:
    return {login.web_root.lower(), login.api_root.lower()}
