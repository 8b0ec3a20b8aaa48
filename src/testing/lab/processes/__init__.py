"""Processes of a test: started fresh or forked, and reaped."""
