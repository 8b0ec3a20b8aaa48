"""The old client's environment, without which these tests fail: what is not compared is soon not the same."""

import pytest

from tests.compat.clients import PEER, Clients


@pytest.fixture(scope="session")
def clients(tmp_path_factory: pytest.TempPathFactory) -> Clients:
    if not (PEER / ".installed").exists():
        pytest.fail(f"{PEER.name}, the environment of the old client, is missing or incomplete: run `make peer`")
    return Clients(tmp_path_factory.mktemp("clients"))
