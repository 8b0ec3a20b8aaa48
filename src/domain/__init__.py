"""The rules of a training session and of a HUB: pure, over values and ports, with nothing that waits or writes."""
