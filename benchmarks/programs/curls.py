"""Uploads a file with curl: twice, as ``uploads.py`` does.

The one rule: the time is curl's own, from its first look-up to the last byte of the answer; its memory is read from
outside until it is gone, and compared with what it needs for a small file.
"""

from __future__ import annotations

import subprocess
from pathlib import Path

from benchmarks.programs.clients import options
from benchmarks.programs.speech import say
from benchmarks.wire import KEY, MODEL_ID

LOOK_EVERY = 0.005


def upload(url: str, path: str) -> tuple[float, int]:
    """Seconds, and the most memory that was seen, in bytes."""
    form = ["epoch=1", "type=epoch", "isBest=False", f"last.pt=@{path};filename=last.pt"]
    command = ["curl", "-sS", "-o", "answer", "-w", "%{time_total} %{http_code}", "-H", f"x-api-key: {KEY}"]
    command += [part for field in form for part in ("-F", field)]
    with subprocess.Popen(
        [*command, f"{url}/v1/models/{MODEL_ID}/upload"], stdout=subprocess.PIPE, text=True
    ) as process:
        most = 0
        while True:
            most = max(most, high_water(process.pid))
            try:
                told, _ = process.communicate(timeout=LOOK_EVERY)
            except subprocess.TimeoutExpired:
                continue
            seconds, status = told.split()
            assert status == "200"
            return float(seconds), most


def high_water(pid: int) -> int:
    """The kernel's high-water mark of *pid*; 0 when it is gone."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) << 10 for line in lines if line.startswith("VmHWM:")), 0)


def main() -> None:
    wanted = options()
    small = Path("small.pt")
    small.write_bytes(bytes(1 << 20))
    before = max(upload(wanted["url"], str(small))[1] for _ in range(5))
    _, most = upload(wanted["url"], wanted["path"])
    seconds, _ = upload(wanted["url"], wanted["path"])
    say({"seconds": seconds, "grown": most - before})


if __name__ == "__main__":
    main()
