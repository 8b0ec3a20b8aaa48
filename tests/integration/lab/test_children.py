"""Processes of a test: what they say, how they end, and what of them is left. The same for both ways to start one."""

from __future__ import annotations

import os
import signal
import sys
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path

import attrs
import pytest

from hubport.testing.lab import Child, Zygote
from hubport.testing.lab.processes import child
from hubport.testing.lab.sandbox import bare_environment

Start = Callable[..., Child]


@attrs.frozen
class Instants:
    """A clock for the lab's own time."""

    monotonic: Callable[[], float]


@pytest.fixture(scope="module")
def zygote() -> Iterator[Zygote]:
    with Zygote(preload=["json"], env=bare_environment()) as zygote:
        yield zygote


@pytest.fixture(params=["fresh", "forked"])
def start(request: pytest.FixtureRequest, tmp_path: Path, zygote: Zygote) -> Iterator[Start]:
    """Starts a process that runs *code*, either way."""
    started: list[Child] = []

    def run(code: str, *arguments: object, **environment: str) -> Child:
        # Each in a folder of its own: the one before may be reading its script just now.
        script = tmp_path / str(len(started)) / "script.py"
        script.parent.mkdir()
        script.write_text(textwrap.dedent(code))
        env, errors = {"PATH": os.environ["PATH"], **environment}, tmp_path / f"stderr-{len(started)}"
        if request.param == "forked":
            started.append(zygote.start(script, *arguments, env=env, errors=errors))
        else:
            started.append(Child.run([sys.executable, str(script), *map(str, arguments)], env, errors))
        return started[-1]

    yield run
    for one in started:
        one.reap()


ECHO = """
    import os, sys
    print("ready", os.getpid(), flush=True)
    for line in sys.stdin:
        print("heard", line.strip(), flush=True)
"""


def test_one_talks_to_it_line_by_line(start: Start) -> None:
    echo = start(ECHO)
    assert f"ready {echo.pid}" == echo.line()
    for word in ("one", "two"):
        echo.say(word)
        assert f"heard {word}" == echo.line()
    echo.say_no_more()
    assert ([], 0) == (echo.rest(), echo.end())


def test_it_has_the_arguments_and_the_environment_that_it_was_given_and_no_other(start: Start) -> None:
    code = """
        import os, sys
        print(sys.argv[1:], sorted({"ONE", "HOME", "PYTHONPATH"} & set(os.environ)), os.path.basename(sys.argv[0]))
        print(__name__, os.path.basename(__file__), os.path.samefile(sys.path[0], os.path.dirname(__file__)))
    """
    assert ["['a b', '7'] ['ONE'] script.py", "__main__ script.py True"] == start(code, "a b", 7, ONE="1").rest()


@pytest.mark.parametrize(
    ("end", "status"),
    [
        ("pass", 0),
        ("sys.exit(7)", 7),
        ("os._exit(3)", 3),
        ("raise ValueError('oh')", 1),
        ("os.abort()", -signal.SIGABRT),
        ("raise KeyboardInterrupt", -signal.SIGINT),
    ],
)
def test_it_ends_as_it_ends(start: Start, end: str, status: int) -> None:
    assert status == start(f"import os, sys\n{end}\n").end()


def test_it_ends_through_all_that_an_interpreter_does_at_its_end(start: Start) -> None:
    """Through all that Python promises: whether what lives at the end still gets its ``__del__`` is not among it."""
    code = """
        import atexit, threading, weakref
        class Last:
            pass
        last = Last()
        atexit.register(print, "at exit")
        weakref.finalize(last, print, "finalized")
        threading.Thread(target=lambda: print("a thread")).start()
    """
    one = start(code)
    found = one.rest()
    assert ("", 0) == (one.stderr, one.end())
    assert "a thread" == found[0]
    assert ["at exit", "finalized"] == sorted(found[1:])  # a fork may have called weakref.finalize() before


def test_it_ends_with_what_was_written_to_standard_output_at_the_very_end(start: Start) -> None:
    code = "import atexit, sys\natexit.register(lambda: sys.stdout.write('x' * 1_000_000))\n"
    assert ["x" * 1_000_000] == start(code).rest()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_a_signal_ends_it(start: Start, number: int) -> None:
    echo = start(ECHO)
    echo.line()
    echo.signal(number)
    assert -number == echo.end()


def test_it_can_be_asked_kindly_and_urgently(start: Start) -> None:
    code = """
        import os, signal, sys, threading
        def terminated(*_):
            os.write(1, b"terminated\\n")
            sys.exit(9)
        signal.signal(signal.SIGTERM, terminated)
        signal.signal(signal.SIGINT, lambda *_: os.write(1, b"interrupted\\n"))
        print("ready", flush=True)
        while not threading.Event().wait(0.1):  # a signal that comes just before a wait does not end it
            pass
    """
    one = start(code)
    assert "ready" == one.line()
    one.interrupt(times=2)
    assert "interrupted" == one.line()
    one.terminate()
    assert {"terminated"} == set(one.rest()) - {"interrupted"}  # of two at once the kernel may make one
    assert 9 == one.end()


def test_a_kill_takes_all_that_it_has_started(start: Start) -> None:
    code = """
        import os, signal, subprocess, sys
        if os.fork() == 0:
            print("fork", flush=True)
            signal.pause()
        subprocess.Popen([sys.executable, "-c", "import signal; print('program', flush=True); signal.pause()"])
        signal.pause()
    """
    one = start(code)
    assert {"fork", "program"} == {one.line(), one.line()}
    assert -signal.SIGKILL == one.kill()
    assert [] == one.rest()  # which ends only when nobody has the pipe open any more


def test_what_it_complains_of_is_kept(start: Start) -> None:
    one = start("import sys\nsys.stderr.write('oh no')\n")
    one.end()
    assert "oh no" == one.stderr


def test_an_early_end_is_told_with_its_reason(start: Start) -> None:
    one = start("print('half', end='', flush=True)\nraise ValueError('the reason')")
    with pytest.raises(AssertionError, match=r"said no more: status 1(.|\n)*the reason"):
        one.line()


def test_one_that_hangs_says_where_with_all_its_threads_and_all_it_has_started(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 0.0
    monkeypatch.setattr(child, "HANG_TIMEOUT", 0.3)
    monkeypatch.setattr(child, "time", Instants(lambda: now))
    code = """
        import os, threading, signal

        def the_first_thread():
            threading.Event().wait()

        def the_child():
            signal.pause()

        def the_main_thread():
            threading.Event().wait()

        threading.Thread(target=the_first_thread).start()
        if os.fork() == 0:
            the_child()
        print("ready", flush=True)
        the_main_thread()
    """
    one = start(code)
    one.line()
    now = 1.0  # however long it took to start: from here on it is silent for too long
    with pytest.raises(AssertionError, match="hung") as caught:
        one.end()
    for name in ("the_first_thread", "the_main_thread", "the_child"):
        assert f"in {name}" in str(caught.value)


def test_the_rest_that_it_says_is_a_sign_of_life_line_by_line(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    instants = iter(range(1000))
    monkeypatch.setattr(child, "time", Instants(lambda: float(next(instants))))
    one = start("import sys\nfor line in sys.stdin: print(line, end='', flush=True)")
    for word in ("one", "two", "three"):
        one.say(word)
    one.say_no_more()
    before = one._heard
    assert ["one", "two", "three"] == one.rest()
    assert before + 3 == one._heard


def test_a_process_group_of_its_own_keeps_signals_from_others(start: Start) -> None:
    one, other = start(ECHO), start(ECHO)
    one.line()
    other.line()
    assert len({os.getpgid(pid) for pid in (one.pid, other.pid, os.getpid())}) == 3
    os.killpg(one.pid, signal.SIGTERM)
    assert -signal.SIGTERM == one.end()
    other.say("you")
    assert "heard you" == other.line()


def test_reaping_leaves_nothing_and_may_come_twice(start: Start) -> None:
    one = start(ECHO)
    pid = int(one.line().split()[1])
    one.reap()
    one.reap()
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_its_number_is_kept_for_it_until_it_is_reaped(start: Start) -> None:
    """Until then a signal to it meets it or nobody: a number that was given back may be a stranger's at once."""
    one = start("print('ended')")
    assert (["ended"], 0) == (one.rest(), one.end())
    os.kill(one.pid, 0)
    assert 0 == one.kill()  # too late, and harmless
    os.kill(one.pid, 0)
    one.reap()
    with pytest.raises(ProcessLookupError):
        os.kill(one.pid, 0)


def test_no_signal_is_sent_to_a_number_that_was_given_back(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[tuple[int, int]] = []
    one = start("pass")
    one.end()
    one.reap()
    monkeypatch.setattr(os, "kill", lambda *signal: sent.append(signal))
    monkeypatch.setattr(os, "killpg", lambda *signal: sent.append(signal))
    one.terminate()
    one.interrupt(times=2)
    assert 0 == one.kill()
    one.reap()
    assert [] == sent


class TestZygotes:
    def test_what_is_forked_has_imported_what_was_named_and_starts_from_nothing(
        self, tmp_path: Path, zygote: Zygote
    ) -> None:
        script = tmp_path / "script.py"
        script.write_text(
            "import sys, signal, threading\n"
            "print('json' in sys.modules, sorted(set(globals()) - {'__cached__', '__doc__', '__file__', '__name__'}\n"
            "      - {'__builtins__', '__loader__', '__package__', '__spec__', '__annotations__'}))\n"
            "print(threading.active_count(), signal.getsignal(signal.SIGINT) is signal.default_int_handler,\n"
            "      signal.getsignal(signal.SIGCHLD) is signal.SIG_DFL)\n"
        )
        with zygote.start(script, env={}, errors=tmp_path / "errors") as one:
            assert ["True ['signal', 'sys', 'threading']", "1 True True"] == one.rest()

    def test_many_run_side_by_side_and_each_has_its_own_end(self, tmp_path: Path, zygote: Zygote) -> None:
        script = tmp_path / "script.py"
        script.write_text("import sys\nsys.stdin.readline()\nsys.exit(int(sys.argv[1]))\n")
        many = [zygote.start(script, number, env={}, errors=tmp_path / "errors") for number in range(20)]
        for one in reversed(many):
            one.say()
        assert list(range(20)) == [one.end() for one in many]
        for one in many:
            one.reap()

    def test_it_keeps_no_file_of_those_it_has_forked(self, tmp_path: Path) -> None:
        script = tmp_path / "script.py"
        script.write_text(
            "import os\nprint(len(os.listdir('/proc/self/fd')), len(os.listdir(f'/proc/{os.getppid()}/fd')))\n"
        )
        with Zygote(preload=[], env=bare_environment()) as zygote:
            counts = []
            for _ in range(20):
                with zygote.start(script, env={}, errors=tmp_path / "errors") as one:
                    counts.append([int(number) for number in one.rest()[0].split()])
                    one.end()
        # Of its parent a fork may see files that are just being closed; what was never closed every later one sees.
        assert [min(count) for count in zip(*counts[:10], strict=True)] == [
            min(count) for count in zip(*counts[10:], strict=True)
        ], counts

    def test_when_it_is_gone_that_is_said(self, tmp_path: Path) -> None:
        zygote = Zygote(preload=[], env=bare_environment())
        zygote._process.kill()
        zygote._process.wait()
        with pytest.raises(AssertionError, match="the zygote is gone"):
            zygote.start(tmp_path / "script.py", env={}, errors=tmp_path / "errors")
        zygote.close()

    def test_what_it_has_started_goes_with_it(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        script = tmp_path / "script.py"
        script.write_text(textwrap.dedent(ECHO))
        zygote = Zygote(preload=[], env=bare_environment())
        one = zygote.start(script, env={}, errors=tmp_path / "errors")
        one.line()
        zygote.close()
        assert [] == one.rest()  # it has nobody's pipe open any more
        sent: list[tuple[int, int]] = []
        monkeypatch.setattr(os, "killpg", lambda *signal: sent.append(signal))
        one.reap()
        assert [] == sent  # its number is not kept any more

    def test_where_it_was_killed_no_number_is_trusted(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        script = tmp_path / "script.py"
        script.write_text(textwrap.dedent(ECHO))
        zygote = Zygote(preload=[], env=bare_environment())
        one = zygote.start(script, env={}, errors=tmp_path / "errors")
        one.line()
        zygote._process.kill()
        zygote._process.wait()
        one.say_no_more()
        assert [] == one.rest()  # it has ended, and nobody keeps its number
        sent: list[tuple[int, int]] = []
        monkeypatch.setattr(os, "kill", lambda *signal: sent.append(signal))
        monkeypatch.setattr(os, "killpg", lambda *signal: sent.append(signal))
        one.terminate()
        one.reap()
        zygote.close()
        assert [] == sent

    def test_one_that_cannot_start_says_so(self) -> None:
        with pytest.raises(AssertionError, match="did not start"):
            Zygote(preload=["a_module_that_is_not_there"], env=bare_environment() | {"PYTHONWARNINGS": "ignore"})
