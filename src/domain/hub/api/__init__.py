"""The HTTP API of the HUB: routing, validation, and a response for each request."""
