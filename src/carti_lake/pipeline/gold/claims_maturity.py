"""How mature a month's claims are, by the chain ladder: from how past months of the same age went on.

Source: T. Mack, "Distribution-free calculation of the standard error of chain ladder reserve estimates", ASTIN Bulletin
23(2), 1993; the share that is complete at an age is the completion factor of health actuaries.
"""

import polars as pl

from carti_lake.metrics.window import month_number
from carti_lake.pipeline.gold.claims_aged import as_of
from carti_lake.pipeline.mart import mart
from carti_lake.tables.gold import ClaimsMaturity

#: A month less mature than this is provisional.
MATURE = 0.90
#: Months of service that count; older ones are complete.
EXPERIENCE = 36
#: Ages that the oldest month must have lived through before its successors are judged by it.
FEWEST_AGES = 3
#: Standard normal quantile of a two-sided 95 % interval.
NORMAL_95 = 1.959963984540054


@mart(ClaimsMaturity, inputs=("gold.claims_lag", "gold.reconciliation"))
def claims_maturity(lag: pl.LazyFrame, reconciliation: pl.LazyFrame) -> pl.LazyFrame:
    """Rows of ``gold.claims_maturity``: the latest months of service, up to that of the newest extract of visits.

    Parameters
    ----------
    lag
        Rows of ``gold.claims_lag``, all months.
    reconciliation
        Rows of ``gold.reconciliation``, which say up to which day claims are known.
    """
    known = as_of(reconciliation)
    # It is read many times below, and would be worked out as often.
    triangle = claims_triangle(lag, known).cache()
    share = pl.col("maturity")
    # Mack takes the ultimate to be lognormal: so is the share.
    spread = (NORMAL_95 * (1 + pl.col("relative_error") ** 2).log().sqrt()).exp()
    enough = pl.col("age").max() >= FEWEST_AGES - 1
    dtypes = ClaimsMaturity.dtypes()
    return (
        ultimates(triangle)
        .join(known, how="cross")
        .with_columns(pl.when(enough).then(pl.col("maturity", "expected_claims", "relative_error")))
        .with_columns(
            adjudicated_claims="value",
            maturity_low=share / spread,
            maturity_high=(share * spread).clip(upper_bound=1),
            provisional=(share < MATURE).fill_null(True),
        )
        .select(pl.col(name).cast(dtype) for name, dtype in dtypes.items())
    )


def claims_triangle(lag: pl.LazyFrame, known: pl.LazyFrame) -> pl.LazyFrame:
    """Claims adjudicated by month of service and age: ``month``, ``age`` (from 0), ``value`` (cumulative).

    The months are the latest :data:`EXPERIENCE` ones, from the first of them that has claims. Every month has reached
    age k on the same day of the month as ``as_of`` (the month's last day, where that is one), k months later; so the
    newest diagonal is as complete as the others, on whatever day the data ends.
    """
    day = pl.col("as_of").dt.day()
    last_day = pl.when(pl.col("as_of") == pl.col("as_of").dt.month_end()).then(31).otherwise(day)
    adjudicated = pl.col("adjudicated_date")
    reached = (month_number(adjudicated) - month_number(pl.col("month")) + (adjudicated.dt.day() > last_day)).clip(0)
    old = month_number(pl.col("as_of")) - month_number(pl.col("month"))
    rows = lag.join(known, how="cross").filter(adjudicated <= pl.col("as_of"), old.is_between(0, EXPERIENCE - 1))
    added = rows.group_by("month", age=reached.cast(pl.Int64)).agg(value=pl.col("adjudicated_claims").sum())
    months = rows.select(
        pl.date_ranges(pl.col("month").min(), pl.col("as_of").max(), "1mo").alias("month"), pl.col("as_of").max()
    ).explode("month")
    return (
        months.filter(pl.col("month").is_not_null())
        .select("month", age=pl.int_ranges(0, old + 1))
        .explode("age")
        .join(added, on=["month", "age"], how="left")
        .sort("month", "age")
        .select("month", "age", pl.col("value").fill_null(0).cum_sum().over("month"))
    )


def development(triangle: pl.LazyFrame) -> pl.LazyFrame:
    """Volume-weighted development of a cumulative triangle from each age to the next.

    Parameters
    ----------
    triangle
        ``month`` (origin period), ``age`` (from 0, without gaps), ``value`` (cumulative).

    Returns
    -------
    pl.LazyFrame
        By ``age``: ``factor`` (sum of values at the next age / sum at this one, over the months that have lived to
        the next; infinite where nothing stood at this age, 1 where nothing stood at either), ``base`` (the divisor)
        and ``variance`` (Mack's sigma squared; the last one extrapolated as he does; null where it cannot be known).
    """
    following = triangle.select("month", age=pl.col("age") - 1, following="value")
    pairs = triangle.join(following, on=["month", "age"])
    sums = pairs.group_by("age").agg(base=pl.col("value").sum(), following=pl.col("following").sum())
    factors = sums.select(
        "age",
        "base",
        factor=pl.when(pl.col("base") > 0)
        .then(pl.col("following") / pl.col("base"))
        .when(pl.col("following") > 0)
        .then(float("inf"))
        .otherwise(1.0),
    )
    deviation = (pl.col("following") - pl.col("factor") * pl.col("value")) ** 2 / pl.col("value")
    spreads = (
        pairs.join(factors, on="age")
        .filter(pl.col("value") > 0)
        .group_by("age")
        # A running sum is in one order, so that the same months give the same last digits; a plain sum is not.
        .agg(squares=deviation.sort_by("month").cum_sum().last(), months=pl.len())
        .select("age", variance=pl.when(pl.col("months") > 1).then(pl.col("squares") / (pl.col("months") - 1)))
    )
    before, earlier = pl.col("variance").shift(1), pl.col("variance").shift(2)
    extrapolated = pl.min_horizontal((before**2 / earlier).fill_nan(None), earlier, before)
    return (
        factors.join(spreads, on="age", how="left").sort("age").with_columns(pl.col("variance").fill_null(extrapolated))
    )


def ultimates(triangle: pl.LazyFrame) -> pl.LazyFrame:
    """What each month of a cumulative triangle comes to in the end, the oldest taken to be complete.

    Returns
    -------
    pl.LazyFrame
        By ``month``, oldest first: its ``age`` and ``value`` now; ``maturity``, the share complete at that age;
        ``expected_claims``, value / maturity (null where that is 0); ``relative_error``, Mack's standard error
        of it as a share of it (null where it cannot be known).
    """
    complete = development(triangle).with_columns(
        share=(1 / pl.col("factor")).cum_prod(reverse=True),
        noise=pl.col("variance") / pl.col("factor") ** 2,
    )
    now = (
        triangle.sort("age")
        .unique("month", keep="last", maintain_order=True)
        .join(complete.select("age", "share"), on="age", how="left")
        .with_columns(pl.col("share").fill_null(1.0).alias("maturity"))
    )
    # The value expected at each later age is the present one, grown by the factors between.
    grown = pl.col("value") * pl.col("share_later") / pl.col("maturity")
    later = complete.select(age_later="age", share_later="share", noise="noise", base="base")
    errors = (
        now.join(later, how="cross")
        .filter(pl.col("age_later") >= pl.col("age"))
        .sort("month", "age_later")
        .group_by("month", maintain_order=True)
        .agg(
            squares=(pl.col("noise") * (1 / grown + 1 / pl.col("base"))).sort_by("age_later").cum_sum().last(),
            known=pl.col("noise").is_not_null().all(),
        )
        .select("month", error=pl.when("known").then(pl.col("squares").sqrt()))
    )
    expected, error = pl.col("value") / pl.col("maturity"), pl.col("error")
    return (
        now.join(errors, on="month", how="left")
        .select(
            "month",
            "age",
            "value",
            "maturity",
            expected_claims=pl.when(expected.is_finite()).then(expected),
            # The oldest month has nothing to come, and so no error.
            relative_error=pl.when(pl.col("age") == pl.col("age").max()).then(0.0).when(error.is_finite()).then(error),
        )
        .sort("month")
    )
