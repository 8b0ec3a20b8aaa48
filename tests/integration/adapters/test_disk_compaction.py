"""What a kill, a fork and a full disk make of a journal that is being written anew."""

from __future__ import annotations

import contextlib
import errno
import os
import random
import signal
import stat
from collections import Counter
from pathlib import Path

import pytest

from hubport.adapters.disk_outbox import DiskOutbox
from hubport.domain.ports.outbox import Spool
from hubport.testing.lab.disks.small_disk import CannotMount, Tmpfs
from tests.integration.adapters.child_process import output, program

MODEL = "Ab3Cd5Ef7Gh9Ij1Kl2Mn"
ROUNDS = 60

#: Lives one life after the other: each appends numbers, and writes the journal anew after each, without its oldest.
LIVES = """
    import os, sys
    from hubport.adapters.disk_outbox import DiskOutbox

    def live(outbox):
        found = outbox.claim_orphans("Ab3Cd5Ef7Gh9Ij1Kl2Mn")
        spool = found[0] if found else outbox.open("Ab3Cd5Ef7Gh9Ij1Kl2Mn")

        def shortened():
            base, *numbers = [int(line) for line in spool.read(0, 1 << 20).split()]
            gone = max(len(numbers) - 30, 0)
            return b"".join(b"%d\\n" % number for number in [base + gone, *numbers[gone:]])

        if not found:
            spool.append(b"0\\n")
        base, *numbers = [int(line) for line in spool.read(0, 1 << 20).split()]
        number = base + len(numbers)
        while True:
            spool.append(b"%d\\n" % number)
            os.write(1, b"%d\\n" % number)
            spool.compact(shortened)
            number += 1

    outbox = DiskOutbox(sys.argv[1])
    for line in sys.stdin:
        pid = os.fork()
        if pid == 0:
            os.write(1, b"%d\\n" % os.getpid())
            live(outbox)
        os.waitpid(pid, 0)
        os.write(1, b"dead\\n")
"""

# From 3.12 on a fork beside threads is a warning.
SILENT_FORKS = "import warnings; warnings.simplefilter('ignore', DeprecationWarning); import os, sys"


def content(spool: Spool) -> bytes:
    return spool.read(0, 1 << 24)


def claimed(folder: Path) -> Spool:
    (found,) = DiskOutbox(folder).claim_orphans(MODEL)
    return found


def test_a_kill_at_any_moment_leaves_the_old_journal_or_the_new_one(tmp_path: Path) -> None:
    """Whole: every number that was said is there or was left out on purpose, in its order, and none is there twice."""
    chance = random.Random("rewriting")
    with program(LIVES, tmp_path) as lives:
        for _ in range(ROUNDS):
            lives.say()
            pid, said = int(lives.line()), -1
            for _ in range(chance.randint(1, 60)):
                said = int(lives.line())
            os.kill(pid, signal.SIGKILL)
            while (word := lives.line()) != "dead":
                said = int(word)
            spool = claimed(tmp_path)
            base, *numbers = [int(line) for line in content(spool).split()]
            assert [*range(base, base + len(numbers))] == numbers
            assert said <= numbers[-1] <= said + 1
            assert 1 <= len(numbers) <= 40  # a life that was killed early has only added
            assert spool.size == len(content(spool))
            spool.release(keep=True)
        lives.say_no_more()
        assert 0 == lives.end()


def test_what_a_kill_has_left_of_a_new_journal_is_nothing_and_goes(tmp_path: Path) -> None:
    """The kill comes when the new one is whole and has not its name yet."""
    code = """
        import os, pathlib, signal, sys
        from hubport.adapters.disk_outbox import DiskOutbox

        spool = DiskOutbox(sys.argv[1]).open("Ab3Cd5Ef7Gh9Ij1Kl2Mn")
        spool.append(b"old\\n")
        pathlib.Path.rename = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
        spool.compact(lambda: b"new\\n" * 1000)
    """
    with program(code, tmp_path) as owner:
        assert -signal.SIGKILL == owner.end()
    spool = claimed(tmp_path)
    assert b"old\n" == content(spool)
    assert 4 == spool.size

    spool.compact(lambda: b"newer\n")

    assert b"newer\n" == content(spool)
    (seen,) = DiskOutbox(tmp_path).list_spools()
    assert 6 == seen.size
    spool.release(keep=False)
    assert [] == [path for path in tmp_path.rglob("*") if path.is_file()]


REWRITING = """
    import sys
    from hubport.adapters.disk_outbox import DiskOutbox

    spool = DiskOutbox(sys.argv[1]).open("Ab3Cd5Ef7Gh9Ij1Kl2Mn")
    spool.append(b"old\\n")
    spool.compact(lambda: b"new\\n")
    print("ready", flush=True)
    while True:
        spool.compact(lambda: b"new\\n")
"""


def test_no_other_process_gets_it_before_its_owner_is_dead(tmp_path: Path) -> None:
    outbox = DiskOutbox(tmp_path)
    with program(REWRITING, tmp_path) as owner:
        owner.line()
        for _ in range(1000):
            assert [] == outbox.claim_orphans(MODEL)
            assert [True] == [seen.is_owned for seen in outbox.list_spools()]
        owner.kill()
    spool = claimed(tmp_path)
    assert b"new\n" == content(spool)
    spool.release(keep=False)


def test_an_owner_in_this_process_rewrites_while_others_look_and_claim(tmp_path: Path) -> None:
    """From outside: there the locks of this process mean nothing."""
    code = """
        import sys
        from hubport.adapters.disk_outbox import DiskOutbox

        outbox = DiskOutbox(sys.argv[1])
        print("ready", flush=True)
        for _ in range(1000):
            assert outbox.claim_orphans("Ab3Cd5Ef7Gh9Ij1Kl2Mn") == []
            (seen,) = outbox.list_spools()
            assert seen.is_owned
            with seen.open() as journal:
                assert journal.read() in (b"", b"new\\n"), seen
    """
    spool = DiskOutbox(tmp_path).open(MODEL)
    with program(code, tmp_path) as other:
        other.line()
        spool.compact(lambda: b"new\n")  # also if it has looked a thousand times before we come to ourselves
        while not _is_over(other.pid):
            spool.compact(lambda: b"new\n")
        assert (0, "") == (other.end(), other.stderr)
    assert b"new\n" == content(spool)
    spool.release(keep=False)


def _is_over(pid: int) -> bool:
    return os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None


def test_a_glance_from_other_processes_costs_no_claimant_its_spool(tmp_path: Path) -> None:
    code = """
        import sys
        from hubport.adapters.disk_outbox import DiskOutbox

        outbox = DiskOutbox(sys.argv[1])
        print("ready", flush=True)
        while True:
            outbox.list_spools()
    """
    DiskOutbox(tmp_path).open(MODEL).release(keep=True)
    with contextlib.ExitStack() as stack:
        # More than there are processors: one that has to wait for its turn may be in the middle of a glance.
        for _ in range(5):
            stack.enter_context(program(code, tmp_path)).line()
        for _ in range(1500):
            claimed(tmp_path).release(keep=True)
    claimed(tmp_path).release(keep=False)


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="only there open files can be seen")
def test_a_child_that_was_forked_in_the_middle_holds_no_journal(tmp_path: Path) -> None:
    """A data loader may outlive its trainer: between opening a new journal and knowing of it there is a moment."""
    code = """
        import os, sys, threading
        from hubport.adapters.disk_outbox import DiskOutbox

        spool = DiskOutbox(sys.argv[1]).open("Ab3Cd5Ef7Gh9Ij1Kl2Mn")

        def rewrite():
            while True:
                spool.compact(lambda: b"new\\n")

        def compute():  # so that a thread that comes back from the system waits for its turn
            while True:
                sum(range(1000))

        def has_a_journal():
            for file in os.listdir("/proc/self/fd"):
                try:
                    name = os.readlink("/proc/self/fd/" + file)
                except OSError:
                    continue
                if name.startswith(spool.folder) and not name.endswith("(deleted)"):
                    return True
            return False

        for work in (rewrite, compute):
            threading.Thread(target=work, daemon=True).start()
        for _ in range(120):
            pid = os.fork()
            if pid == 0:
                os._exit(has_a_journal())
            print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), flush=True)
        os._exit(0)
    """.replace("import os, sys", SILENT_FORKS)
    assert ["0"] * 120 == output(code, tmp_path).splitlines()


def test_an_orphan_keeps_nothing_of_its_parent_that_was_killed_in_the_middle(tmp_path: Path) -> None:
    code = """
        import os, sys, threading
        from hubport.adapters.disk_outbox import DiskOutbox

        spool = DiskOutbox(sys.argv[1]).open("Ab3Cd5Ef7Gh9Ij1Kl2Mn")
        spool.append(b"new\\n")

        def rewrite():
            while True:
                spool.compact(lambda: b"new\\n")

        threading.Thread(target=rewrite, daemon=True).start()
        for _ in range(50):
            if os.fork() == 0:
                os.write(1, b"forked\\n")
                os.read(0, 1)
                os._exit(0)
        threading.Event().wait()
    """.replace("import os, sys", SILENT_FORKS)
    with program(code, tmp_path) as owner:
        assert ["forked"] * 50 == [owner.line() for _ in range(50)]
        assert [] == DiskOutbox(tmp_path).claim_orphans(MODEL)
        owner.signal(signal.SIGKILL)  # it alone
        owner.end()
        spool = claimed(tmp_path)
    assert b"new\n" == content(spool)
    spool.release(keep=False)


def test_a_child_that_was_forked_in_the_middle_can_open_a_run_of_its_own(tmp_path: Path) -> None:
    """No lock of the parent's other threads is taken along."""
    code = """
        import os, sys, threading
        from hubport.adapters.disk_outbox import DiskOutbox

        outbox = DiskOutbox(sys.argv[1])
        spool = outbox.open("Ab3Cd5Ef7Gh9Ij1Kl2Mn")
        spool.append(b"new\\n")
        is_over = threading.Event()

        def work():
            while not is_over.is_set():
                spool.compact(lambda: b"new\\n")
                outbox.list_spools()

        threads = [threading.Thread(target=work, daemon=True) for _ in range(2)]
        for thread in threads:
            thread.start()
        for _ in range(40):
            pid = os.fork()
            if pid == 0:
                own = outbox.open("Zy8Xw6Vu4Ts2Rq1Po9Nm")
                own.append(b"one\\n")
                own.compact(lambda: b"two\\n")
                assert outbox.claim_orphans("Ab3Cd5Ef7Gh9Ij1Kl2Mn") == []
                own.release(keep=False)
                os._exit(0)
            assert os.waitpid(pid, 0)[1] == 0
        is_over.set()
        for thread in threads:
            thread.join()
        print(spool.read(0, 100))
        spool.release(keep=False)
    """.replace("import os, sys", SILENT_FORKS)
    assert "b'new\\n'\n" == output(code, tmp_path)


# Full disks


@pytest.fixture
def tmpfs(tmp_path: Path) -> Tmpfs:
    (tmp_path / "disk").mkdir()
    try:
        return Tmpfs(tmp_path / "disk", 64 << 10)
    except CannotMount as exc:
        pytest.skip(str(exc))


def test_a_full_disk_leaves_the_old_journal(tmpfs: Tmpfs) -> None:
    with tmpfs:
        spool = DiskOutbox(tmpfs.path).open(MODEL)
        old = b"old\n" * 10_000
        spool.append(old)
        before = files(tmpfs.path)
        for _ in range(3):
            with pytest.raises(OSError, match="No space left") as caught:
                spool.compact(lambda: b"new\n" * 9_000)
            assert errno.ENOSPC == caught.value.errno
            assert old == content(spool)
            assert before == files(tmpfs.path)  # and nothing that takes room
        assert [] == DiskOutbox(tmpfs.path).claim_orphans(MODEL)
        spool.append(b"more\n")
        assert old + b"more\n" == content(spool)
        assert len(old) + 5 == spool.size

        spool.compact(lambda: b"new\n" * 1000)

        assert b"new\n" * 1000 == content(spool)
        spool.release(keep=False)


def files(folder: Path) -> dict[str, int]:
    return {path.name: path.stat().st_size for path in folder.rglob("*") if path.is_file()}


def test_a_new_journal_that_is_cut_short_is_not_taken(tmp_path: Path) -> None:
    """The kernel writes what fits, and does not call it an error."""
    code = """
        import errno, resource, sys
        from hubport.adapters.disk_outbox import DiskOutbox

        spool = DiskOutbox(sys.argv[1]).open("Ab3Cd5Ef7Gh9Ij1Kl2Mn")
        spool.append(b"old\\n")
        resource.setrlimit(resource.RLIMIT_FSIZE, (100, resource.RLIM_INFINITY))
        for _ in range(3):
            try:
                spool.compact(lambda: b"new\\n" * 1000)
            except OSError as exc:
                print(errno.errorcode[exc.errno], spool.read(0, 1000), spool.size)
        resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        spool.append(b"more\\n")
        print(spool.read(0, 1000))
        spool.release(keep=False)
    """
    assert ["ENOSPC b'old\\n' 4"] * 3 + ["b'old\\nmore\\n'"] == output(code, tmp_path).splitlines()


def test_a_torn_end_is_gone_with_the_old_journal(tmp_path: Path) -> None:
    """The next line does not begin with a line feed that ends nothing."""
    dead = DiskOutbox(tmp_path).open(MODEL)
    dead.append(b"half a li")
    dead.release(keep=True)
    spool = claimed(tmp_path)
    spool.compact(lambda: b"new\n")
    spool.append(b"one\n")
    assert b"new\none\n" == content(spool)
    spool.release(keep=False)


def test_only_this_user_reads_the_new_journal(tmp_path: Path) -> None:
    spool = DiskOutbox(tmp_path).open(MODEL)
    before = os.umask(0)
    try:
        spool.compact(lambda: b"new\n")
    finally:
        os.umask(before)
    (journal,) = tmp_path.rglob("journal*")
    assert 0o600 == stat.S_IMODE(journal.stat().st_mode)
    spool.release(keep=False)


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="only there open files can be seen")
def test_no_file_stays_open(tmp_path: Path) -> None:
    def held() -> Counter[str]:
        targets = [str(path.readlink()) for path in Path("/proc/self/fd").iterdir() if path.is_symlink()]
        return Counter(target for target in targets if str(tmp_path) in target)

    def fail() -> bytes:
        raise OSError(errno.EIO, "no luck")

    spool = DiskOutbox(tmp_path).open(MODEL)
    for _ in range(5):
        spool.compact(lambda: b"new\n")
        with pytest.raises(OSError, match="no luck"):
            spool.compact(fail)
        DiskOutbox(tmp_path).list_spools()
    assert Counter({f"{spool.folder}/journal": 1}) == held()
    spool.release(keep=False)
    assert Counter() == held()
