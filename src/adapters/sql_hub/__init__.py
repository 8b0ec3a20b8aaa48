"""What a HUB remembers, in a database: SQLite in a file of its own, or PostgreSQL.

The one rule: both databases say the same, to the letter; where they differ, ``dialects`` makes up for it.
"""

from .store import SqlHubStore

__all__ = ["SqlHubStore"]
