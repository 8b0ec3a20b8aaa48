"""Commands whose standard output or standard error is closed, full, or read by nobody."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from hubport.testing.lab import HANG_TIMEOUT
from tests.integration.cli.conftest import Machine
from tests.integration.conftest import TrainerSandbox
from tests.integration.left_overs import another_model, killed

_HUBPORT = Path(sys.executable).with_name("hubport")


def run(machine: Machine, line: str, **environment: str) -> tuple[int, str, list[str]]:
    """What a shell makes of *line*, in which ``hubport`` is the command: status, output, and the lines on stderr."""
    done = subprocess.run(
        ["/bin/bash", "-o", "pipefail", "-c", f'hubport() {{ "{_HUBPORT}" "$@"; }}; {line}'],
        env=machine.environment(**environment),
        capture_output=True,
        text=True,
        timeout=HANG_TIMEOUT,
        check=False,
    )
    return done.returncode, done.stdout, done.stderr.splitlines()


COMMANDS = ("models list", "models export-csv $ID", "--help")
CLOSED = "hubport: standard output cannot be written (it is closed): what was to be shown is lost"
FULL = "hubport: standard output cannot be written (No space left on device): what was to be shown is lost"


@pytest.fixture
def with_model(machine: Machine) -> Machine:
    machine.json("keys", "create")
    return machine


@pytest.mark.parametrize("command", COMMANDS)
def test_output_that_is_lost_is_one_line_and_a_status(with_model: Machine, command: str) -> None:
    made = with_model.json("models", "create", "--weights", "yolov8n.pt", "--data", "coco8.yaml")
    for redirection, complaint in ((">&-", [CLOSED]), (">/dev/full", [FULL])):
        assert (1, "", complaint) == run(with_model, f"hubport {command} {redirection}", ID=made["id"])
    # Who reads has read enough: not a word.
    status, _, complaints = run(with_model, f"(sleep 0.2; hubport {command}) | true", ID=made["id"])
    assert (1, []) == (status, complaints)
    # With nowhere to say it the status alone is left.
    assert (1, "", []) == run(with_model, f"hubport {command} <&- >&- 2>&-", ID=made["id"])


@pytest.mark.parametrize("redirection", ["2>&-", "2>/dev/full"])
def test_what_goes_wrong_is_not_written_to_stdout_where_stderr_is_lost(machine: Machine, redirection: str) -> None:
    status = 1 if redirection == "2>&-" else 2
    command = "models show nonsense" if status == 1 else "models list --limit 0"
    assert (status, "", []) == run(machine, f"hubport {command} {redirection}")


def test_a_lost_stderr_changes_nothing_where_all_is_well(with_model: Machine) -> None:
    for redirection in ("2>&-", "2>/dev/full"):
        status, output, _ = run(with_model, f"hubport models list --json {redirection}")
        assert (0, []) == (status, json.loads(output))


def test_a_question_that_nobody_can_answer_is_said_so(with_model: Machine) -> None:
    made = with_model.json("models", "create", "--weights", "yolov8n.pt", "--data", "coco8.yaml")
    status, output, (complaint,) = run(with_model, f"hubport models delete --hard {made['id']} <&-")
    assert (1, "") == (status, output)
    assert "--yes" in complaint


def test_the_database_never_gets_the_number_of_a_standard_stream(with_model: Machine) -> None:
    """What was made with all three closed is there, and whole."""
    created = "hubport models create --weights yolov8n.pt --data coco8.yaml --name given <&- >&- 2>&-"
    assert 1 == run(with_model, created)[0]
    assert ["given"] == [model["meta"]["name"] for model in with_model.json("models", "list")]


def test_a_server_goes_on_without_its_output(machine: Machine) -> None:
    # Not by the function: the signal is for the server, and not for the shell that would wait for it.
    line = (
        f'"{_HUBPORT}" serve --port 0 >&- & until test -s "$HUBPORT_DATA_DIR/address"; do sleep 0.05; done; '
        "kill -TERM $!; wait $!"
    )
    status, output, complaints = run(machine, line)
    assert (1, "", [CLOSED]) == (status, output, complaints)


@pytest.mark.parametrize("redirection", [">&-", ">/dev/full", "> >(true)"])
def test_a_sync_sends_everything_whatever_becomes_of_its_output(site: TrainerSandbox, redirection: str) -> None:
    first = killed(site)
    another_model(site)
    second = killed(site)
    child = site.command(["/bin/bash", "-c", f'sleep 0.2; exec "$0" sync {redirection}', str(_HUBPORT)])
    assert 1 == child.end()
    assert all("Traceback" not in line for line in child.stderr.splitlines())
    for model_id in (first, second):
        assert [0, 1, 2] == list(site.hub.metrics(model_id))
    assert [] == site.spools()
