"""What the vendor's HUB did beside training sessions, and this one does not.

The one rule: it says so, instead of pretending.
"""

from __future__ import annotations

from ..context import HubContext
from ..messages import ApiError, BodyKind, HubRequest, HubResponse
from ..routing import Handler, Route


def _refusing(message: str) -> Handler:
    def refuse(hub: HubContext, request: HubRequest, *parts: str) -> HubResponse:
        raise ApiError(501, message)

    return refuse


_EXPORT = _refusing("this HUB exports no models: download the weights and export them with your trainer")
_RESET = _refusing("this HUB resets no models: create a new one, and delete the old one")
_IMAGE = _refusing("this HUB keeps no images of projects")
_PREDICT = _refusing("this HUB makes no predictions: download the weights and use them")

ROUTES = (
    Route("POST", "/v1/models/{id}/export", "export", "Not here: 501.", _EXPORT, BodyKind.JSON, status=501),
    Route("POST", "/get-export", "readExport", "Not here: 501.", _EXPORT, BodyKind.JSON, status=501),
    Route("POST", "/model-reset", "resetModel", "Not here: 501.", _RESET, BodyKind.JSON, status=501),
    Route("POST", "/v1/projects/{id}/upload", "uploadImage", "Not here: 501.", _IMAGE, BodyKind.FORM, status=501),
    Route("POST", "/v1/predict/{id}", "predict", "Not here: 501.", _PREDICT, BodyKind.FORM, status=501),
)
