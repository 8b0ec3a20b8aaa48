"""A client of a HUB for the command line."""
