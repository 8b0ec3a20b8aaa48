"""The store of a HUB over a database.

The one rule: what was taken is committed, and on the disk, before the call returns.
"""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa

from ...domain.hub.api_key import ApiKey
from ...domain.hub.items import Dataset, Project
from ...domain.hub.model import HubModel
from ...domain.hub.ports.store import HubStore, MetricsDelta, MetricsError, MetricsWrite, NoSuchModel, Repository
from .database import Database
from .documents import decoded
from .group_commit import GroupCommit, QueuedMetrics
from .metrics_statements import MODEL_ID, REVISION
from .migrate import migrate
from .repository import ModelRepository, SqlRepository, is_plain
from .tables import DATASETS, IDENTITY, KEYS, METRICS, MODELS, PROJECTS

_LARGEST = (1 << 63) - 1

_METRICS = (
    sa.select(MODELS.c.revision, METRICS.c.epoch, METRICS.c.text)
    .select_from(
        MODELS.outerjoin(
            METRICS,
            sa.and_(
                METRICS.c.model_id == MODELS.c.id,
                METRICS.c.revision > sa.bindparam("after", type_=sa.BigInteger),
            ),
        )
    )
    .where(MODELS.c.id == MODEL_ID)
    .order_by(METRICS.c.epoch)
)

_IDENTITY = sa.select(IDENTITY.c.name)


class SqlHubStore(HubStore):
    """In the database at *url*: ``sqlite:///PATH`` or ``postgresql://...``. Its tables are made, or brought up to date.

    Several processes may have it open at once. Close it when done.

    Raises:
        StoreUnusable: when there is no such database, or it is not for this version.
    """

    def __init__(self, url: str) -> None:
        self._database = Database(url)
        try:
            migrate(self._database)
        except BaseException:
            self._database.close()
            raise
        self._writer = GroupCommit(self._database)
        self._models = ModelRepository(self._database, self._writer, HubModel, MODELS)
        self._projects = SqlRepository(self._database, self._writer, Project, PROJECTS)
        self._datasets = SqlRepository(self._database, self._writer, Dataset, DATASETS)
        self._keys = SqlRepository(self._database, self._writer, ApiKey, KEYS)
        self._identity: str | None = None

    @property
    def models(self) -> Repository[HubModel]:
        return self._models

    @property
    def projects(self) -> Repository[Project]:
        return self._projects

    @property
    def datasets(self) -> Repository[Dataset]:
        return self._datasets

    @property
    def keys(self) -> Repository[ApiKey]:
        return self._keys

    @property
    def identity(self) -> str:
        if self._identity is None:  # two threads may both read it, and read the same
            self._identity = self._database.read(
                lambda connection: connection.scalars(sa.select(IDENTITY.c.name)).one()
            )
        return self._identity

    def write_metrics(self, writes: Sequence[MetricsWrite]) -> Sequence[MetricsError | None]:
        plain = [write for write in writes if is_plain(write.model_id)]
        write = QueuedMetrics(MODELS.name, plain)
        if plain:
            self._writer.do(write)
        errors = iter(write.errors)
        return [next(errors) if is_plain(write.model_id) else NoSuchModel(write.model_id) for write in writes]

    def metrics(self, model_id: str, *, after: int = 0) -> MetricsDelta:
        if not is_plain(model_id):
            return MetricsDelta(0, {})
        values = {"of_model": model_id, "after": max(0, min(after, _LARGEST))}
        rows = self._database.read(lambda connection: connection.execute(_METRICS, values).all())
        epochs = {row.epoch: decoded(row.text) for row in rows if row.epoch is not None}
        return MetricsDelta(rows[0].revision if rows else 0, epochs)

    def revision(self, model_id: str) -> int:
        if not is_plain(model_id):
            return 0
        return self._database.read(lambda connection: connection.scalar(REVISION, {"of_model": model_id})) or 0

    def close(self) -> None:
        self._database.close()
