"""Which of the processes of a distributed training this one is.

The one rule: one training reports once. Rank 0 has the session; the others get one that does nothing and says so.

``Settings.rank`` decides where it is set; else ``torch.distributed`` where the training has initialized it; else the
variables of launchers, the innermost launcher first. Nothing is imported for it.
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Mapping
from types import ModuleType

import attrs


@attrs.frozen
class Rank:
    """A rank from 0, and what says so: the setting, ``torch.distributed`` or an environment variable."""

    number: int
    source: str = ""


#: A rank of all processes, and how many there are. MPI comes before what it may itself have been started by.
_OF_LAUNCHERS = (
    ("OMPI_COMM_WORLD_RANK", ("OMPI_COMM_WORLD_SIZE",)),  # Open MPI
    ("MV2_COMM_WORLD_RANK", ("MV2_COMM_WORLD_SIZE",)),  # MVAPICH
    ("HOROVOD_RANK", ("HOROVOD_SIZE",)),
    ("PMI_RANK", ("PMI_SIZE",)),  # MPICH, Intel MPI, srun --mpi=pmi2
    ("PMIX_RANK", ()),  # srun --mpi=pmix
    ("JSM_NAMESPACE_RANK", ("JSM_NAMESPACE_SIZE",)),  # jsrun of LSF
    ("FLUX_TASK_RANK", ("FLUX_JOB_SIZE",)),
)
# A step has a size of its own; of older ones, and of steps that somebody imitates, the job's is known.
_OF_SLURM = ("SLURM_PROCID", ("SLURM_STEP_NUM_TASKS", "SLURM_NTASKS"))
_NODES = ("NODE_RANK", "GROUP_RANK")


def rank(
    setting: int | None, environ: Mapping[str, str] = os.environ, modules: Mapping[str, ModuleType] = sys.modules
) -> Rank:
    """The rank of this process; 0 where nothing says that there are others, which trainers also write as -1."""
    if setting is not None:
        return Rank(max(setting, 0), "Settings.rank")
    torch_distributed = modules.get("torch.distributed")
    with contextlib.suppress(AttributeError):  # not there, or just being imported by another thread
        if torch_distributed.is_available() and torch_distributed.is_initialized():  # type: ignore[union-attr]
            return Rank(int(torch_distributed.get_rank()), "torch.distributed")  # type: ignore[union-attr]
    found = _ranked("RANK", ("WORLD_SIZE",), environ)  # torchrun, accelerate, DeepSpeed, Ray Train
    return found if found is not None else _without_torchrun(environ)


def _without_torchrun(environ: Mapping[str, str]) -> Rank:
    ranked = (_ranked(variable, sizes, environ) for variable, sizes in _OF_LAUNCHERS)
    of_launcher = next((found for found in ranked if found is not None), None)
    found = of_launcher or _ranked(*_OF_SLURM, environ)
    if found is not None and found.number > 0:
        return found
    # A launcher's 0 may be that of a batch script or of a single task, whose processes somebody else numbers.
    local = _number("LOCAL_RANK", environ)
    if local is not None and local > 0:
        return Rank(local, "LOCAL_RANK")
    if of_launcher is None:
        # Slurm may put its task 0 on any node, and numbers nodes without tasks nowhere.
        for variable in _NODES if found is not None else (*_NODES, "SLURM_NODEID"):
            node = _number(variable, environ)
            if node is not None and node > 0:
                per_node = _number("LOCAL_WORLD_SIZE", environ) or 1
                return Rank(node * per_node, variable)
    return Rank(0)


def _ranked(variable: str, sizes: tuple[str, ...], environ: Mapping[str, str]) -> Rank | None:
    """What *variable* says, where it says anything; who is alone by the first of *sizes* that is known has rank 0."""
    number = _number(variable, environ)
    if number is None:
        return None
    size = next((size for name in sizes if (size := _number(name, environ)) is not None), None)
    return Rank(0 if size == 1 else max(number, 0), variable)


def _number(variable: str, environ: Mapping[str, str]) -> int | None:
    with contextlib.suppress(KeyError, ValueError):  # words of somebody else's
        return int(environ[variable])
    return None
