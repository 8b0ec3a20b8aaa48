"""What a question shows: tables, goals and words.

The one rule: a goal says what it is, what was measured and whether it is met, and one that is missed is shown like the
others.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import attrs


@attrs.frozen
class Goal:
    """A figure to meet: ``is_met`` is ``None`` where this run could not tell."""

    what: str
    measured: str
    is_met: bool | None

    @property
    def verdict(self) -> str:
        """In one word."""
        return {True: "met", False: "**missed**", None: "not measured"}[self.is_met]


@attrs.frozen
class Table:
    """Rows of text below a head; the first column is to the left, the others to the right."""

    head: Sequence[str]
    rows: Sequence[Sequence[str]]
    title: str = ""

    def __str__(self) -> str:
        title = f"{self.title}\n\n" if self.title else ""
        lines = [_row(self.head), "|---|" + "---:|" * (len(self.head) - 1), *map(_row, self.rows)]
        return title + "\n".join(lines)


@attrs.frozen(kw_only=True)
class Section:
    """One question and its answer."""

    title: str
    how: str
    """How it was measured."""
    tables: Sequence[Table]
    goals: Sequence[Goal] = ()
    plot: str = ""
    """The name of a plot beside the page, and below it what it shows."""
    caption: str = ""


def goals_table(goals: Iterable[Goal]) -> Table:
    """The goals as a table."""
    return Table(("goal", "measured", ""), [(goal.what, goal.measured, goal.verdict) for goal in goals])


def _row(cells: Iterable[str]) -> str:
    return "| " + " | ".join(cells) + " |"
