"""Everything goes wrong, and everything is printed: logs of every library, tracebacks, reprs. Nothing shows a key."""

import contextlib
import logging
import os
import sys
import traceback
from collections.abc import Callable
from pathlib import Path

import hubport
from hubport import Credentials, HUBTrainingSession, Settings

logging.basicConfig(level=logging.DEBUG, stream=sys.stdout)
logging.captureWarnings(capture=True)
logging.getLogger("urllib3").setLevel(logging.DEBUG)


def say(text: object) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def attempt(call: Callable[[], object]) -> None:
    """Print what comes of *call*, in every form that a log may have."""
    try:
        result = call()
    except Exception as exc:
        traceback.print_exc()
        traceback.print_exc(file=sys.stdout)
        say(f"{exc!r} {exc} {vars(exc)}")
        logging.getLogger("a trainer").exception("it failed")
        chained = exc.__context__
        while chained is not None:
            say(f"{chained!r} {chained}")
            chained = chained.__context__
    else:
        say(f"{result!r} {result}")


def main(model: str, folder: str) -> None:
    key = os.environ["HUB_API_KEY"]
    wrong = key[::-1]
    settings = Settings.from_env()
    say(f"{settings!r} {settings} {Credentials(key)!r} {Credentials(key)} {Credentials.bearer(key)!r}")
    for ref in (
        f"{wrong}_{model}",
        f"{key}_{model}x",
        f"{key}{model}",
        key,
        f"{settings.web_root}/models/{key}_{model}/more",
        f"{settings.web_root}/models/{model}?api_key={key}&api_key={wrong}",
        f"https://{key}:{wrong}@example.org/models/{model}",
        f"https://example.org/models/{key}_{model}",
        f"{key}_{'A' * 20}",
    ):
        attempt(lambda ref=ref: hubport.connect(ref))  # type: ignore[misc]
        attempt(lambda ref=ref: HUBTrainingSession(ref))  # type: ignore[misc]
    for bad in (f"{key}\n", f"{key}é", f" {key}", ""):
        attempt(lambda bad=bad: hubport.connect(model, api_key=bad))  # type: ignore[misc]
    attempt(lambda: Settings(api_root=f"https://{key}@example.org"))
    attempt(lambda: Settings(api_root=f"https://example.org/?key={key}"))
    attempt(lambda: Settings(api_root=key))
    attempt(lambda: Settings(web_root=key))
    attempt(
        lambda: hubport.connect(f"{key}_{model}", settings=Settings(api_root="http://127.0.0.1:1", connect_timeout=0.3))
    )

    last = Path(folder) / "last.pt"
    last.write_bytes(b"weights" * 1000)
    session = hubport.connect(f"{key}_{model}")
    # An outbox of its own: a second session for the model would take the place of the first.
    old = HUBTrainingSession(
        f"{key}_{model}", settings=Settings.from_env(state_dir=settings.outboxes_dir.parent / "old")
    )
    say(f"{session!r} {session.record!r} {session.status()!r} {old!r}")
    say("trouble")
    for epoch, _ in enumerate(sys.stdin):  # a line for each kind of trouble that the HUB is in now
        session.log_metrics(epoch, {"loss": 1.0})
        session.upload_checkpoint(last, epoch=epoch)
        attempt(lambda epoch=epoch: session.log_metrics(epoch, {"loss": object()}))  # type: ignore[misc]
        old.metrics_queue = {epoch: "{}"}
        old.upload_metrics()
        attempt(lambda: session.flush(timeout=0.3))
        attempt(session.status)
        say("next")
    attempt(lambda: session.finish(last, epoch=1, map=0.1, timeout=0.3))
    attempt(lambda: session.log_metrics(0, {}))
    with contextlib.suppress(SystemExit):
        old._handle_signal(15, None)


main(*sys.argv[1:])
