"""The page of all answers.

The one rule: it is drawn from the results alone, and says of each figure when and how it was taken.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping
from pathlib import Path

from benchmarks.results import Answer, Results
from benchmarks.table import Section, Table, goals_table

BUSY = 0.2
"""Cores that other processes use, above which a run is called disturbed."""
INTRODUCTION = """\
# Benchmarks

What hubport costs, measured beside the clients and libraries that do the same work. `make bench` measures all of it
and writes this page; `make bench ARGS="call upload"` measures parts of it, `make bench ARGS=--quick` a small version
into `build/benchmarks`. Each peer has an environment of its own, with the exact version of
[benchmarks/peers](../../benchmarks/peers). Repetitions of the clients alternate, since absolute times move by a factor
of 2 to 4 from one minute to the next: compare within a table, and look at the ratios. The figures behind the tables
are in [benchmarks.json](benchmarks.json)."""


def page(results: Results, sections: Mapping[str, Section], folder: Path) -> str:
    """The page as Markdown, with the plots that are in *folder*."""
    blocks = [INTRODUCTION, *_goals(sections), *_about(results)]
    for name, section in sections.items():
        blocks += _section(section, results.answers[name], folder)
    return "\n\n".join(blocks) + "\n"


def _goals(sections: Mapping[str, Section]) -> Iterator[str]:
    goals = [goal for section in sections.values() for goal in section.goals]
    missed = [goal for goal in goals if goal.is_met is False]
    unknown = [goal for goal in goals if goal.is_met is None]
    yield "## Goals"
    yield (
        f"{len(goals) - len(missed) - len(unknown)} of {len(goals)} are met, {len(missed)} are missed, "
        f"{len(unknown)} could not be measured in this run."
    )
    yield str(goals_table(goals))


def _about(results: Results) -> Iterator[str]:
    yield "## The machine"
    yield str(Table(("", ""), [(name, value) for name, value in results.machine.items()]))
    versions = ", ".join(f"{name} {version}" for name, version in results.versions.items())
    yield textwrap.fill(f"Versions: {versions}.", 120)
    busy = [name for name, answer in results.answers.items() if answer.others is None or answer.others > BUSY]
    if busy:
        yield textwrap.fill(
            f"Other processes were at work, or may have been, during {', '.join(busy)}: what these say of longest "
            "calls and of absolute times is worse than on a quiet machine.",
            120,
        )


def _section(section: Section, answer: Answer, folder: Path) -> Iterator[str]:
    yield f"## {section.title}"
    yield textwrap.fill(section.how, 120)
    if section.plot and (folder / section.plot).exists():
        yield f"![{section.title}]({section.plot})"
        yield section.caption
    yield from map(str, section.tables)
    if section.goals:
        yield str(goals_table(section.goals))
    others = "an unknown number of" if answer.others is None else f"{answer.others:.1f}"
    where = "in a network namespace with nothing but loopback" if answer.isolated else NOT_ISOLATED
    yield (
        f"<sub>{answer.date}, {answer.scale} scale, {answer.seconds:.0f} s, {others} cores used by other processes, "
        f"{where}.</sub>"
    )


NOT_ISOLATED = (
    "not isolated: this system allows no network namespace, so that only the clients' own settings kept them on "
    "loopback"
)
