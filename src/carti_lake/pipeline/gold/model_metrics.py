"""How good each version of each model is, as its training found."""

import polars as pl

from carti_lake.tables.gold import ModelMetrics

#: What the evaluation of a version holds; the rest of a row is about the version.
EVALUATED = ("estimator", "split", "metric", "value", "n", "note")


def model_metrics(trained: pl.LazyFrame) -> pl.LazyFrame:
    """Rows of ``gold.model_metrics`` of all trained versions.

    Parameters
    ----------
    trained
        Table ``models``; of several trainings that gave one version the newest tells.
    """
    held = pl.List(pl.Struct({name: ModelMetrics.dtypes()[name] for name in EVALUATED}))
    return (
        trained.sort("trained_at", "data_release", "evaluation")
        .unique(["model", "version"], keep="last", maintain_order=True)
        .select("model", "version", "data_release", pl.col("evaluation").str.json_decode(held))
        .explode("evaluation")
        .unnest("evaluation")
        .drop_nulls("metric")
        .select(pl.col(name).cast(dtype) for name, dtype in ModelMetrics.dtypes().items())
    )
