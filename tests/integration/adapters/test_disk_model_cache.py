"""What a disk and a dying process make of the records."""

from __future__ import annotations

import json
import os
import random
import signal
import stat
from pathlib import Path

import pytest

from hubport.adapters.disk_model_cache import DiskModelCache
from tests.integration.adapters.child_process import output, program, unmeasured

MODEL = "Ab3Cd5Ef7Gh9Ij1Kl2Mn"


def the_file(folder: Path) -> Path:
    (file,) = [path for path in folder.rglob("*") if path.is_file()]
    return file


def test_only_this_user_reads_them(tmp_path: Path) -> None:
    """Whatever the umask says, and whatever the one before was."""
    records = DiskModelCache(tmp_path / "state" / "records")
    for umask in (0, 0o022, 0o077):
        before = os.umask(umask)
        try:
            records.put(MODEL, {"umask": umask})
        finally:
            os.umask(before)
        assert {"umask": umask} == records.get(MODEL)
        assert 0o700 == stat.S_IMODE((tmp_path / "state" / "records").stat().st_mode)
        assert 0o600 == stat.S_IMODE(the_file(tmp_path).stat().st_mode)
        the_file(tmp_path).chmod(0o644)


def test_asking_makes_no_folder(tmp_path: Path) -> None:
    assert DiskModelCache(tmp_path / "state").get(MODEL) is None
    assert [] == [*tmp_path.iterdir()]


@pytest.mark.parametrize(
    "garbage",
    [
        b"",
        b"{",
        b'{"status": "new"',
        b"null",
        b"[]",
        b'["status"]',
        b'"new"',
        b"5",
        b"\xff\xfe\x00",
        b"\0" * 4096,
        b"[" * 100_000,
        b'{"a":' * 100_000 + b"1" + b"}" * 100_000,
        b'{"a": ' + b"1" * 5000 + b"}",
    ],
    ids=lambda garbage: repr(garbage)[:20],
)
def test_what_cannot_be_read_is_not_there(tmp_path: Path, garbage: bytes) -> None:
    records = DiskModelCache(tmp_path)
    records.put(MODEL, {"status": "new"})
    the_file(tmp_path).write_bytes(garbage)

    assert records.get(MODEL) is None
    records.put(MODEL, {"status": "newer"})
    assert {"status": "newer"} == records.get(MODEL)


def test_neither_a_folder_nor_a_missing_right_in_its_place_is_a_record(tmp_path: Path) -> None:
    records = DiskModelCache(tmp_path)
    records.put(MODEL, {"status": "new"})
    file = the_file(tmp_path)
    file.unlink()
    file.mkdir()
    assert records.get(MODEL) is None
    with pytest.raises(OSError):  # noqa: PT011 - which one is the system's business
        records.put(MODEL, {"status": "new"})
    assert [file] == [*tmp_path.iterdir()]


@pytest.mark.parametrize("place", ["file", "file/below"])
def test_a_place_that_cannot_be_written_is_an_os_error(tmp_path: Path, place: str) -> None:
    (tmp_path / "file").write_bytes(b"no folder")
    records = DiskModelCache(tmp_path / place)
    assert records.get(MODEL) is None
    with pytest.raises(OSError):  # noqa: PT011
        records.put(MODEL, {"status": "new"})
    assert b"no folder" == (tmp_path / "file").read_bytes()


def test_a_kill_at_any_moment_leaves_the_old_one_or_the_new_one(tmp_path: Path) -> None:
    """Whole, and not older than what was said to be put."""
    code = """
        import itertools, os, sys
        from hubport.adapters.disk_model_cache import DiskModelCache

        records = DiskModelCache(sys.argv[1])
        for line in sys.stdin:
            pid = os.fork()
            if pid == 0:
                os.write(1, b"%d\\n" % os.getpid())
                for number in itertools.count(int(line)):
                    records.put("Ab3Cd5Ef7Gh9Ij1Kl2Mn", {"number": number, "text": str(number) * 1000})
                    os.write(1, b"%d\\n" % number)
            os.waitpid(pid, 0)
            os.write(1, b"dead\\n")
    """
    chance, said = random.Random("records"), 0
    with program(code, tmp_path) as lives:
        for _ in range(40):
            lives.say(str(said + 1))
            pid = int(lives.line())
            for _ in range(chance.randint(1, 60)):
                said = int(lives.line())
            os.kill(pid, signal.SIGKILL)
            while (word := lives.line()) != "dead":
                said = int(word)
            record = DiskModelCache(tmp_path).get(MODEL)
            assert record is not None
            assert said <= record["number"] <= said + 1
            assert str(record["number"]) * 1000 == record["text"]
        lives.say_no_more()
        assert 0 == lives.end()


def test_a_full_disk_leaves_the_old_one_and_nothing_else(tmp_path: Path) -> None:
    code = """
        import resource, sys
        from pathlib import Path
        from hubport.adapters.disk_model_cache import DiskModelCache

        records = DiskModelCache(sys.argv[1])
        records.put("Ab3Cd5Ef7Gh9Ij1Kl2Mn", {"status": "new"})
        resource.setrlimit(resource.RLIMIT_FSIZE, (1000, resource.RLIM_INFINITY))
        for size in (1000, 100_000):
            try:
                records.put("Ab3Cd5Ef7Gh9Ij1Kl2Mn", {"status": "x" * size})
            except OSError as exc:
                print(exc.strerror)
        print(records.get("Ab3Cd5Ef7Gh9Ij1Kl2Mn"), len([*Path(sys.argv[1]).iterdir()]))
    """
    assert ["File too large"] * 2 + ["{'status': 'new'} 1"] == output(code, tmp_path, **unmeasured()).splitlines()


def test_what_is_no_json_leaves_the_old_one_and_nothing_else(tmp_path: Path) -> None:
    records = DiskModelCache(tmp_path)
    records.put(MODEL, {"status": "new"})
    with pytest.raises(TypeError):
        records.put(MODEL, {"status": object()})
    assert {"status": "new"} == json.loads(the_file(tmp_path).read_bytes())


def test_files_of_models_that_differ_by_case_alone_differ_by_more(tmp_path: Path) -> None:
    """On a disk that takes ``a`` for ``A`` one would be the other."""
    records = DiskModelCache(tmp_path)
    models = [MODEL, MODEL.swapcase(), MODEL.lower(), MODEL.upper(), MODEL[:-1] + MODEL[-1].upper()]
    for model in models:
        records.put(model, {"model": model})

    assert len(models) == len({path.name.casefold() for path in tmp_path.iterdir()})
    assert [{"model": model} for model in models] == [records.get(model) for model in models]


class TestOldFiles:
    """``<model>.json``, as 0.1.0 has written them."""

    def test_one_is_read(self, tmp_path: Path) -> None:
        (tmp_path / f"{MODEL}.json").write_text('{"status": "new"}')

        assert {"status": "new"} == DiskModelCache(tmp_path).get(MODEL)

    def test_a_new_one_takes_its_place(self, tmp_path: Path) -> None:
        (tmp_path / f"{MODEL}.json").write_text('{"status": "new"}')
        records = DiskModelCache(tmp_path)
        records.put(MODEL, {"status": "training"})

        assert {"status": "training"} == records.get(MODEL)
        assert 1 == len([*tmp_path.iterdir()])

    def test_one_of_another_model_is_neither_read_nor_taken_away(self, tmp_path: Path) -> None:
        (tmp_path / f"{MODEL.lower()}.json").write_text('{"status": "new"}')
        records = DiskModelCache(tmp_path)

        assert records.get(MODEL) is None
        records.put(MODEL, {"status": "training"})
        assert {"status": "new"} == records.get(MODEL.lower())
