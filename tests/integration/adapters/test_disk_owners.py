"""Who owns a spool where locks do not tell: on another machine, in another container, and where there are no locks."""

from __future__ import annotations

import contextlib
import json
import os
import time
from pathlib import Path
from typing import Any

import pytest

from hubport.adapters.disk_outbox import DiskOutbox
from tests.integration.adapters.child_process import output, program

MODEL = "Ab3Cd5Ef7Gh9Ij1Kl2Mn"

OWNER = """
    import errno, fcntl, os, sys
    from hubport.adapters.disk_outbox import DiskOutbox

    how = sys.argv[2] if len(sys.argv) > 2 else "locks"
    if how == "of another machine":
        fcntl.flock = lambda fd, how: None
    elif how != "locks":
        def none_here(fd, how_):
            raise OSError(getattr(errno, how), os.strerror(getattr(errno, how)))
        fcntl.flock = none_here
    outbox = DiskOutbox(sys.argv[1])
"""
OPENS = (
    OWNER
    + """
    spool = outbox.open("Ab3Cd5Ef7Gh9Ij1Kl2Mn")
    spool.append(b"one\\n")
    print(spool.name, flush=True)
    input()
    spool.release(keep=True)
"""
)
CLAIMS = (
    OWNER
    + """
    found = outbox.claim_orphans("Ab3Cd5Ef7Gh9Ij1Kl2Mn", by_force=len(sys.argv) > 3)
    print(len(found), [seen.is_owned for seen in outbox.list_spools()])
"""
)
NONE_HERE = ["ENOLCK", "ENOSYS", "EOPNOTSUPP"]


def killed(folder: Path) -> Path:
    """The spool of a process that was killed."""
    with program(OPENS, folder) as owner:
        spool = Path(owner.line())
        owner.kill()
    return spool


def change_owner(spool: Path, **fields: Any) -> None:
    """Say that it is another process that owns *spool*."""
    (file,) = spool.glob("owner.*")
    stat = file.stat()
    file.write_text(json.dumps(json.loads(file.read_text()) | fields))
    os.utime(file, ns=(stat.st_atime_ns, stat.st_mtime_ns))


def silent(spool: Path, seconds: float) -> None:
    """Nothing was written there for so long."""
    for path in spool.iterdir():
        os.utime(path, (time.time() - seconds,) * 2)


@pytest.mark.parametrize("how", ["of another machine", *NONE_HERE])
def test_a_living_spool_of_this_machine_is_taken_by_nobody(tmp_path: Path, how: str) -> None:
    """Not where locks hold somewhere else, not where there are none, and not by force."""
    with program(OPENS, tmp_path, how) as owner:
        spool = Path(owner.line())

        assert "0 [True]\n" == output(CLAIMS, tmp_path, how)
        assert "0 [True]\n" == output(CLAIMS, tmp_path, how, "force")
        owner.say()
        assert 0 == owner.end()
    assert spool.is_dir()
    assert "1 [True]\n" == output(CLAIMS, tmp_path, how)


@pytest.mark.parametrize("how", NONE_HERE)
def test_without_locks_a_killed_owners_spool_is_free_at_once(tmp_path: Path, how: str) -> None:
    with program(OPENS, tmp_path, how) as owner:
        owner.line()
        owner.kill()
        owner.end()

    assert "1 [True]\n" == output(CLAIMS, tmp_path, how)


def test_without_locks_one_of_many_gets_each(tmp_path: Path) -> None:
    for _ in range(10):
        DiskOutbox(tmp_path).open(MODEL).release(keep=True)
    code = (
        OWNER
        + """
    print("ready", flush=True)
    input()
    found = outbox.claim_orphans("Ab3Cd5Ef7Gh9Ij1Kl2Mn")
    print(*[spool.name for spool in found], flush=True)
    input()  # keep them until everybody has looked
"""
    )
    with contextlib.ExitStack() as stack:
        claimants = [stack.enter_context(program(code, tmp_path, "ENOLCK")) for _ in range(4)]
        assert ["ready"] * 4 == [child.line() for child in claimants]
        for child in claimants:
            child.say()
        claimed = [name for child in claimants for name in child.line().split()]

    assert (10, 10) == (len(claimed), len(set(claimed)))


KILLED_WHILE_CLAIMING = (
    """
    import os, signal
    really = {call}
    def killed(*args, **kwargs):
        if {where}:
            os.kill(os.getpid(), signal.SIGKILL)
        return really(*args, **kwargs)
    {call} = killed
"""
    + CLAIMS
)


@pytest.mark.parametrize(
    ("call", "where"),
    [("os.write", "b'boot' in args[1]"), ("os.link", "True"), ("os.unlink", "'.owner-' in str(args[0])")],
    ids=["before it is written", "before it has its name", "before the other name is gone"],
)
def test_who_is_killed_while_it_claims_holds_up_nobody(tmp_path: Path, call: str, where: str) -> None:
    """Not even for a moment: an owner that is not written whole is none."""
    killed(tmp_path)
    code = KILLED_WHILE_CLAIMING.replace("{call}", call).replace("{where}", where)
    with program(code, tmp_path) as claimant:
        assert ([], -9) == (claimant.rest(), claimant.end())

    (found,) = DiskOutbox(tmp_path).claim_orphans(MODEL)
    assert b"one\n" == found.read(0, 100)
    found.release(keep=False)
    assert [] == list(tmp_path.iterdir())


@pytest.mark.parametrize("errno", ["EPERM", "EOPNOTSUPP", "ENOSYS"])
def test_without_links_one_of_many_gets_each_too(tmp_path: Path, errno: str) -> None:
    killed(tmp_path)
    no_links = f"""
    import errno, os
    def none_here(*_, **__):
        raise OSError(errno.{errno}, os.strerror(errno.{errno}))
    os.link = none_here
"""
    assert "1 [True]\n" == output(no_links + CLAIMS, tmp_path)


def test_a_link_that_was_made_and_said_to_be_there_already_is_ours(tmp_path: Path) -> None:
    """As NFS says it, which asks again where an answer was lost."""
    killed(tmp_path)
    twice = """
    import os
    really = os.link
    def link(*args, **kwargs):
        really(*args, **kwargs)
        really(*args, **kwargs)
    os.link = link
"""
    assert "1 [True]\n" == output(twice + CLAIMS, tmp_path)


ELSEWHERE = {"boot": "another kernel's", "host": "gpu-3"}


def test_a_spool_of_another_machine_is_left_alone_while_there_are_signs_of_life(tmp_path: Path) -> None:
    """Its lock is free here, and its number is that of nobody."""
    spool = killed(tmp_path)
    change_owner(spool, **ELSEWHERE)
    outbox = DiskOutbox(tmp_path)

    assert [] == outbox.claim_orphans(MODEL)
    (seen,) = outbox.list_spools()
    assert (True, "gpu-3") == (seen.is_owned, seen.host)
    silent(spool, 800)
    assert [] == outbox.claim_orphans(MODEL)
    silent(spool, 1000)
    (spool / "journal").touch()  # it has logged something
    assert [] == outbox.claim_orphans(MODEL)


def test_one_that_was_silent_for_long_is_dead(tmp_path: Path) -> None:
    spool = killed(tmp_path)
    change_owner(spool, **ELSEWHERE)
    silent(spool, 1000)

    assert [False] == [seen.is_owned for seen in DiskOutbox(tmp_path).list_spools()]
    (found,) = DiskOutbox(tmp_path).claim_orphans(MODEL)

    assert b"one\n" == found.read(0, 100)
    assert ["owner.1"] == [path.name for path in spool.glob("owner.*")]
    found.release(keep=False)
    assert [] == [*tmp_path.iterdir()]


def test_somebody_who_knows_takes_it_by_force(tmp_path: Path) -> None:
    spool = killed(tmp_path)
    change_owner(spool, **ELSEWHERE)

    (found,) = DiskOutbox(tmp_path).claim_orphans(MODEL, by_force=True)

    assert str(spool) == found.name
    found.release(keep=False)


def test_what_another_machine_has_given_up_in_order_is_free_at_once(tmp_path: Path) -> None:
    DiskOutbox(tmp_path).open(MODEL).release(keep=True)
    (seen,) = DiskOutbox(tmp_path).list_spools()
    change_owner(Path(seen.name), **ELSEWHERE)

    (found,) = DiskOutbox(tmp_path).claim_orphans(MODEL)

    found.release(keep=False)


def test_in_another_container_of_this_kernel_the_lock_tells(tmp_path: Path) -> None:
    """Its process numbers mean nothing here. This one was killed a moment ago."""
    spool = killed(tmp_path)
    change_owner(spool, space="pid:[1]", pid=os.getpid())

    (found,) = DiskOutbox(tmp_path).claim_orphans(MODEL)

    found.release(keep=False)


def test_a_number_that_another_process_has_by_now_is_not_the_owner(tmp_path: Path) -> None:
    spool = killed(tmp_path)
    change_owner(spool, pid=os.getpid())

    (found,) = DiskOutbox(tmp_path).claim_orphans(MODEL)

    found.release(keep=False)


def test_an_owner_that_lost_its_spool_is_told(tmp_path: Path) -> None:
    """It slept for an hour, and another machine took it for dead."""
    spool = DiskOutbox(tmp_path).open(MODEL)
    assert spool.refresh()
    (owner,) = Path(spool.name).glob("owner.*")
    owner.rename(owner.with_name("owner.1"))

    assert not spool.refresh()
    spool.release(keep=False)


def test_a_sign_of_life_is_seen_by_other_machines(tmp_path: Path) -> None:
    spool = DiskOutbox(tmp_path).open(MODEL)
    silent(Path(spool.name), 1000)

    assert spool.refresh()

    (owner,) = Path(spool.name).glob("owner.*")
    assert time.time() - owner.stat().st_mtime < 500
    spool.release(keep=False)


@pytest.mark.parametrize("content", ["", "{", "[]", '{"pid": 1}', "null"])
def test_an_owner_that_is_still_being_written_down_counts_as_alive_for_a_while(tmp_path: Path, content: str) -> None:
    spool = killed(tmp_path)
    (spool / "owner.0").write_text(content)

    assert [] == DiskOutbox(tmp_path).claim_orphans(MODEL)
    silent(spool, 1000)
    (found,) = DiskOutbox(tmp_path).claim_orphans(MODEL)
    found.release(keep=False)


def test_a_spool_of_the_first_version_has_no_owner_but_its_lock(tmp_path: Path) -> None:
    spool = killed(tmp_path)
    (spool / "owner.0").unlink()

    (found,) = DiskOutbox(tmp_path).claim_orphans(MODEL)

    found.release(keep=True)
    (found,) = DiskOutbox(tmp_path).claim_orphans(MODEL)
    found.release(keep=False)
