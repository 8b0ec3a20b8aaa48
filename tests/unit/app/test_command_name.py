"""What messages call the command: it must run, and run this installation."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import attrs
import pytest

from hubport.app.command_name import command, program_name


@attrs.define
class Place:
    """An environment with a console script, and a search path that may lead there."""

    folder: Path
    monkeypatch: pytest.MonkeyPatch

    @property
    def bin(self) -> Path:
        return self.folder / "env" / "bin"

    def make(self) -> Place:
        """An interpreter, a link as those of virtual environments are, and the script beside it."""
        self.bin.mkdir(parents=True)
        (self.bin / "python").symlink_to(os.path.realpath(sys.executable))
        script(self.bin / "hubport", str(self.bin / "python"))
        self.monkeypatch.setattr(sys, "executable", str(self.bin / "python"))
        self.monkeypatch.setattr(sys, "argv", ["train.py"])
        self.path("/nonexistent")
        return self

    def path(self, *folders: object) -> None:
        self.monkeypatch.setenv("PATH", os.pathsep.join(map(str, folders)))

    def called(self, name: object) -> None:
        self.monkeypatch.setattr(sys, "argv", [str(name)])


def script(path: Path, *interpreter: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"#!{line}\n" if not number else f"{line}\n" for number, line in enumerate(interpreter)))
    path.chmod(0o755)


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    return Place(tmp_path, monkeypatch).make()


def test_the_name_is_enough_where_the_shell_finds_it(place: Place) -> None:
    place.path(place.bin)
    assert "hubport" == command()
    assert "hubport sync --refused" == command("sync --refused")


def test_also_by_a_link(place: Place) -> None:
    """As pipx makes them."""
    elsewhere = place.folder / "local"
    elsewhere.mkdir()
    (elsewhere / "hubport").symlink_to(place.bin / "hubport")
    place.path(elsewhere)
    assert "hubport" == command()


@pytest.mark.parametrize("lines", [["{python}"], ["/bin/sh", "'''exec' {python} \"$0\" \"$@\""]])
def test_also_where_the_script_is_elsewhere_and_runs_this_interpreter(place: Place, lines: list[str]) -> None:
    """As `pip install --user` makes them; a long path of an interpreter stands in the second line."""
    script(place.folder / "local" / "hubport", *(line.format(python=sys.executable) for line in lines))
    place.path(place.folder / "local")
    assert "hubport" == command()


def test_that_of_another_installation_is_not_ours(place: Place) -> None:
    script(place.folder / "other" / "hubport", "/usr/bin/python3")
    place.path(place.folder / "other")
    assert f"{place.bin}/python -m hubport" == command()


def test_what_was_called_by_its_path_is_called_so_again(place: Place) -> None:
    place.called(place.bin / "hubport")
    assert f"{place.bin}/hubport serve" == command("serve")
    place.monkeypatch.chdir(place.folder)
    place.called("env/bin/hubport")
    assert "env/bin/hubport serve" == command("serve")


def test_a_script_of_that_name_that_is_another_installations_is_not_called(place: Place) -> None:
    script(place.folder / "other" / "hubport", "/usr/bin/python3")
    place.called(place.folder / "other" / "hubport")
    assert f"{place.bin}/python -m hubport" == command()


@pytest.mark.parametrize("name", ["python", "python3"])
def test_python_is_short_where_it_is_this_one(place: Place, name: str) -> None:
    (place.bin / "hubport").unlink()
    (place.bin / "python").rename(place.bin / name)
    place.monkeypatch.setattr(sys, "executable", str(place.bin / name))
    place.path(place.bin)
    assert f"{name} -m hubport whoami" == command("whoami")


def test_another_python_is_not_this_one_though_both_are_links_to_one(place: Place) -> None:
    """Two virtual environments with one base have different packages."""
    (place.folder / "other").mkdir()
    (place.folder / "other" / "python").symlink_to(os.path.realpath(sys.executable))
    place.path(place.folder / "other")
    assert f"{place.bin}/python -m hubport" == command()


def test_a_path_with_blanks_is_quoted(place: Place) -> None:
    place.monkeypatch.setattr(sys, "executable", str(place.folder / "my env" / "python"))
    assert f"'{place.folder}/my env/python' -m hubport" == command()


@pytest.mark.parametrize("executable", ["", None])
def test_an_interpreter_that_cannot_say_where_it_is(place: Place, executable: str | None) -> None:
    place.monkeypatch.setattr(sys, "executable", executable)
    assert "hubport" == command()


def test_without_arguments_and_a_search_path(place: Place) -> None:
    place.monkeypatch.setattr(sys, "argv", [])
    place.monkeypatch.delenv("PATH")
    assert command().endswith("hubport")
    assert "hubport" == program_name()


def test_usage_lines_say_how_it_was_called(place: Place) -> None:
    place.called("/somewhere/hubport/__main__.py")
    assert "python -m hubport" == program_name()
    place.called(place.bin / "hubport")
    assert "hubport" == program_name()
