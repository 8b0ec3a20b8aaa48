"""What the HUB has refused, made to wait again: for an owner who has done away with the reason.

The one rule: nothing old takes the place of something newer. An epoch goes out whole, with all that was logged for it
in its order, and a checkpoint only where no newer one of its run has arrived.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from ...domain.checkpoint import Checkpoint
from ...domain.client.backlog import is_refusal
from ...domain.client.journal import checkpoint_line, metrics_line, run_line
from ...domain.metrics import EpochValues, merged
from ...domain.ports.outbox import Spool
from .journal_reader import backlog_of, settled, whole_lines


def requeue_rejected(spool: Spool) -> None:
    """Write the journal of a dead run anew: what was refused waits in it, beside what waits already.

    Raises:
        OSError: when there is no room; the journal is as it was.
    """
    backlog = backlog_of(spool)
    wanted = {epoch for epoch, _, is_wanted in _logged(spool, backlog.cursor) if is_wanted}
    whole: dict[int, EpochValues] = {}
    for epoch, values, _ in _logged(spool, backlog.cursor):
        if epoch in wanted:
            whole[epoch] = merged(whole.get(epoch), values)
    metrics = [metrics_line(epoch, values) for epoch, values in whole.items()]
    checkpoints = [checkpoint_line(checkpoint) for checkpoint in _checkpoints(spool)]
    spool.compact(lambda: b"".join([run_line(backlog.about), *metrics, *checkpoints]))


def _logged(spool: Spool, cursor: int) -> Iterator[tuple[int, EpochValues, bool]]:
    """All metrics in the order in which they were logged: epoch, values, and whether the HUB still lacks them."""
    yield from settled(spool)
    for line in whole_lines(spool, cursor):
        match line.record:
            case ["m", int(epoch), dict() | str() as values]:
                yield epoch, values, True


def _checkpoints(spool: Spool) -> list[Checkpoint]:
    """Those that wait, and those that were refused and are not older than one that has arrived."""
    found: dict[int, Checkpoint] = {}
    for line in whole_lines(spool, 0):
        match line.record:
            case ["c", dict(data)]:
                with contextlib.suppress(TypeError, ValueError):
                    checkpoint = Checkpoint.from_json(data)
                    found[checkpoint.number] = checkpoint
            case ["c-end", int(number), str(how)] if not is_refusal(how):
                ended = found.pop(number, None)
                if ended is not None and how == "delivered":
                    found = {n: other for n, other in found.items() if n > number or not ended.supersedes(other)}
    return [found[number] for number in sorted(found)]
