"""Real signals in processes of their own: how they end is what counts."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable

import pytest

from hubport.adapters.os_signals import OsSignals
from tests.integration.adapters.child_process import program

WATCH = """
    import os, signal, sys, threading
    from hubport.adapters.os_signals import OsSignals

    def say(*words):
        os.write(1, (" ".join(map(str, words)) + "\\n").encode())

    def wait(event):
        # Again and again: a signal that comes just before a wait is seen only when something else ends it.
        while not event.wait(0.1):
            pass

    never = threading.Event()
"""

PASSING_ON = (
    WATCH
    + """
    def met(number):
        say("met", int(number), threading.current_thread() is threading.main_thread())
        watch.pass_on(number)

    watch = OsSignals().watch(met)
    try:
        say("ready")
        wait(never)
    except KeyboardInterrupt:
        say("interrupted")
        raise SystemExit(7)
"""
)


def ended(code: str, *numbers: int) -> tuple[int, str, str]:
    """How a process ends that is sent *numbers*, each when it has said a line."""
    with program(code) as child:
        said = ""
        for number in numbers:
            said += child.line() + "\n"
            child.signal(number)
        said += "".join(f"{line}\n" for line in child.rest())
        status = child.end()
        return status, said, child.stderr


class TestTheEnd:
    def test_of_a_process_by_sigterm_is_that_of_sigterm(self) -> None:
        """A shell sees 143, a supervisor that the signal has done it."""
        assert ended(PASSING_ON, signal.SIGTERM) == (-signal.SIGTERM, "ready\nmet 15 False\n", "")

    def test_of_a_process_by_sigint_is_keyboard_interrupt(self) -> None:
        """Raised in the main thread, where it may be caught, although that thread was waiting."""
        assert ended(PASSING_ON, signal.SIGINT) == (7, "ready\nmet 2 False\ninterrupted\n", "")

    def test_of_an_interrupt_that_nobody_catches_is_that_of_sigint(self) -> None:
        code = PASSING_ON.replace("except KeyboardInterrupt", "except ZeroDivisionError")

        status, out, err = ended(code, signal.SIGINT)

        assert (-signal.SIGINT, "ready\nmet 2 False\n") == (status, out)
        assert err.rstrip().endswith("KeyboardInterrupt")

    @pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
    def test_is_the_same_without_a_signal(self, number: int) -> None:
        code = (
            WATCH
            + """
    before = [signal.getsignal(n) for n in (signal.SIGTERM, signal.SIGINT)]
    watch = OsSignals().watch(say)
    watch.stop()
    say(before == [signal.getsignal(n) for n in (signal.SIGTERM, signal.SIGINT)])
    """
        )
        assert ended(code) == (0, "True\n", "")

    def test_comes_at_once_with_the_second_signal(self) -> None:
        """While the watcher of the first is still busy, and would be for ever."""
        code = (
            WATCH
            + """
    def met(number):
        say("met", int(number))
        never.wait()

    watch = OsSignals().watch(met)
    say("ready")
    wait(threading.Event())
"""
        )
        for second in (signal.SIGTERM, signal.SIGINT):
            status, out, _ = ended(code, signal.SIGTERM, second)
            assert (-second, "ready\nmet 15\n") == (status, out)

    def test_comes_when_the_main_thread_is_held_by_a_lock(self) -> None:
        code = PASSING_ON.replace(
            "wait(never)", "lock = threading.Lock(); lock.acquire()\n        while not lock.acquire(timeout=0.1): pass"
        )

        assert ended(code, signal.SIGTERM) == (-signal.SIGTERM, "ready\nmet 15 False\n", "")

    def test_comes_when_the_signal_interrupts_the_starting_of_a_thread(self) -> None:
        """The handler takes no lock: the code below it may hold the very one that starts threads."""
        code = (
            WATCH
            + """
    watch = OsSignals().watch(lambda number: watch.pass_on(number))
    with threading._active_limbo_lock:
        signal.raise_signal(signal.SIGTERM)
        signal.pause()
"""
        )
        assert ended(code)[0] == -signal.SIGTERM

    def test_comes_when_no_thread_can_be_started(self) -> None:
        """At the end of an interpreter, or of the memory: then there is no moment, and the signal is not lost."""
        code = PASSING_ON.replace('say("ready")', 'threading.stack_size(1 << 46); say("ready")')

        assert ended(code, signal.SIGTERM) == (-signal.SIGTERM, "ready\n", "")


class TestEarlierHandlers:
    def test_are_called_when_the_signal_is_passed_on(self) -> None:
        """In the main thread, with a frame, as always."""
        code = (
            WATCH
            + """
    done = threading.Event()

    def earlier(number, frame):
        say("earlier", number, frame is not None, threading.current_thread() is threading.main_thread())
        done.set()

    def met(number):
        say("met", int(number))
        watch.pass_on(number)

    signal.signal(signal.SIGTERM, earlier)
    watch = OsSignals().watch(met)
    say("ready")
    wait(done)
    say(signal.getsignal(signal.SIGTERM) is earlier)
"""
        )
        assert ended(code, signal.SIGTERM) == (0, "ready\nmet 15\nearlier 15 True True\nTrue\n", "")

    @pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
    def test_what_was_ignored_stays_ignored(self, number: int) -> None:
        """As for a process under nohup, whose other signals are watched all the same."""
        code = (
            WATCH
            + f"""
    ignored = signal.Signals({int(number)})
    other = ({{signal.SIGTERM, signal.SIGINT}} - {{ignored}}).pop()
    signal.signal(ignored, signal.SIG_IGN)
    done = threading.Event()

    def met(number):
        say("met", number == other)
        done.set()

    watch = OsSignals().watch(met)
    signal.raise_signal(ignored)
    say(signal.getsignal(ignored) == signal.SIG_IGN)
    signal.raise_signal(other)
    wait(done)
    watch.stop()
    signal.raise_signal(ignored)
    say(signal.getsignal(ignored) == signal.SIG_IGN)
"""
        )
        assert ended(code) == (0, "True\nmet True\nTrue\n", "")

    def test_a_handler_that_somebody_set_after_us_is_left_alone(self) -> None:
        code = (
            WATCH
            + """
    def later(number, frame):
        say("later", int(number))

    watch = OsSignals().watch(lambda number: say("met"))
    signal.signal(signal.SIGTERM, later)
    watch.stop()
    say(signal.getsignal(signal.SIGTERM) is later)
    signal.raise_signal(signal.SIGTERM)
"""
        )
        assert ended(code) == (0, "True\nlater 15\n", "")

    @pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
    def test_a_handler_that_somebody_set_after_us_and_that_calls_ours(self, number: int) -> None:
        """We are met through it; it goes on, as without us, and what we find behind us is called in its place."""
        code = (
            WATCH
            + f"""
    done = threading.Event()

    def met(number):
        say("met", int(number))
        watch.pass_on(number)
        done.set()

    signal.signal(signal.SIGINT, lambda number, frame: say("earlier", number))
    watch = OsSignals().watch(met)
    ours = signal.getsignal({number:d})

    def later(number, frame):
        say("later", number)
        ours(number, frame)

    signal.signal({number:d}, later)
    for _ in range(2):
        signal.raise_signal({number:d})
        wait(done)
        done.clear()
    watch.stop()
    signal.raise_signal({number:d})
    say(signal.getsignal({number:d}) is later)
"""
        )
        status, said, _ = ended(code)
        lines = said.splitlines()
        assert (0, "True") == (status, lines[-1])
        assert (3, 2) == (lines.count(f"later {number:d}"), lines.count(f"met {number:d}"))
        assert (3 if number == signal.SIGINT else 0) == lines.count(f"earlier {number:d}")

    def test_those_of_ours_that_have_stopped_make_no_chain(self) -> None:
        """Two thousand sessions that nobody held any more: their workers could not put the handlers back."""
        code = (
            WATCH
            + """
    import gc, weakref
    gone = []
    for _ in range(2000):
        watch = OsSignals().watch(lambda number: say("met"))
        thread = threading.Thread(target=watch.stop)
        thread.start()
        thread.join()
        gone.append(weakref.ref(watch))
    gc.collect()
    say(sum(watch() is not None for watch in gone))
    signal.raise_signal(signal.SIGTERM)
"""
        )
        assert (-signal.SIGTERM, "1\n", "") == ended(code)

    @pytest.mark.parametrize(("number", "status"), [(signal.SIGTERM, -15), (signal.SIGINT, 7)])
    def test_after_a_stop_in_another_thread_they_are_still_met(self, number: int, status: int) -> None:
        """Handlers cannot be put back there: ours stay, and do nothing but hand on."""
        aside = "t = threading.Thread(target=watch.stop); t.start(); t.join()"
        code = PASSING_ON.replace('say("ready")', f'{aside}; say("ready")')

        assert ended(code, number) == (status, "ready\n" + "interrupted\n" * (status == 7), "")


class TestForks:
    @pytest.mark.parametrize("where", ["main", "another"])
    def test_a_child_that_lets_go_has_its_signals_back(self, where: str) -> None:
        """Also one that was forked in another thread, which is its main thread."""
        code = (
            WATCH
            + f"""
    watch = OsSignals().watch(lambda number: say("met"))

    def fork():
        child = os.fork()
        if child == 0:
            watch.stop()
            os.kill(os.getpid(), signal.SIGTERM)
            os._exit(3)
        say(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))

    if {where!r} == "main":
        fork()
    else:
        import warnings
        warnings.simplefilter("ignore", DeprecationWarning)  # forking beside other threads is what is tested
        thread = threading.Thread(target=fork)
        thread.start()
        thread.join()
    say(signal.getsignal(signal.SIGTERM) == watch._handle)
"""
        )
        assert ended(code) == (0, "-15\nTrue\n", "")


class TestOtherThreads:
    def test_off_the_main_thread_nothing_is_watched_and_nothing_changes(self) -> None:
        before = signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)
        found: list[object] = []
        watch: Callable[[], None] = lambda: found.append(OsSignals().watch(lambda _: None))  # noqa: E731
        thread = threading.Thread(target=watch)
        thread.start()
        thread.join()

        assert found == [None]
        assert before == (signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT))


class TestAChild:
    FORKS = 40

    @pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
    @pytest.mark.parametrize("forks", ["main", "another"])
    def test_meets_a_signal_that_comes_before_its_first_line(self, number: signal.Signals, forks: str) -> None:
        """As a pool's does that is ended as soon as it has begun."""
        code = (
            WATCH
            + f"""
    signal.signal({number:d}, signal.SIG_DFL)
    watch = OsSignals().watch(say)

    def fork():
        for _ in range({self.FORKS}):
            pid = os.fork()
            if pid == 0:
                never.wait(20.0)
                os._exit(5)
            os.kill(pid, {number:d})
            say(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), signal.pthread_sigmask(signal.SIG_BLOCK, []))

    forking = threading.Thread(target=fork)
    if {forks == "main"}:
        fork()
    else:
        forking.start()
        forking.join()
"""
        )
        status, said, _ = ended(code)
        assert (0, [f"-{number:d} set()"] * self.FORKS) == (status, said.splitlines())

    def test_keeps_what_its_parent_had_held_back(self) -> None:
        code = (
            WATCH
            + """
    watch = OsSignals().watch(say)
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM, signal.SIGUSR1])
    pid = os.fork()
    say(sorted(map(int, signal.pthread_sigmask(signal.SIG_BLOCK, []))))
    if pid == 0:
        os._exit(0)
    os.waitpid(pid, 0)
"""
        )
        blocked = str(sorted([int(signal.SIGTERM), int(signal.SIGUSR1)]))
        assert (0, [blocked] * 2) == (ended(code)[0], ended(code)[1].splitlines())
