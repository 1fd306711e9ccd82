"""The monthly series that are forecast, and that past forecasts are judged by: what came, and what is to come of it."""

from collections.abc import Mapping
from datetime import date

import polars as pl

from carti_lake.metrics.claims import with_maturity
from carti_lake.tables.silver import Referrals, Visits

#: Levels, the whole first; the members of each of the others sum to it.
NETWORK, SERVICE_LINE, PROVIDER = LEVELS = ("network", "service_line", "provider")
#: Feed by whose newest extract each series is known.
METRICS = {
    "visits": Visits.feed.short_name,
    "new_patients": Visits.feed.short_name,
    "gross_charges": Visits.feed.short_name,
    "net_cash": Visits.feed.short_name,
    "referrals": Referrals.feed.short_name,
}
INPUTS = ("gold.provider_monthly", "gold.claims_maturity", "gold.reconciliation", "silver.visits")
#: Months that are looked at: a forecast costs no more in an old lake than in a young one.
HISTORY = 60
#: Months from which the lag of claims, the rate of payment and the week are learnt.
LATELY = 12
#: Share of its median month from which on the network's metric is taken to be delivered.
BEGUN = 0.5
#: Share of a month that is in when it counts as complete.
COMPLETE = 0.98
NEW_PATIENT = "new_patient"
CELL = ("provider_id", "service_line", "month")


def origins(reconciliation: pl.LazyFrame) -> pl.LazyFrame:
    """By ``metric``: ``as_of``, up to which it is known, and ``origin``, the last month that had ended by then."""
    feeds = pl.LazyFrame({"metric": list(METRICS), "feed": list(METRICS.values())})
    as_of = pl.col("as_of")
    ended = pl.when(as_of == as_of.dt.month_end()).then(as_of).otherwise(as_of.dt.offset_by("-1mo"))
    newest = reconciliation.group_by("feed").agg(as_of=pl.col("extract_date").max())
    return feeds.join(newest, on="feed").select("metric", "as_of", origin=ended.dt.truncate("1mo"))


def series(tables: Mapping[str, pl.LazyFrame]) -> pl.LazyFrame:
    """Every series, month by month from its beginning to its origin.

    A member's series begins with its first activity of any kind, but not before the network's metric is delivered;
    from there a month without any is zero. A metric that a member never had is no series.

    Parameters
    ----------
    tables
        :data:`INPUTS` by full name, without withdrawn rows.

    Returns
    -------
    pl.LazyFrame
        ``level``, ``member``, ``metric``, ``month``, ``origin``; ``value`` as it is known; ``completed``, what it will
        come to (null where nothing says how mature it is); ``share`` of it that is known by now.
    """
    known = origins(tables["gold.reconciliation"])
    # Each is read many times below, and would be worked out as often.
    arrived = _arrived(tables["silver.visits"], known).cache()
    cells = _long(_completed(tables, arrived).cache()).join(known, on="metric")
    cells = cells.filter(pl.col("month") <= pl.col("origin"), pl.col("month") > pl.col("origin").dt.offset_by(_ago()))
    # A month's share is one for all cells; where it is not known, no sum is.
    sums = (pl.col("value").sum(), _sum_of_known("completed"))
    parts = [
        cells.group_by(member=member, metric="metric", month="month").agg(*sums).with_columns(level=pl.lit(level))
        for level, member in zip(LEVELS, (pl.lit(NETWORK), pl.col("service_line"), pl.col("provider_id")), strict=True)
    ]
    return _filled(pl.concat(parts).cache(), known, _shares(tables, arrived))


def weekend(visits: pl.LazyFrame) -> pl.LazyFrame:
    """One row: ``weekend``, what a day of the weekend brings against a working day, over the last months.

    It says what a month can hold: 20 working days and 23 differ more than most months do. Without visits all days
    count alike.
    """
    day = pl.col("visit_date")
    is_weekend = day.dt.weekday() >= 6
    recent = visits.filter(pl.col("visit_month") > pl.col("visit_month").max().dt.offset_by(f"-{LATELY}mo"))
    per_day = is_weekend.sum() / 2 / ((~is_weekend).sum() / 5)
    return recent.select(weekend=per_day.fill_nan(1.0).fill_null(1.0).clip(0.0, 1.0))


def _ago() -> str:
    return f"-{HISTORY}mo"


def _sum_of_known(name: str) -> pl.Expr:
    return pl.when(pl.col(name).is_not_null().all()).then(pl.col(name).sum())


def _cells(tables: Mapping[str, pl.LazyFrame]) -> pl.LazyFrame:
    """Cells of the provider mart, with the visits of new patients, which it does not count."""
    new = (
        tables["silver.visits"]
        .filter(pl.col("visit_type") == NEW_PATIENT)
        .group_by(
            pl.col("rendering_provider_id").alias("provider_id"),
            pl.col("service_line").fill_null("unknown"),
            pl.col("visit_month").alias("month"),
        )
        .agg(new_patients=pl.len())
    )
    return (
        tables["gold.provider_monthly"]
        .select(*CELL, "visits", "gross_charges", net_cash="payments", referrals="referrals_made")
        .join(new, on=CELL, how="left")
        .with_columns(pl.col("new_patients").fill_null(0))
        .with_columns(pl.col(*METRICS).cast(pl.Float64))
    )


def _completed(tables: Mapping[str, pl.LazyFrame], arrived: pl.LazyFrame) -> pl.LazyFrame:
    """Cells with each metric as known, and as it will be (``…_completed``).

    What is known of a month's visits is divided by the share of it that is in. Cash still to come is that of the
    claims not yet adjudicated: their charges, paid at the provider's rate of mature months. Source: R. Bornhuetter and
    R. Ferguson, "The Actuary and IBNR", Proceedings of the Casualty Actuarial Society 59 (1972); a chain ladder's
    division by a maturity of a fifth would make noise of the newest month.
    """
    cells = with_maturity(_cells(tables).join(arrived, on="month", how="left"), tables["gold.claims_maturity"])
    share = pl.col("arrived").fill_null(1.0)
    mature = (pl.col("maturity") >= COMPLETE) & (pl.col("month") > pl.col("month").max().dt.offset_by(_ago_mature()))
    paid, charged = pl.col("net_cash").filter(mature).sum(), pl.col("gross_charges").filter(mature).sum()
    own = pl.when(charged.over("provider_id") > 0).then(paid.over("provider_id") / charged.over("provider_id"))
    rate = pl.coalesce(own, pl.when(charged > 0).then(paid / charged))
    charges = pl.col("gross_charges") / share
    to_come = (1 - pl.col("maturity")) * charges * rate
    nothing = (pl.col("maturity") == 1) | (charges == 0)
    return cells.with_columns(
        (pl.col("visits", "new_patients", "gross_charges") / share).name.suffix("_completed"),
        net_cash_completed=pl.col("net_cash") + pl.when(nothing).then(0.0).otherwise(to_come),
        referrals_completed="referrals",
    )


def _ago_mature() -> str:
    # Claims of the newest months are not mature: a year of mature ones lies further back.
    return f"-{LATELY + 6}mo"


def _long(cells: pl.LazyFrame) -> pl.LazyFrame:
    parts = [
        cells.select(*CELL, metric=pl.lit(metric), value=metric, completed=f"{metric}_completed") for metric in METRICS
    ]
    return pl.concat(parts)


def _arrived(visits: pl.LazyFrame, known: pl.LazyFrame) -> pl.LazyFrame:
    """By ``month``: ``arrived``, the share of its visits that are delivered by now.

    A visit comes with its claim: of earlier months, the share submitted as many days after their end as the newest
    month's lies back. Without days of submission every month that has ended is taken to be in.
    """
    as_of = known.filter(metric="visits").select("as_of")
    month = pl.col("visit_month")
    after = (pl.col("claim_submitted_date") - month.dt.month_end()).dt.total_days()
    since = (pl.col("as_of") - pl.col("month").dt.month_end()).dt.total_days()
    newest = pl.col("as_of").dt.truncate("1mo")
    experienced = visits.join(as_of, how="cross").filter(
        pl.col("claim_submitted_date").is_not_null(),
        month < newest.dt.offset_by("-1mo"),
        month >= newest.dt.offset_by(f"-{LATELY + 1}mo"),
    )
    lags = experienced.group_by(after=after).agg(visits=pl.len()).sort("after")
    lags = lags.select("after", arrived=pl.col("visits").cum_sum() / pl.col("visits").sum())
    ages = (
        as_of.select("as_of", month=pl.date_ranges(newest.dt.offset_by(f"-{LATELY}mo"), newest, "1mo"))
        .explode("month")
        .with_columns(since=since)
        .sort("since")
    )
    joined = ages.join_asof(lags, left_on="since", right_on="after", strategy="backward")
    return joined.select("month", pl.col("arrived").fill_null(1.0))


def _shares(tables: Mapping[str, pl.LazyFrame], arrived: pl.LazyFrame) -> pl.LazyFrame:
    """By ``metric`` and ``month``, of those that are not complete for certain: ``share`` that is in."""
    arrived = arrived.rename({"arrived": "share"})
    matured = tables["gold.claims_maturity"].select("month", share=pl.col("maturity").fill_null(0.0))
    of_visits = [arrived.with_columns(metric=pl.lit(name)) for name in ("visits", "new_patients", "gross_charges")]
    return pl.concat([*of_visits, matured.with_columns(metric=pl.lit("net_cash"))], how="diagonal")


def _filled(sums: pl.LazyFrame, known: pl.LazyFrame, shares: pl.LazyFrame) -> pl.LazyFrame:
    """The series without gaps, each from its beginning to its origin."""
    active = sums.filter(pl.col("value") != 0)
    first = active.group_by("level", "member").agg(begins=pl.col("month").min())
    # Visits dated wrongly and a feed's first days make no month.
    whole = active.filter(pl.col("value") >= BEGUN * pl.col("value").median().over("metric"), level=NETWORK)
    offered = whole.group_by("metric").agg(offered=pl.col("month").min())
    months = (
        active.select("level", "member", "metric")
        .unique()
        .join(first, on=["level", "member"])
        .join(offered, on="metric")
        .join(known, on="metric")
        .with_columns(begins=pl.max_horizontal("begins", "offered"))
        .filter(pl.col("begins") <= pl.col("origin"))
        .select("level", "member", "metric", "origin", month=pl.date_ranges("begins", "origin", "1mo"))
        .explode("month")
    )
    return (
        months.join(sums, on=["level", "member", "metric", "month"], how="left")
        .join(shares, on=["metric", "month"], how="left")
        .select(
            "level",
            "member",
            "metric",
            "month",
            "origin",
            pl.col("value").fill_null(0.0),
            # A month without a row is zero, not unknown.
            completed=pl.when(pl.col("value").is_null()).then(0.0).otherwise("completed"),
            share=pl.col("share").fill_null(1.0),
        )
        # The last digits of a sum depend on the order of its terms, and with them a model would change.
        .with_columns(pl.col("value", "completed").round(6))
        .sort("level", "member", "metric", "month")
    )


def month_after(month: date, months: int) -> date:
    """First day of the month so many months later."""
    place = month.year * 12 + month.month - 1 + months
    return date(place // 12, place % 12 + 1, 1)
