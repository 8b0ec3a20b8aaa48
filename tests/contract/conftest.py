"""What contracts need of the outside."""

from tests.integration.hub.postgres import postgres

__all__ = ["postgres"]
