"""An extra that is missing is told from one that is installed and broken."""

from __future__ import annotations

from importlib import metadata

import pytest

from hubport.app.extras import ExtraBroken, ExtraMissing, from_extra
from hubport.domain.errors import CallerError


def told(exc: BaseException, extra: str = "demo") -> CallerError:
    with pytest.raises((ExtraMissing, ExtraBroken)) as raised, from_extra(extra, "the demo"):
        raise exc
    assert isinstance(raised.value, ImportError | CallerError)
    return raised.value


@pytest.mark.parametrize(
    ("extra", "module"), [("demo", "sklearn"), ("demo", "numpy"), ("hub", "uvicorn"), ("hub,s3", "boto3")]
)
def test_a_module_that_is_not_there_is_missing(extra: str, module: str) -> None:
    said = str(told(ModuleNotFoundError(f"No module named {module!r}", name=module), extra))

    assert said == f"the demo needs more than a session does: pip install 'hubport[{extra}]'"


def test_so_is_one_that_somebody_has_named_more_kindly() -> None:
    kind = ImportError("a bucket is reached through boto3")
    kind.__cause__ = ModuleNotFoundError("No module named 'boto3'", name="boto3")

    assert isinstance(told(kind, "hub,s3"), ExtraMissing)


@pytest.mark.parametrize(
    "exc",
    [
        ImportError("numpy.core.multiarray failed to import"),
        ValueError("numpy.dtype size changed, may indicate binary incompatibility"),
        AttributeError("_ARRAY_API not found"),
        ModuleNotFoundError("No module named 'numpy.core'", name="numpy.core"),
        ModuleNotFoundError("No module named 'imp'", name="imp"),
        OSError("libgomp.so.1: cannot open shared object file"),
    ],
    ids=lambda exc: str(exc)[:40],
)
def test_what_is_there_and_fails_is_broken_and_its_reason_is_said(exc: Exception) -> None:
    said = str(told(exc))

    assert said.startswith("what the demo needs is installed and cannot be imported (")
    assert f"{type(exc).__name__}: {exc}" in said
    assert "pip install --upgrade --upgrade-strategy eager 'hubport[demo]'" in said


def test_a_reason_is_one_short_line() -> None:
    assert 600 > len(str(told(ImportError("a\nlong\nstory " * 1000))))
    assert "\n" not in str(told(ImportError("a\nlong\nstory")))


@pytest.mark.parametrize("name", ["python-multipart", "python_multipart"])
def test_another_multipart_in_the_place_of_ours_is_named(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setattr(metadata, "packages_distributions", lambda: {"multipart": [name, "multipart"]})
    monkeypatch.setattr(metadata, "version", {name: "0.0.12"}.__getitem__)
    said = str(told(ImportError("cannot import name 'MultipartSegment' from 'multipart' (/a/__init__.py)"), "hub"))

    assert "python-multipart 0.0.12" in said
    assert "pip install --upgrade 'python-multipart>=0.0.16'" in said
