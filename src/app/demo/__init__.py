"""A real training against a HUB that is embedded, or against a given one."""
