"""The revisions of the tables, from the first on; Alembic reads each as a file.

The one rule: a revision that was released is never edited, and imports nothing of hubport, which goes on changing.
"""
