"""What was logged, on its way to the HUB: spools, workers, senders, counters."""
