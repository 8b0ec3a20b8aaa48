"""One question a module, in the order of the page.

The one rule: a question has ``NAME``, ``measure(bench)``, which returns plain values, and ``section(raw)``,
which makes words and tables of them, today or from the file of another day.
"""

from __future__ import annotations

from benchmarks.questions import call, day, exits, fleet, forms, hold, imports, kill, outage, serve, threads, upload

QUESTIONS = (call, forms, kill, hold, upload, threads, outage, exits, imports, fleet, day, serve)
