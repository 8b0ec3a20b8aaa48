"""The other side of the wire: what a HUB answers, and what it makes of what it is told."""
