"""A HUB behind a web server: uvicorn's HTTP/1.1, an ASGI application of our own, and the pages."""
