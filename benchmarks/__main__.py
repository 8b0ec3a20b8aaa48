"""``python -m benchmarks``: measure, write the figures, draw the page.

The one rule: nothing may leave this machine. The process begins again in a network namespace of its own before it
measures anything, and where that cannot be the page says so.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from datetime import datetime, timezone
from pathlib import Path
from types import ModuleType

from benchmarks import isolation, machine, plots
from benchmarks.bench import Bench
from benchmarks.page import page
from benchmarks.peers import HUBPORT, PEERS, ROOT
from benchmarks.questions import QUESTIONS
from benchmarks.results import Answer, Results
from benchmarks.scale import SCALES

DOCS = ROOT / "docs" / "reference"
NAMES = [question.NAME for question in QUESTIONS]
SCRATCH_RUNS = ROOT / "build" / "benchmarks"


def main() -> int:
    """Run the command line; the exit status."""
    options = _parser().parse_args()
    scale = SCALES["quick" if options.quick else options.scale]
    into: Path = options.into or (DOCS if scale.name == "full" else SCRATCH_RUNS)
    into.mkdir(parents=True, exist_ok=True)
    if not options.draw:
        isolated = isolation.enter()
        with tempfile.TemporaryDirectory(prefix="hubport-bench-", dir=options.scratch) as scratch:
            bench = Bench(scale, Path(scratch), with_peers=not options.without_peers)
            wanted = [question for question in QUESTIONS if question.NAME in (options.questions or NAMES)]
            _measure(bench, wanted, into, isolated=isolated)
    _draw(into)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="make bench ARGS=...", description=__doc__.splitlines()[0])
    parser.add_argument("questions", nargs="*", metavar="QUESTION", choices=[*NAMES, []], help=f"of {', '.join(NAMES)}")
    parser.add_argument("--scale", choices=SCALES, default="full", help="how large the run is (full)")
    parser.add_argument("--quick", action="store_true", help="the same as --scale quick, into build/benchmarks")
    parser.add_argument("--without-peers", action="store_true", help="hubport alone")
    parser.add_argument("--draw", action="store_true", help="draw the page again, and measure nothing")
    parser.add_argument("--into", type=Path, metavar="FOLDER", help="where page, plots and figures go (docs/reference)")
    parser.add_argument("--scratch", type=Path, metavar="FOLDER", help="where files are written meanwhile")
    return parser


def _measure(bench: Bench, questions: Sequence[ModuleType], into: Path, *, isolated: bool) -> None:
    path = into / "benchmarks.json"
    about = machine.described(bench.scratch)
    results = Results.read(path)
    if results is None or results.machine != about:
        bench.say("no earlier figures of this machine: the page will have this run's alone")
        results = Results(about, {})
    results.versions = _versions()
    for question in questions:
        bench.begin(question.NAME)
        used, started = machine.used_by_others(), time.monotonic()
        raw = question.measure(bench)
        took = time.monotonic() - started
        date = datetime.now(timezone.utc).strftime("%Y-%m-%d %H:%M UTC")
        others = max(machine.used_by_others() - used, 0.0) / took
        results.answers[question.NAME] = Answer(date, bench.scale.name, took, isolated, others, raw)
        results.write(path)
        bench.say(f"{question.NAME} took {took:.0f} s")


def _versions() -> dict[str, str]:
    ours = HUBPORT.versions()
    versions: dict[str, str] = {
        name: ours[name] for name in ("hubport", "requests", "urllib3", "attrs", "structlog") if name in ours
    }
    versions |= {peer.package: peer.versions().get(peer.package, "not installed") for peer in PEERS}
    if shutil.which("curl") is not None:
        told = subprocess.run(["curl", "--version"], capture_output=True, text=True, check=True)  # noqa: S607
        versions["curl"] = told.stdout.split()[1]
    return versions


def _draw(into: Path) -> None:
    results = Results.read(into / "benchmarks.json")
    if results is None:
        sys.exit(f"nothing was measured yet into {into}")
    results.answers = {q.NAME: results.answers[q.NAME] for q in QUESTIONS if q.NAME in results.answers}
    sections = {q.NAME: q.section(results.answers[q.NAME].raw) for q in QUESTIONS if q.NAME in results.answers}
    if plots.can_draw():
        plots.draw(results, into)
    text = page(results, sections, into)
    (into / "benchmarks.md").write_text(text, encoding="utf-8")
    print(into / "benchmarks.md")


if __name__ == "__main__":
    sys.exit(main())
