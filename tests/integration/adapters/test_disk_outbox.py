"""What a disk, a kernel and a dying process make of the outbox."""

from __future__ import annotations

import contextlib
import os
import signal
import stat
import textwrap
from collections import Counter
from pathlib import Path

import pytest

from hubport.adapters.disk_outbox import DiskOutbox
from hubport.domain.client.journal import lines
from tests.integration.adapters.child_process import output, program

MODEL = "Ab3Cd5Ef7Gh9Ij1Kl2Mn"

OWNER = """
    import os, sys
    from hubport.adapters.disk_outbox import DiskOutbox

    spool = DiskOutbox(sys.argv[1]).open("Ab3Cd5Ef7Gh9Ij1Kl2Mn")
    spool.append(b"one\\n")
    spool.append(b"two\\n")
    print(spool.name, flush=True)
"""


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


class TestRights:
    def test_only_this_user_reads_what_was_logged(self, tmp_path: Path) -> None:
        """Whatever the umask says."""
        before = os.umask(0)
        try:
            spool = DiskOutbox(tmp_path / "state" / "outbox").open(MODEL)
        finally:
            os.umask(before)
        spool.append(b"one\n")

        root = tmp_path / "state" / "outbox"
        files = [path for path in root.rglob("*") if path.is_file()]
        assert {mode(folder) for folder in [root, Path(spool.folder)]} == {0o700}
        assert {mode(file) for file in files} == {0o600}
        assert {"journal", "owner.0"} == {file.name for file in files}
        spool.release(keep=False)

    def test_a_place_that_cannot_be_written_is_an_os_error(self, tmp_path: Path) -> None:
        (tmp_path / "file").write_bytes(b"no folder")

        with pytest.raises(OSError, match="file"):
            DiskOutbox(tmp_path / "file").open(MODEL)
        with pytest.raises(OSError, match="file"):
            DiskOutbox(tmp_path / "file" / "below").open(MODEL)
        assert DiskOutbox(tmp_path / "file").claim_orphans(MODEL) == []

    def test_a_program_that_we_start_does_not_inherit_the_journal(self, tmp_path: Path) -> None:
        """Its lock would outlive us."""
        spool = DiskOutbox(tmp_path).open(MODEL)
        with program("input()", PYTHONNOUSERSITE="1"):
            spool.release(keep=True)
            (found,) = DiskOutbox(tmp_path).claim_orphans(MODEL)
        found.release(keep=False)


class TestOwners:
    def test_a_killed_owners_spool_can_be_taken_over_at_once(self, tmp_path: Path) -> None:
        outbox = DiskOutbox(tmp_path)
        with program(OWNER + "    input()", tmp_path) as owner:
            name = owner.line()
            assert outbox.claim_orphans(MODEL) == []
            owner.kill()

            (found,) = outbox.claim_orphans(MODEL)

        assert name == found.name
        assert found.read(0, 100) == b"one\ntwo\n"
        found.append(b"three\n")
        assert found.read(0, 100) == b"one\ntwo\nthree\n"
        found.release(keep=False)
        assert outbox.claim_orphans(MODEL) == []

    def test_a_living_owner_in_another_process_keeps_its_spool(self, tmp_path: Path) -> None:
        outbox = DiskOutbox(tmp_path)
        ours = outbox.open(MODEL)
        with program(OWNER + "    input()", tmp_path) as other:
            other.line()
            theirs = output(
                "import sys\n"
                "from hubport.adapters.disk_outbox import DiskOutbox\n"
                "print(len(DiskOutbox(sys.argv[1]).claim_orphans('Ab3Cd5Ef7Gh9Ij1Kl2Mn')))\n",
                tmp_path,
            )

            assert theirs == "0\n"
            assert outbox.claim_orphans(MODEL) == []
        ours.release(keep=False)

    def test_an_owner_that_ends_without_a_word_leaves_its_spool(self, tmp_path: Path) -> None:
        name = output(OWNER, tmp_path).strip()

        (found,) = DiskOutbox(tmp_path).claim_orphans(MODEL)

        assert name == found.name
        found.release(keep=False)

    def test_a_forked_child_does_not_hold_its_parents_spool(self, tmp_path: Path) -> None:
        """A data loader that outlives the trainer."""
        code = """
            child = os.fork()
            if child == 0:
                print(os.getpid(), flush=True)
                os.read(0, 1)  # until the test ends
                os._exit(0)
            os.waitpid(child, 0)
        """
        code = textwrap.dedent(OWNER) + textwrap.dedent(code)
        with program(code, tmp_path) as owner:
            owner.line()
            child = int(owner.line())
            assert DiskOutbox(tmp_path).claim_orphans(MODEL) == []
            owner.signal(signal.SIGKILL)
            owner.end()
            os.kill(child, 0)  # it lives

            (found,) = DiskOutbox(tmp_path).claim_orphans(MODEL)

        assert found.read(0, 100) == b"one\ntwo\n"
        found.release(keep=False)

    def test_a_forked_child_leaves_its_parents_spool_alone(self, tmp_path: Path) -> None:
        """Neither its end nor what it does with its copy gives up what the parent owns."""
        code = """
            child = os.fork()
            if child == 0:
                try:
                    spool.append(b"of the child\\n")
                except OSError:
                    pass
                spool.release(keep=True)
                os._exit(0)
            os.waitpid(child, 0)
            print("waited", flush=True)
            input()
            spool.append(b"three\\n")
            print(spool.read(0, 100).decode().split(), flush=True)
            spool.release(keep=False)
        """
        with program(textwrap.dedent(OWNER) + textwrap.dedent(code), tmp_path) as owner:
            owner.line()
            assert owner.line() == "waited"
            assert DiskOutbox(tmp_path).claim_orphans(MODEL) == []
            owner.say()
            assert owner.line() == "['one', 'two', 'three']"
            assert (0, "") == (owner.end(), owner.stderr)
        assert DiskOutbox(tmp_path).claim_orphans(MODEL) == []

    def test_of_several_processes_one_gets_what_is_left_over(self, tmp_path: Path) -> None:
        for _ in range(20):
            DiskOutbox(tmp_path).open(MODEL).release(keep=True)
        code = """
            import sys
            from hubport.adapters.disk_outbox import DiskOutbox

            print("ready", flush=True)
            input()
            found = DiskOutbox(sys.argv[1]).claim_orphans("Ab3Cd5Ef7Gh9Ij1Kl2Mn")
            print(*[spool.name for spool in found], flush=True)
            input()  # keep them until everybody has looked
        """
        with contextlib.ExitStack() as stack:
            claimants = [stack.enter_context(program(code, tmp_path)) for _ in range(4)]
            assert [child.line() for child in claimants] == ["ready"] * 4
            for child in claimants:
                child.say()
            claimed = [name for child in claimants for name in child.line().split()]

        assert len(claimed) == 20
        assert len(set(claimed)) == 20


class TestWhatWasAppended:
    def test_is_there_after_a_kill_in_the_middle_of_it(self, tmp_path: Path) -> None:
        """What the owner has said to be appended is there, in its order; and the last line is whole or not there."""
        code = """
            import sys
            from hubport.adapters.disk_outbox import DiskOutbox
            from hubport.domain.client.journal import metrics_line

            spool = DiskOutbox(sys.argv[1]).open("Ab3Cd5Ef7Gh9Ij1Kl2Mn")
            number = 0
            while True:
                spool.append(metrics_line(number, {"value": "x" * (number % 5000)}))
                print(number, flush=True)
                number += 1
        """
        with program(code, tmp_path) as owner:
            said = [owner.line() for _ in range(2000)]
            owner.kill()
            rest = owner.rest()
        (found,) = DiskOutbox(tmp_path).claim_orphans(MODEL)

        records = [line.record for line in lines(found.read(0, 1 << 30), 0)]

        last = int([*said, *rest][-1])
        assert None not in records
        assert [record[1] for record in records if record] == [*range(len(records))]
        assert last < len(records) <= last + 2
        found.release(keep=False)

    def test_a_torn_tail_costs_no_later_line(self, tmp_path: Path) -> None:
        outbox = DiskOutbox(tmp_path)
        spool = outbox.open(MODEL)
        spool.append(b"one\n")
        with (Path(spool.folder) / "journal").open("ab") as journal:
            journal.write(b"half a li")
        spool.release(keep=True)

        (found,) = outbox.claim_orphans(MODEL)
        assert found.read(0, 100) == b"one\nhalf a li"
        found.append(b"two\n")
        found.append(b"three\n")

        assert found.read(0, 100) == b"one\nhalf a li\ntwo\nthree\n"
        found.release(keep=False)

    def test_a_full_disk_is_an_error_and_costs_no_other_line(self, tmp_path: Path) -> None:
        code = """
            import resource, signal, sys
            from hubport.adapters.disk_outbox import DiskOutbox

            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            spool = DiskOutbox(sys.argv[1]).open("Ab3Cd5Ef7Gh9Ij1Kl2Mn")

            def room(size):
                resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))

            def append(line):
                try:
                    spool.append(line)
                    print("kept")
                except OSError as exc:
                    print("lost", exc.errno is not None)

            room(10)
            append(b"one\\n")
            append(b"half-a-line\\n")  # six of its bytes have room
            append(b"none\\n")
            room(15)
            append(b"half-again\\n")
            room(resource.RLIM_INFINITY)
            append(b"two\\n")
            append(b"three\\n")
            print(spool.read(0, 100))
            spool.release(keep=False)
        """

        *events, journal = output(code, tmp_path).splitlines()

        assert events == ["kept", "lost True", "lost True", "lost True", "kept", "kept"]
        text = journal[2:-1].replace("\\n", "\n")
        assert [line for line in text.splitlines() if line in {"one", "two", "three"}] == ["one", "two", "three"]
        assert not {"none", "half-a-line", "half-again"} & set(text.splitlines())

    def test_many_threads_and_a_kill_tear_nothing_but_the_end(self, tmp_path: Path) -> None:
        code = """
            import os, sys, threading
            from hubport.adapters.disk_outbox import DiskOutbox
            from hubport.domain.client.journal import metrics_line

            spool = DiskOutbox(sys.argv[1]).open("Ab3Cd5Ef7Gh9Ij1Kl2Mn")
            print("ready", flush=True)

            def log(thread):
                for number in range(1_000_000):
                    spool.append(metrics_line(number, {"thread": thread, "text": "x" * (number % 300)}))
                    if number == 500:
                        os.write(1, b"enough\\n")

            for thread in range(4):
                threading.Thread(target=log, args=(thread,)).start()
        """
        with program(code, tmp_path) as owner:
            assert [owner.line() for _ in range(5)] == ["ready"] + ["enough"] * 4
            owner.kill()
        (found,) = DiskOutbox(tmp_path).claim_orphans(MODEL)

        records = [line.record for line in lines(found.read(0, 1 << 30), 0)]

        assert None not in records
        by_thread: dict[object, list[int]] = {}
        for record in records:
            assert record is not None
            by_thread.setdefault(record[2]["thread"], []).append(record[1])
        assert len(by_thread) == 4
        assert all(numbers == [*range(len(numbers))] and len(numbers) > 500 for numbers in by_thread.values())
        found.release(keep=False)


class TestFolders:
    def test_half_made_and_half_removed_folders_are_nobodys_spool(self, tmp_path: Path) -> None:
        """Whatever a kill leaves behind at the worst moment: nothing of it is read, and nothing fails for it."""
        outbox = DiskOutbox(tmp_path)
        kept = outbox.open(MODEL)
        kept.append(b"one\n")
        kept.release(keep=True)
        parent = Path(kept.folder).parent
        (parent / "no-journal").mkdir()
        (parent / "a-file").write_bytes(b"")
        (parent / "journal-is-a-folder" / "journal").mkdir(parents=True)
        (parent / "dangling").symlink_to("missing")

        found = outbox.claim_orphans(MODEL)

        assert [kept.name] == [spool.name for spool in found]
        found[0].release(keep=False)

    def test_what_a_kill_left_half_removed_is_removed_in_the_end(self, tmp_path: Path) -> None:
        """A checkpoint of a gigabyte must not lie there for ever. The kill comes between the steps of `release`."""
        code = """
            import os, shutil, signal, sys
            from hubport.adapters import disk_outbox

            spool = disk_outbox.DiskOutbox(sys.argv[1]).open("Ab3Cd5Ef7Gh9Ij1Kl2Mn")
            with open(os.path.join(spool.folder, "1-last.pt"), "wb") as file:
                file.write(b"weights")
            shutil.rmtree = lambda *_, **__: os.kill(os.getpid(), signal.SIGKILL)
            spool.release(keep=False)
        """
        with program(code, tmp_path) as owner:
            status = owner.end()
        assert status == -9
        assert [path.name for path in tmp_path.rglob("*.pt")] == ["1-last.pt"]

        outbox = DiskOutbox(tmp_path)
        assert outbox.claim_orphans(MODEL) == []
        outbox.open(MODEL).release(keep=False)

        assert [*tmp_path.rglob("*.pt")] == []

    def test_a_run_that_ends_leaves_nothing_of_its_own(self, tmp_path: Path) -> None:
        spool = DiskOutbox(tmp_path).open(MODEL)
        spool.append(b"one\n")
        (Path(spool.folder) / "1-last.pt").write_bytes(b"weights")

        spool.release(keep=False)

        assert [path for path in tmp_path.rglob("*") if path.is_file()] == []

    def test_too_many_open_files_leave_nothing(self, tmp_path: Path) -> None:
        code = """
            import os, resource, sys
            from hubport.adapters.disk_outbox import DiskOutbox

            outbox = DiskOutbox(sys.argv[1])
            first = outbox.open("Ab3Cd5Ef7Gh9Ij1Kl2Mn")
            resource.setrlimit(resource.RLIMIT_NOFILE, (50, 50))
            spools = [first]
            try:
                while True:
                    spools.append(outbox.open("Ab3Cd5Ef7Gh9Ij1Kl2Mn"))
            except OSError as exc:
                print(exc.strerror)
            for spool in spools[1:]:
                spool.release(keep=False)
            first.append(b"one\\n")
            print(first.read(0, 100))
            outbox.claim_orphans("Ab3Cd5Ef7Gh9Ij1Kl2Mn")  # removes what could not be removed without a free descriptor
            print(len(os.listdir(os.path.dirname(first.folder))))
            first.release(keep=False)
        """

        assert output(code, tmp_path).splitlines() == ["Too many open files", "b'one\\n'", "1"]

    def test_no_file_stays_open(self, tmp_path: Path) -> None:
        open_files = Path("/proc/self/fd")
        if not open_files.exists():
            pytest.skip("there is no /proc here")

        def held() -> Counter[str]:
            targets = [str(path.readlink()) for path in open_files.iterdir() if path.is_symlink()]
            return Counter(target for target in targets if str(tmp_path) in target)

        outbox = DiskOutbox(tmp_path)
        for keep in (True, False):
            for _ in range(3):
                outbox.open(MODEL).release(keep=keep)
            for spool in outbox.claim_orphans(MODEL):
                outbox.claim_orphans(MODEL)
                spool.release(keep=False)

        assert held() == Counter()


class TestOrder:
    """Older is what began before, whatever the clock says."""

    RUN_AT = """
        import sys, time
        from hubport.adapters.disk_outbox import DiskOutbox

        time.time_ns = lambda: int(sys.argv[2])
        time.time = lambda: int(sys.argv[2]) / 1e9
        spool = DiskOutbox(sys.argv[1], beside=sys.argv[1] + "/..").open("Ab3Cd5Ef7Gh9Ij1Kl2Mn")
        spool.append(b"one\\n")
        print(spool.name)
    """
    IN_2031, NOW, IN_1970 = 1_930_000_000 * 10**9, 1_795_000_000 * 10**9, 0

    def test_a_run_of_the_future_comes_before_its_successors(self, tmp_path: Path) -> None:
        """No battery for the clock, or a wrong one: each of these has died, and the clock was set in between."""
        stamps = (self.IN_2031, self.NOW, self.IN_1970, self.NOW, self.IN_2031, -5)
        names = [output(self.RUN_AT, tmp_path / "hub", stamp).strip() for stamp in stamps]
        outbox = DiskOutbox(tmp_path / "hub")

        assert names == [seen.name for seen in outbox.list_spools()]
        found = outbox.claim_orphans(MODEL)

        assert names == [spool.name for spool in found]
        for spool in found:
            spool.release(keep=False)

    def test_runs_of_one_nanosecond_keep_their_order(self, tmp_path: Path) -> None:
        names = [output(self.RUN_AT, tmp_path / "hub", self.NOW).strip() for _ in range(8)]

        assert names == [seen.name for seen in DiskOutbox(tmp_path / "hub").list_spools()]

    def test_what_was_written_by_the_first_version_is_older_than_anything_new(self, tmp_path: Path) -> None:
        """Its folders are named by time alone; and they are in the order of their times."""
        new = DiskOutbox(tmp_path).open(MODEL)
        stamps = [self.NOW, self.IN_2031, self.NOW + 1]
        for stamp in stamps:
            folder = tmp_path / f"{MODEL}.{stamp:016x}-01234567"
            folder.mkdir()
            (folder / "journal").write_bytes(b"old\n")
        new.release(keep=True)
        expected = [f"{stamp:016x}" for stamp in sorted(stamps)]

        found = DiskOutbox(tmp_path).claim_orphans(MODEL)

        assert [*expected, Path(new.name).name] == [
            Path(spool.name).name.partition(".")[2].partition("-")[0] for spool in found[:-1]
        ] + [Path(found[-1].name).name]
        assert [b"old\n"] * 3 == [spool.read(0, 100) for spool in found[:-1]]
        for spool in found:
            spool.release(keep=True)
        assert [stamp / 1e9 for stamp in sorted(stamps)] == [
            seen.begun for seen in DiskOutbox(tmp_path).list_spools()[:-1]
        ]

    def test_the_sequence_is_one_for_all_models_and_hubs(self, tmp_path: Path) -> None:
        """What was left for one address may be sent with what was left for another one."""
        outboxes = [DiskOutbox(tmp_path / name, beside=tmp_path) for name in ("http_a", "http_b")]
        numbers = []
        for number in range(6):
            spool = outboxes[number % 2].open(MODEL if number % 3 else MODEL.swapcase())
            numbers.append(Path(spool.name).name.partition(".")[2].partition("-")[0])
            spool.release(keep=True)

        assert sorted(set(numbers)) == numbers

    def test_runs_that_begin_together_are_all_found(self, tmp_path: Path) -> None:
        code = """
            import sys
            from hubport.adapters.disk_outbox import DiskOutbox

            print("ready", flush=True)
            input()
            for _ in range(20):
                DiskOutbox(sys.argv[1]).open("Ab3Cd5Ef7Gh9Ij1Kl2Mn").release(keep=True)
        """
        with contextlib.ExitStack() as stack:
            children = [stack.enter_context(program(code, tmp_path)) for _ in range(4)]
            assert ["ready"] * 4 == [child.line() for child in children]
            for child in children:
                child.say()
            assert [0] * 4 == [child.end() for child in children]

        assert 80 == len(DiskOutbox(tmp_path).list_spools())

    def test_a_folder_that_is_being_made_by_one_whose_clock_is_behind_is_made_again(self, tmp_path: Path) -> None:
        """Another process takes it for what a kill has left. It is nobody's loss."""
        code = """
            import fcntl, os, sys, time
            from pathlib import Path
            from hubport.adapters import disk_outbox

            outbox = disk_outbox.DiskOutbox(sys.argv[1])
            time.time_ns = lambda: 0
            flock, taken = fcntl.flock, []

            def meanwhile(fd, how):
                flock(fd, how)
                if len(taken) < 2 and how & fcntl.LOCK_EX:
                    taken.append(1)
                    assert outbox.claim_orphans("Zy8Xw6Vu4Ts2Rq1Po9Nm") == []

            fcntl.flock = meanwhile
            spool = outbox.open("Ab3Cd5Ef7Gh9Ij1Kl2Mn")
            spool.append(b"one\\n")
            print(len(taken), os.listdir(sys.argv[1]) == [Path(spool.name).name], spool.read(0, 100))
        """
        assert "2 True b'one\\n'\n" == output(code, tmp_path)
