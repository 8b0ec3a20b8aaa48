"""The use cases, and the wiring of adapters to ports."""
