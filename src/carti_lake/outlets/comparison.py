"""One metric of ``gold.provider_comparison`` as people read it: names, an order, and what must be said with it."""

from collections.abc import Mapping

import polars as pl

from carti_lake.comparison.funnel import widening
from carti_lake.metrics import Metric
from carti_lake.pipeline.gold.provider_comparison import FEWEST_CASES

#: How a provider stands to the control limits.
WITHIN, BETTER_95, BETTER_998, WORSE_95, WORSE_998 = STANDINGS = (
    "within the limits",
    "better, outside 95 %",
    "better, outside 99.8 %",
    "worse, outside 95 %",
    "worse, outside 99.8 %",
)
NO_CASES = "No provider has a case in the months that are compared"
UNADJUSTED = "Not adjusted for patients, payers and services: standing apart is a reason to look, not a verdict"


def compared(frames: Mapping[str, pl.DataFrame], metric: Metric) -> pl.DataFrame:
    """The metric's rows with ``provider_name`` and ``standing``, in the order of the shrunk rate.

    Parameters
    ----------
    frames
        ``provider_comparison``, which holds no rate on few cases, and ``provider_summary`` of one release.
    metric
        One of those compared.

    Returns
    -------
    pl.DataFrame
        Lowest rate first where lower is better, else highest first; rows without a rate last.
    """
    rows = frames["provider_comparison"].filter(metric=metric.id)
    names = frames["provider_summary"].select("provider_id", "provider_name")
    well = "below" if metric.good == "down" else "above"
    standing = (
        pl.when(pl.col("outside_998").is_not_null())
        .then(pl.when(pl.col("outside_998") == well).then(pl.lit(BETTER_998)).otherwise(pl.lit(WORSE_998)))
        .when(pl.col("outside_95").is_not_null())
        .then(pl.when(pl.col("outside_95") == well).then(pl.lit(BETTER_95)).otherwise(pl.lit(WORSE_95)))
        .when(pl.col("rate").is_not_null())
        .then(pl.lit(WITHIN))
    )
    downwards = metric.good != "down"
    return (
        rows.join(names, on="provider_id", how="left")
        .with_columns(pl.col("provider_name").fill_null(pl.col("provider_id")), standing=standing)
        .sort("shrunk_rate", "rate", "provider_id", descending=[downwards, downwards, False], nulls_last=True)
    )


def remarks(rows: pl.DataFrame) -> list[str]:
    """What a reader of the rows of :func:`compared` must know: period, network, who is missing, what was not done."""
    if rows.is_empty():
        return [NO_CASES]
    shown = rows.drop_nulls("rate")
    period = rows.select("first_month", "last_month").drop_nulls().head(1).rows()
    months = f"{period[0][0]:%B %Y} to {period[0][1]:%B %Y}" if period else "All months"
    enough = f"{months}: {shown.height} of {rows.height} providers have the {FEWEST_CASES} cases that a rate needs"
    if shown.is_empty():
        return [enough]
    network, reason = (shown[name].item(0) for name in ("network_rate", "reason"))
    wider = limits_widened(shown)
    notes = [
        f"{enough}; the network's rate is {network:.1%}",
        reason and reason[0].upper() + reason[1:],
        f"Limits are {wider:.1f} times as wide as for chance alone, since all providers differ" if wider > 1 else None,
        UNADJUSTED,
    ]
    return [note for note in notes if note]


def ranks_explained(metric: Metric) -> str:
    """What stands where ranks are shown."""
    first = "lowest" if metric.good == "down" else "highest"
    return f"the ranks that the provider may have (95 %); 1 is the {first} rate. Where they overlap, the order is open"


def limits_widened(shown: pl.DataFrame) -> float:
    """Factor by which the control limits of the shown rows are wider than chance alone would make them."""
    return widening(shown["dispersion"].item(0), shown.height)
