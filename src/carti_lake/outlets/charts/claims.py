"""Claims and denials: what becomes of them by payer, by reason, and by month."""

from typing import TYPE_CHECKING

import polars as pl

from carti_lake.metrics import METRICS
from carti_lake.outlets.chart_rows import in_words, row_axis
from carti_lake.outlets.charts.months import by_month
from carti_lake.outlets.charts.parts import WHY_HIDDEN, parts_chart
from carti_lake.outlets.charts.shown import Shown, chart
from carti_lake.outlets.months import with_events
from carti_lake.outlets.theme import GREY, HIDDEN, MEANS, ROW, layered, month_axis, one_of, said

if TYPE_CHECKING:
    import altair as alt

HEIGHT = 300
RATE = METRICS["remittance_denial_rate"]
BY_PAYER, BY_REASON, BY_MONTH = "Claims by payer", "Denied claims by reason", "Denial rate by month"
PARTS = {
    "paid": ("paid_claims", MEANS["paid"]),
    "denied": ("denied_claims", MEANS["denied"]),
    "not yet adjudicated": ("pending_claims", MEANS["open"]),
}
#: What became of claims that were denied once.
OUTCOMES = {"paid since": MEANS["paid"], "denied as they stand": MEANS["denied"], "neither": MEANS["open"]}


@chart
def claims_by_payer(release: Shown) -> "alt.LayerChart":
    """Of each payer's claims, the shares paid, denied and not yet adjudicated, with the denial rate."""
    payers = release.table("network_by_payer")
    claims = pl.col("claims")
    if payers is None or (rows := payers.filter(claims.is_null() | (claims > 0))).is_empty():
        return said(BY_PAYER, "no claims were delivered", release.line)
    ordered = in_words(rows, "payer").sort("claims", "payer", descending=[True, False], nulls_last=True)
    network = release.published.network.with_columns(label=pl.lit("Network"))
    return parts_chart(
        pl.concat([network, ordered], how="diagonal"),
        PARTS,
        whole="claims",
        rate=RATE,
        of="claims",
        title=BY_PAYER,
        line=release.line,
        note="What is missing to 100 % was reversed",
    )


@chart
def denials_by_reason(release: Shown) -> "alt.LayerChart":
    """Claims ever denied by the reason of the first denial, and what became of them; with their billed charges."""
    import altair as alt

    ever, stand, paid = "initially_denied_claims", "denied_claims", "overturned_claims"
    reasons = release.table("denials_by_reason")
    if reasons is None or (some := reasons.filter(pl.col(ever).is_null() | (pl.col(ever) > 0))).is_empty():
        return said(BY_REASON, "no claim was ever denied", release.line)
    rows = (
        some.select("denial_reason", ever, stand, paid, dollars=pl.col("initially_denied_charges").cast(pl.Float64))
        .with_columns(other=pl.col(ever) - pl.col(stand) - pl.col(paid))
        .pipe(in_words, "denial_reason")
        .sort(ever, "label", descending=[True, False], nulls_last=True)
    )
    hidden = rows["other"].null_count()
    columns = dict(zip((paid, stand, "other"), OUTCOMES, strict=True))
    told = rows.drop_nulls("other")
    parts = told.unpivot(list(columns), index="label", variable_name="outcome", value_name="count").with_columns(
        pl.col("outcome").replace(columns),
        order=pl.col("outcome").replace_strict({c: i for i, c in enumerate(columns)}),
    )
    most = max([1, *told[ever]])
    x = alt.X(
        "count:Q",
        axis=alt.Axis(format=",d", tickCount=6, tickMinStep=1),
        scale=alt.Scale(domain=[0, most * 1.35], nice=False),
        title=None,
    )
    texts = alt.Chart(rows.select("label", ever, "dollars", end=pl.when(pl.col("other") >= 0).then(ever).otherwise(0)))
    words = f"format(datum.{ever}, ',') + (isValid(datum.dollars) ? ' · $' + format(datum.dollars, ',.3~s') : '')"
    words = f"!isValid(datum.{ever}) ? '{HIDDEN}' : {words} + (datum.end > 0 ? '' : '; {HIDDEN} by outcome')"
    texts = texts.transform_calculate(said=words).encode(y=row_axis(rows), x="end:Q", text="said:N")
    return layered(
        [
            alt.Chart(parts)
            .mark_bar(height=ROW * 0.62)
            .encode(
                x=x,
                y=row_axis(rows),
                color=one_of("outcome", list(OUTCOMES), list(OUTCOMES.values())),
                order=alt.Order("order:Q"),
            ),
            texts.transform_filter("datum.end > 0").mark_text(align="left", dx=8),
            texts.transform_filter("!(datum.end > 0)").mark_text(align="left", dx=8, color=GREY, fontStyle="italic"),
        ],
        BY_REASON,
        "Claims ever denied by the reason (CARC group) of the first denial; beside the bars their number and charges",
        WHY_HIDDEN if hidden else None,
        release.line,
    )


@chart
def denial_trend(release: Shown) -> "alt.LayerChart":
    """The network's denial rate by month of service, with months whose claims are not yet adjudicated hollow."""
    import altair as alt

    months = release.table("network_by_month")
    if months is None or (rows := with_events(months, "claims", release.data_as_of)).is_empty():
        return said(BY_MONTH, "no claims were delivered", release.line)
    if rows[RATE.id].count() == 0:
        return said(BY_MONTH, "hidden in every month, since small counts could be worked out from it", release.line)
    hidden = rows[RATE.id].null_count()
    y = alt.Y(f"{RATE.id}:Q", axis=alt.Axis(format=".1~%", tickCount=6, grid=True), title=None)
    return layered(
        by_month(release, rows, RATE.id, month_axis(rows), y),
        BY_MONTH,
        f"{RATE.title}. {RATE.definition}",
        f"Months without a rate, hidden or without claims: {hidden}" if hidden else None,
        release.line,
        height=HEIGHT,
    )
