"""Rows of ``gold.risk_scores``: what the models of single claims, stays and appointments share."""

from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl

from carti_lake.models.design import Feature
from carti_lake.models.estimators import SUBJECT, explained
from carti_lake.tables.gold import RiskScores


def risk_scores(
    model: str, subjects: pl.LazyFrame, artifact: Mapping[str, Any] | None, version: str, features: Sequence[Feature]
) -> pl.LazyFrame:
    """Probability and drivers of each subject; null without a trained model.

    Parameters
    ----------
    model
        Name of the model.
    subjects
        ``subject_id``, ``provider_id``, ``subject_date`` and the features.
    artifact, version
        Of the current model; None and empty without one.
    features
        The features' declarations.
    """
    # Two visits may be billed by one claim.
    rows = subjects.sort(SUBJECT, "subject_date", "provider_id").collect(engine="streaming")
    rows = rows.unique(SUBJECT, keep="first", maintain_order=True)
    if artifact is None:
        scored = rows.with_columns(probability=pl.lit(None, pl.Float64), drivers=pl.lit(None, pl.String))
    else:
        scored = rows.hstack(explained(artifact, rows, features).with_columns(pl.col("probability").round(6)))
    scored = scored.with_columns(model=pl.lit(model), model_version=pl.lit(version or None, pl.String))
    return scored.lazy().select(pl.col(name).cast(dtype) for name, dtype in RiskScores.dtypes().items())
