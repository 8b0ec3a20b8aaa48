import json

import pytest

from hubport.adapters.sql_hub.documents import DocumentCodec
from hubport.domain.hub.metric_names import Direction
from hubport.domain.hub.model import HubModel

DOCUMENTS = DocumentCodec(HubModel)


def test_a_document_of_a_version_that_knew_no_best_metric_is_read() -> None:
    written = json.loads(DOCUMENTS.write(HubModel("a" * 20, "old", "coco8.yaml")))
    old = {name: value for name, value in written.items() if not name.startswith("best_")}

    assert HubModel("a" * 20, "old", "coco8.yaml") == DOCUMENTS.read(json.dumps(old))


@pytest.mark.parametrize("direction", [None, *Direction])
def test_what_was_set_is_read_again(direction: Direction | None) -> None:
    model = HubModel("a" * 20, "new", "coco8.yaml", best_metric="val/f1", best_direction=direction)

    assert model == DOCUMENTS.read(DOCUMENTS.write(model))
