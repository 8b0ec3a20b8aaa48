"""The contract of a HUB, in memory and served."""
