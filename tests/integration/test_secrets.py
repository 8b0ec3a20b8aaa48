"""No key in anything that the product writes: neither on a terminal, nor in a log of any library, nor on the disk."""

from __future__ import annotations

from collections.abc import Callable

from hubport.testing.lab import Hang, Redirect, Refuse
from tests.integration.conftest import TrainerSandbox


def test_no_key_in_logs_tracebacks_reprs_and_files(site: TrainerSandbox) -> None:
    key = site.hub.api_key
    signature = "X-Signature=5e3f0a9b7c1d"
    signed = f"https://store.invalid/last.pt?{signature}"
    site.model_id = site.hub.create_model(record={"status": "training", "resume": signed}).id
    child = site.start("leaks", site.folder, HUBPORT_EXIT_TIMEOUT="0.3", HUBPORT_SIGNAL_TIMEOUT="0.3")
    said = []
    failure_log: list[Callable[[], object]] = [
        lambda: None,
        lambda: site.hub.refuse(422, f"{key} sent nonsense"),
        lambda: site.hub.refuse(503),
        lambda: site.hub.garble(f"<html>{key}</html>".encode()),
        lambda: site.hub.rate_limit(3600, stripped=True),
        lambda: site.lab.always(Redirect(f"{signed}&api_key={key}")),
        lambda: site.lab.always(Refuse()),
        lambda: None,
        lambda: site.lab.always(Hang()),
        lambda: site.hub.refuse(401, f"the key {key} is not mine"),  # the last, since nothing is sent after it
    ]
    while (line := child.line()) != "trouble":
        said.append(line)
    for trouble in failure_log:
        site.hub.heal()
        site.lab.heal()
        trouble()
        child.say("go")
        while (line := child.line()) != "next":
            said.append(line)
    # It comes when the backoff of what has failed before is over.
    while not any("key.refused" in line for line in said):
        said.append(child.line())
    site.lab.always(Hang())
    child.say_no_more()
    said += child.rest()
    assert 0 == child.end(), child.stderr

    text = "\n".join([*said, child.stderr])
    assert "DEBUG:urllib3" in text
    assert "Traceback" in child.stderr
    assert "hub.failed" in text
    assert "key.refused" in text
    secrets = [key, key[::-1], signature]
    for line in text.splitlines():
        assert not [secret for secret in secrets if secret in line], line
    assert site.spools()
    for file in site.state_dir.rglob("*"):
        if file.is_file():
            content = file.read_bytes()
            assert not [secret for secret in secrets if secret.encode() in content], file
