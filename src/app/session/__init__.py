"""A training session: connecting, its life, signals, forks and ranks, the drop-in."""
