"""What was measured, as JSON beside the page, so that the page can be drawn again without measuring.

The one rule: a run replaces what it has measured and leaves the rest, unless the rest is from another machine: figures
of two machines never stand on one page.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import attrs


@attrs.frozen
class Answer:
    """One question's figures, and when, at which scale and in how many seconds they were taken.

    ``isolated`` says whether nothing could leave the machine meanwhile; ``others`` is how many cores other processes
    used meanwhile, where that is known.
    """

    date: str
    scale: str
    seconds: float
    isolated: bool
    others: float | None
    raw: dict[str, Any]


@attrs.define
class Results:
    """Everything that the page shows."""

    machine: dict[str, str]
    versions: dict[str, str]
    answers: dict[str, Answer] = attrs.field(factory=dict)

    @classmethod
    def read(cls, path: Path) -> Results | None:
        """What *path* holds, if it is there."""
        if not path.exists():
            return None
        found = json.loads(path.read_text(encoding="utf-8"))
        answers = {name: Answer(**answer) for name, answer in found["answers"].items()}
        return cls(found["machine"], found["versions"], answers)

    def write(self, path: Path) -> None:
        """One line for each part, so that a difference shows which part has changed."""
        parts = [f'"machine": {json.dumps(self.machine)}', f'"versions": {json.dumps(self.versions)}']
        answers = [f'"{name}": {json.dumps(attrs.asdict(answer))}' for name, answer in self.answers.items()]
        parts.append('"answers": {\n' + ",\n".join(answers) + "\n}")
        path.write_text("{\n" + ",\n".join(parts) + "\n}\n", encoding="utf-8")
