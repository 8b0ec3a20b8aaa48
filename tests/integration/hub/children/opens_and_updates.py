"""Opens the store when told to, and updates a model and puts its metrics when told to, many times."""

from __future__ import annotations

import os
import sys
from functools import partial

import attrs

from hubport.adapters.sql_hub import SqlHubStore
from hubport.domain.hub.items import Project
from hubport.domain.hub.model import HubModel

url, model_id, me, times = sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4])


def extended(by: str, model: HubModel) -> HubModel:
    return attrs.evolve(model, name=f"{model.name} {by}")


os.write(1, b"ready\n")
sys.stdin.readline()
store = SqlHubStore(url)
os.write(1, b"open\n")
sys.stdin.readline()
for number in range(times):
    store.models.update(model_id, partial(extended, f"{me}-{number}"))
    store.put_metrics(model_id, {int(me) * 1000 + number: me}, at=1.0)
    store.projects.save(Project(f"{me}-{number}", "a project"))
store.close()
os.write(1, b"done\n")
