"""The contract of the port `HubStore`."""
