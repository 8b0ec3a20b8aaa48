"""Which process of a distributed training this is, from everything that may say so."""

from __future__ import annotations

import sys
import types

import pytest

from hubport import Settings
from hubport.app.session.rank import Rank, rank


def torch_distributed(number: int = 0, *, available: bool = True, initialized: bool = True) -> types.ModuleType:
    """What ``torch.distributed`` shows of itself."""
    module = types.ModuleType("torch.distributed")
    module.is_available = lambda: available  # type: ignore[attr-defined]
    if available:  # torch that was built without it has nothing but this question
        module.is_initialized = lambda: initialized  # type: ignore[attr-defined]
        module.get_rank = lambda: number  # type: ignore[attr-defined]
    return module


def found(environ: dict[str, str], torch: types.ModuleType | None = None, setting: int | None = None) -> int:
    return rank(setting, environ, {} if torch is None else {"torch.distributed": torch}).number


def test_where_nothing_says_so_there_are_no_others() -> None:
    assert 0 == found({})


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({"RANK": "0"}, 0),
        ({"RANK": "3"}, 3),
        ({"LOCAL_RANK": "2"}, 2),
        ({"RANK": "0", "LOCAL_RANK": "2"}, 0),
        ({"RANK": "8", "LOCAL_RANK": "0"}, 8),  # the first process of the second machine
        ({"RANK": "-1"}, 0),  # what trainers of 2023 set where there is one process
        ({"RANK": "-1", "LOCAL_RANK": "-1"}, 0),
        ({"LOCAL_RANK": "-1"}, 0),
        ({"RANK": " 1 "}, 1),
        ({"RANK": "", "LOCAL_RANK": "1"}, 1),
        ({"RANK": "gold", "LOCAL_RANK": "1"}, 1),
        ({"RANK": "1.0"}, 0),
        ({"RANK": "one", "LOCAL_RANK": "two"}, 0),
        ({"RANK": "9" * 5000}, 0),
        ({"WORLD_SIZE": "4"}, 0),
    ],
    ids=lambda value: str(value)[:40],
)
def test_the_environment_says_it_as_torchrun_does(environ: dict[str, str], expected: int) -> None:
    assert expected == found(environ)


@pytest.mark.parametrize(
    "variable",
    [
        "SLURM_PROCID",
        "OMPI_COMM_WORLD_RANK",
        "MV2_COMM_WORLD_RANK",
        "PMI_RANK",
        "PMIX_RANK",
        "HOROVOD_RANK",
        "JSM_NAMESPACE_RANK",
        "FLUX_TASK_RANK",
    ],
)
def test_other_launchers_number_their_processes_too(variable: str) -> None:
    assert [0, 1, 2] == [found({variable: str(number)}) for number in range(3)]
    assert 0 == found({variable: "first"})
    assert Rank(2, variable) == rank(None, {variable: "2"}, {})
    assert 5 == found({variable: "2", "RANK": "5"})  # a process of torchrun within a task


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        # srun -n 8 on two nodes: the first task of the second
        ({"SLURM_PROCID": "4", "SLURM_NTASKS": "8", "SLURM_NODEID": "1", "SLURM_LOCALID": "0", "LOCAL_RANK": "0"}, 4),
        # a batch script, and a shell in an allocation of eight tasks
        ({"SLURM_PROCID": "0", "SLURM_NTASKS": "8", "SLURM_NODEID": "0", "SLURM_LOCALID": "0"}, 0),
        ({"SLURM_NTASKS": "8", "SLURM_JOB_ID": "7"}, 0),
        # the 33rd job of an array
        ({"SLURM_PROCID": "0", "SLURM_NTASKS": "1", "SLURM_ARRAY_TASK_ID": "33", "SLURM_ARRAY_JOB_ID": "9"}, 0),
        # a step of one task cannot have a second: somebody else's number
        ({"SLURM_PROCID": "3", "SLURM_STEP_NUM_TASKS": "1", "SLURM_NTASKS": "8"}, 0),
        ({"SLURM_PROCID": "3", "SLURM_NTASKS": "1"}, 0),
        ({"SLURM_PROCID": "3", "SLURM_STEP_NUM_TASKS": "4", "SLURM_NTASKS": "1"}, 3),
        # mpirun within an allocation: the daemon of the second node is task 1, and starts ranks 4 to 7
        ({"OMPI_COMM_WORLD_RANK": "4", "SLURM_PROCID": "1", "SLURM_NODEID": "1"}, 4),
        ({"OMPI_COMM_WORLD_RANK": "0", "OMPI_COMM_WORLD_SIZE": "8", "SLURM_PROCID": "1", "SLURM_NTASKS": "2"}, 0),
        # one process of mpirun in each of two tasks: two trainings
        ({"OMPI_COMM_WORLD_RANK": "0", "OMPI_COMM_WORLD_SIZE": "1", "SLURM_PROCID": "1"}, 0),
        # torchrun in each of two tasks: as one training, and as two
        ({"RANK": "0", "WORLD_SIZE": "16", "SLURM_PROCID": "1", "SLURM_NODEID": "1"}, 0),
        ({"RANK": "8", "WORLD_SIZE": "16", "SLURM_PROCID": "0"}, 8),
        ({"RANK": "0", "WORLD_SIZE": "1", "GROUP_RANK": "0", "SLURM_PROCID": "3"}, 0),
        # a trainer that starts its own processes within one task
        ({"SLURM_PROCID": "0", "SLURM_NTASKS": "1", "LOCAL_RANK": "1", "NODE_RANK": "0"}, 1),
        ({"PMI_RANK": "0", "PMI_SIZE": "1", "LOCAL_RANK": "3"}, 3),
        # the first process of the second node
        ({"LOCAL_RANK": "0", "NODE_RANK": "1"}, 1),
        ({"LOCAL_RANK": "0", "GROUP_RANK": "2", "LOCAL_WORLD_SIZE": "4"}, 8),
        ({"LOCAL_RANK": "0", "SLURM_NODEID": "1"}, 1),
        ({"LOCAL_RANK": "0", "NODE_RANK": "1", "SLURM_PROCID": "0"}, 1),  # each node is a job of its own
        ({"NODE_RANK": "1"}, 1),  # it has not started the others of its node yet
        ({"LOCAL_RANK": "0", "NODE_RANK": "0"}, 0),
        ({"NODE_RANK": "second"}, 0),
        # Slurm has put task 0 on the second node
        ({"SLURM_PROCID": "0", "SLURM_NTASKS": "4", "SLURM_NODEID": "1"}, 0),
        ({"OMPI_COMM_WORLD_RANK": "0", "SLURM_PROCID": "0", "SLURM_NODEID": "1", "NODE_RANK": "1"}, 0),
        ({"RANK": "3", "WORLD_SIZE": "1"}, 0),
        ({"RANK": "3", "WORLD_SIZE": "many"}, 3),
    ],
    ids=lambda value: str(value)[:60],
)
def test_the_innermost_launcher_knows_best(environ: dict[str, str], expected: int) -> None:
    assert expected == found(environ)


def test_a_process_group_knows_better_than_the_environment() -> None:
    assert 1 == found({}, torch_distributed(1))
    assert 1 == found({"RANK": "0", "LOCAL_RANK": "0"}, torch_distributed(1))
    assert 0 == found({"RANK": "1"}, torch_distributed(0))


@pytest.mark.parametrize(
    "torch",
    [torch_distributed(1, initialized=False), torch_distributed(available=False)],
    ids=["not initialized", "not built in"],
)
def test_torch_without_a_process_group_says_nothing(torch: types.ModuleType) -> None:
    assert 0 == found({}, torch)
    assert 2 == found({"RANK": "2"}, torch)


def test_torch_that_another_thread_is_just_importing_says_nothing() -> None:
    """A module stands in ``sys.modules`` before it has any of its names."""
    assert 2 == found({"RANK": "2"}, types.ModuleType("torch.distributed"))


@pytest.mark.parametrize("setting", [0, 1, 5])
def test_the_setting_comes_first(setting: int) -> None:
    assert setting == found({"RANK": "2", "LOCAL_RANK": "3"}, torch_distributed(4), setting)


def test_a_setting_below_0_is_the_one_process() -> None:
    assert 0 == found({"RANK": "2"}, torch_distributed(4), -1)


def test_it_asks_this_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RANK", "7")
    monkeypatch.delitem(sys.modules, "torch.distributed", raising=False)
    assert Rank(7, "RANK") == rank(None)
    monkeypatch.setitem(sys.modules, "torch.distributed", torch_distributed(3))
    assert Rank(3, "torch.distributed") == rank(None)


def test_asking_imports_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    before = set(sys.modules)
    rank(None)

    assert before == set(sys.modules)


def test_the_variable_of_the_setting_is_a_rank() -> None:
    assert 2 == Settings.from_env({"HUBPORT_RANK": "2"}).rank
    assert -1 == Settings.from_env({"HUBPORT_RANK": "-1"}).rank
    assert Settings.from_env({}).rank is None
    assert Settings.from_env({"HUBPORT_RANK": " "}).rank is None
    for text in ("first", "1.0", "1,2"):
        with pytest.raises(ValueError, match=f"HUBPORT_RANK: '{text}' is not a rank"):
            Settings.from_env({"HUBPORT_RANK": text})
