"""Small and broken disks."""
