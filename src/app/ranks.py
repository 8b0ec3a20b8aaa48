"""Which of the processes of a distributed training this one is.

The one rule: one training reports once. Rank 0 has the session; the others get one that does nothing and says so.

``Settings.rank`` decides where it is set; else ``torch.distributed`` where the training has initialized it, else the
variables that torchrun and its like set, ``RANK`` and ``LOCAL_RANK``. Nothing is imported for it.
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Mapping
from types import ModuleType


def rank(
    setting: int | None, environ: Mapping[str, str] = os.environ, modules: Mapping[str, ModuleType] = sys.modules
) -> int:
    """The rank of this process; 0 where nothing says that there are others, which trainers also write as -1."""
    if setting is not None:
        return max(setting, 0)
    torch_distributed = modules.get("torch.distributed")
    with contextlib.suppress(AttributeError):  # not there, or just being imported by another thread
        if torch_distributed.is_available() and torch_distributed.is_initialized():  # type: ignore[union-attr]
            return int(torch_distributed.get_rank())  # type: ignore[union-attr]
    for variable in ("RANK", "LOCAL_RANK"):
        with contextlib.suppress(KeyError, ValueError):  # words of somebody else's
            return max(int(environ[variable]), 0)
    return 0
