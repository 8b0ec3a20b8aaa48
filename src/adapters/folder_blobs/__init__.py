"""A HUB's files in a folder of this machine.

The one rule: what has a name is whole, and on the disk.
"""

from .blobs import FolderBlobs

__all__ = ["FolderBlobs"]
