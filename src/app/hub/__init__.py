"""A HUB of your own: its container, settings, keys, server and sweep."""
