"""The contract of the port `Outbox`."""
