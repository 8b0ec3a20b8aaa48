"""The two plots beside the page.

The one rule: no background of their own, and colours that stand out from white and from black alike, so that they can
be read on a light page and on a dark one.
"""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmarks.peers import HUBPORT
from benchmarks.questions import call, fleet
from benchmarks.results import Results

INK = "#7d8590"
OURS, OTHER, THIRD = "#2f81f7", "#d4782a", "#2da44e"
STYLE = {
    "axes.edgecolor": INK,
    "axes.labelcolor": INK,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlecolor": INK,
    "axes.titlesize": "medium",
    "figure.constrained_layout.use": True,
    "font.family": "sans-serif",
    "font.size": 9,
    "grid.alpha": 0.3,
    "grid.color": INK,
    "legend.frameon": False,
    "legend.labelcolor": INK,
    "savefig.transparent": True,
    "svg.fonttype": "none",
    "svg.hashsalt": "hubport",
    "text.color": INK,
    "xtick.color": INK,
    "ytick.color": INK,
}


def can_draw() -> bool:
    """Whether matplotlib is here: the tests do without."""
    return importlib.util.find_spec("matplotlib") is not None


def draw(results: Results, into: Path) -> None:
    """Draw what was measured."""
    matplotlib = importlib.import_module("matplotlib")
    matplotlib.use("svg")
    pyplot = importlib.import_module("matplotlib.pyplot")
    with matplotlib.rc_context(STYLE):
        for module, make in ((call, _call), (fleet, _fleet)):
            if module.NAME in results.answers:
                figure = make(pyplot, results.answers[module.NAME].raw)
                figure.savefig(into / f"benchmarks-{module.NAME}.svg", metadata={"Date": None, "Creator": None})
                pyplot.close(figure)


def _call(pyplot: Any, raw: Mapping[str, Any]) -> Any:
    """Median to 99th percentile of each client, the cheapest on top."""
    found = call.rows(raw, "dense")
    lines = [("bare json.dumps and append", found[0][1].bare.median, found[0][1].bare_p99.median, INK)]
    lines += [
        (name, row.p50.median, row.p99.median, OURS if name.startswith(HUBPORT.name) else OTHER) for name, row in found
    ]
    lines.sort(key=lambda line: -line[1])
    figure, axes = pyplot.subplots(figsize=(7.2, 0.32 * len(lines) + 0.9))
    for place, (_, p50, p99, colour) in enumerate(lines):
        axes.plot([p50, p99], [place, place], color=colour, linewidth=3, solid_capstyle="round", alpha=0.5)
        axes.plot([p50], [place], "o", color=colour, markersize=7)
        axes.plot([p99], [place], "|", color=colour, markersize=9, markeredgewidth=2)
    axes.set_yticks(range(len(lines)), [name for name, *_ in lines])
    axes.set_xscale("log")
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
    axes.grid(axis="x")
    axes.set_xlabel("µs a call of seven floats: median ●, 99th percentile |")
    return figure


def _fleet(pyplot: Any, raw: Mapping[str, Any]) -> Any:
    """For each fleet the busiest second of each ten, by kind."""
    fleets = raw["fleets"]
    figure, plots = pyplot.subplots(len(fleets), 1, figsize=(7.2, 2.1 * len(fleets) + 0.5), sharex=True, squeeze=False)
    for axes, found in zip(plots[:, 0], fleets, strict=True):
        for name in ("outage of 10 minutes", "429 with Retry-After 30, 5 minutes"):
            start, end = raw["phases"][name]
            axes.axvspan(start / 60, end / 60, color=INK, alpha=0.15, linewidth=0)
        for kind, colour in (("metrics", THIRD), ("upload", OTHER), ("heartbeat", OURS)):
            minutes = [place * fleet.PLOT_EVERY / 60 for place in range(len(found["peaks"][kind]))]
            axes.plot(minutes, found["peaks"][kind], color=colour, linewidth=0.9, label=kind)
        axes.set_title(f"{found['sessions']:,} sessions, {found['variant']}", loc="left")
        axes.grid(axis="y")
        axes.set_ylim(bottom=0)
    plots[0, 0].legend(loc="upper right", ncols=3)
    plots[-1, 0].set_xlabel("minutes since the start; grey: the HUB is down, and later answers 429")
    figure.supylabel("requests in the busiest second of each ten", color=INK, fontsize=9)
    return figure
