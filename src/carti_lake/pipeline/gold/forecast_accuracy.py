"""Past forecasts against what came."""

import polars as pl

from carti_lake.metrics.window import month_number
from carti_lake.pipeline.gold.forecast_series import COMPLETE, INPUTS, series
from carti_lake.pipeline.mart import mart
from carti_lake.tables.gold import ForecastAccuracy

SERIES = ("level", "member", "metric")
#: Fewest months with a month a year before that a scale is the mean of.
LEAST_CHANGES = 3


@mart(ForecastAccuracy, inputs=("gold.forecasts", *INPUTS), about="gold.forecasts")
def accuracy_of_stored(forecasts: pl.LazyFrame, *inputs: pl.LazyFrame) -> pl.LazyFrame:
    """Rows of ``gold.forecast_accuracy`` from the tables as they are stored, withdrawn visits among them."""
    *marts, visits = inputs
    return forecast_accuracy(forecasts, *marts, visits.filter(~pl.col("withdrawn")))


def forecast_accuracy(forecasts: pl.LazyFrame, *inputs: pl.LazyFrame) -> pl.LazyFrame:
    """Rows of ``gold.forecast_accuracy``: forecasts of the months that are complete by now.

    What came is as it is known now, and so is the scale; the forecast is as it was made.

    Parameters
    ----------
    forecasts
        Rows of ``gold.forecasts``. Those without an interval were not forecast for themselves, and are not judged.
    inputs
        `carti_lake.models.forecast.series.INPUTS`, in that order; of silver, the rows that are not withdrawn.
    """
    known = series(dict(zip(INPUTS, inputs, strict=True))).cache()
    made = forecasts.filter(pl.col("lower_80").is_not_null())
    came = known.filter(pl.col("share") >= COMPLETE).select(*SERIES, "month", actual="value")
    error = (pl.col("forecast") - pl.col("actual")).abs()
    return (
        made.join(came, on=[*SERIES, "month"])
        .join(_scales(known, made), on=[*SERIES, "origin"], how="left")
        .with_columns(
            horizon=month_number(pl.col("month")) - month_number(pl.col("origin")),
            absolute_error=error,
            scaled_error=pl.when(pl.col("scale") > 0).then(error / pl.col("scale")),
            within_80=pl.col("actual").is_between("lower_80", "upper_80"),
            within_95=pl.col("actual").is_between("lower_95", "upper_95"),
        )
        .select(pl.col(name).cast(dtype) for name, dtype in ForecastAccuracy.dtypes().items())
    )


def _scales(known: pl.LazyFrame, made: pl.LazyFrame) -> pl.LazyFrame:
    """By series and origin, ``scale``: mean absolute change over a year in the months up to the origin."""
    completed = known.select(*SERIES, "month", "completed")
    before = completed.select(*SERIES, pl.col("month").dt.offset_by("12mo"), before="completed")
    changes = completed.join(before, on=[*SERIES, "month"]).with_columns(
        change=(pl.col("completed") - pl.col("before")).abs()
    )
    of_origins = changes.join(made.select("origin").unique(), how="cross").filter(pl.col("month") <= pl.col("origin"))
    sums = of_origins.group_by(*SERIES, "origin").agg(scale=pl.col("change").mean(), changes=pl.col("change").count())
    return sums.select(*SERIES, "origin", scale=pl.when(pl.col("changes") >= LEAST_CHANGES).then("scale"))
