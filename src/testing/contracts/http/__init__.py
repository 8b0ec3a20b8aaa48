"""The contract of the port `Http`."""
