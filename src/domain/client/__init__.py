"""The client's rules: the wire as a trainer sees it, pacing, the journal."""
