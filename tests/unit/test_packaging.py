"""What pyproject.toml lists by hand is what the folders hold."""

import ast
from importlib import metadata
from pathlib import Path

import pytest
import tomli

ROOT = Path(__file__).parents[2]
SRC = ROOT / "src"


def packages_in_folders() -> list[str]:
    folders = (file.parent.relative_to(SRC) for file in SRC.rglob("__init__.py"))
    return sorted(".".join(("hubport", *folder.parts)) for folder in folders)


def absolute_imports_of(file: Path) -> set[str]:
    """The top-level names that a module imports absolutely."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names.update(alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            names.add(node.module.split(".")[0])
    return names


def files_that_import(names: set[str], folder: Path) -> set[str]:
    return {str(file.relative_to(ROOT)) for file in folder.rglob("*.py") if names & absolute_imports_of(file)}


def test_every_folder_with_an_init_is_a_listed_package() -> None:
    settings = tomli.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))

    assert packages_in_folders() == sorted(settings["tool"]["setuptools"]["packages"])


def test_every_module_lies_in_a_package() -> None:
    """Without an `__init__.py` a folder is not packed, and its modules are missing from the wheel."""
    folders = {file.parent for file in SRC.rglob("*.py")}
    packages = {file.parent for file in SRC.rglob("__init__.py")}

    assert folders == packages


def test_inside_the_package_imports_are_relative() -> None:
    """An absolute import would be a second copy to a type checker, which knows the folder as `src`."""
    assert files_that_import({"hubport", "src"}, SRC) == set()


def test_the_tests_know_the_package_by_its_public_name() -> None:
    assert files_that_import({"src"}, ROOT / "tests") == set()


def test_the_package_says_its_version() -> None:
    import hubport

    assert metadata.version("hubport") == hubport.__version__
    assert "__version__" in dir(hubport)
    with pytest.raises(AttributeError, match="no attribute '__author__'"):
        _ = hubport.__author__  # type: ignore[attr-defined]
