"""Below HTTP: a connection and its limits, how it closes, and what is answered where no request was read."""
