"""YOLOv5 and YOLOv3 weight names, corrected to the anchor-free ``u`` weights that replaced them.

The one rule: the file name alone decides. (The old clients look for the letter ``u`` anywhere in the string, so
``http://hub.local/yolov5n.pt`` was not corrected.)
"""

from __future__ import annotations

import re

# Everything up to the last separator of a URL, a POSIX path or a Windows path, then an old name and nothing after it.
_OLD_NAME = re.compile(r"(?P<prefix>(?:.*[/\\])?)(?P<stem>yolov5[nsmlx]6?|yolov3(?:-tiny|-spp)?)\.pt", re.DOTALL)


def corrected_weights(name: str | None) -> str | None:
    """*name* with an old YOLOv5 or YOLOv3 weights file replaced by its ``u`` successor; everything else as it is."""
    match = _OLD_NAME.fullmatch(name) if name is not None else None
    return name if match is None else f"{match['prefix']}{match['stem']}u.pt"
