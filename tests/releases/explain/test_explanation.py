"""What is refused before anything is read."""

import pytest

from carti_lake.releases.explain import ExplainError
from carti_lake.releases.explain.explanation import explain
from carti_lake.store.storage import Storage


def test_a_metric_of_reporting_months_is_refused_with_what_can_be_explained():
    with pytest.raises(ExplainError, match="takes in other months than its own") as refused:
        explain(Storage("nowhere"), "initial_denial_rate", None, None)  # type: ignore[arg-type]
    assert "Explain its parts: " in str(refused.value)
