"""The numbers of the dashboard: sums of the registry's metrics in cells, from which any filter's answer is added up."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import polars as pl

from carti_lake.disclosure import Publication, of_people
from carti_lake.metrics import METRICS, Metric, Sum
from carti_lake.metrics.sums import sum_of
from carti_lake.tables import Table
from carti_lake.tables.gold import ClaimsMonthly, DataQuality, DenialsMonthly, ProviderMonthly, ReferralFlow
from carti_lake.tables.gold.dimensions import UNDATED
from carti_lake.tables.gold.events import AXES, MADE_FROM

#: The tiles, in reading order; a click on one draws its months.
KPIS = (
    "visits",
    "gross_charges",
    "payments",
    "net_collection_rate",
    "remittance_denial_rate",
    "leakage_rate",
    "no_show_rate",
    "top_box_rate",
)
#: Shares of cases on which providers are ranked: those with an interval.
RANKED = ("remittance_denial_rate", "leakage_rate", "no_show_rate", "top_box_rate")
LEAKS = ("referrals_made_out_of_network", "referrals_made_lost")
RETURNS = ("roi_as_delivered", "campaign_roi", "realised_roi")

DENIALS = tuple(
    sum_of(DenialsMonthly, column, good="down")
    for column in ("initially_denied_charges", "denied_charges", "overturned_charges", "initially_denied_claims")
)
FLOW = tuple(sum_of(ReferralFlow, column) for column in ("referrals", "out_of_network", "never_completed"))
FAILING = Metric(
    "failing_share",
    "Failing rows",
    DataQuality,
    Sum.of("failed"),
    Sum.of("checked"),
    "ours: a plain share",
    good="down",
    proportion=True,
    definition="Rows that fail a check, as a share of the rows that the checks are about.",
)
MONTHLY = tuple(METRICS[name] for name in (*KPIS, "referrals_made", *LEAKS))
CLAIMS = tuple(
    METRICS[name] for name in ("gross_charges", "payments", "net_collection_rate", "remittance_denial_rate", "claims")
)
#: Every metric of the page, by id.
SHOWN: dict[str, Metric] = {
    metric.id: metric for metric in (*MONTHLY, *CLAIMS, *(METRICS[name] for name in RETURNS), *DENIALS, *FLOW, FAILING)
}

#: Columns of the marts, and the axes of the page that they are.
MEMBER_OF = {
    "month": "month",
    "provider_id": "provider",
    "referring_provider_id": "provider",
    "rendering_provider_id": "destination",
    "service_line": "line",
    "payer": "payer",
    "denial_reason": "reason",
    "campaign_id": "campaign",
    "table_name": "table",
    "rule": "check",
}
#: What the page tells along an axis by itself, of which mart.
ALONG: dict[tuple[str, type[Table]], tuple[Metric, ...]] = {
    **{(key, ProviderMonthly): MONTHLY for key in ("provider_id", "month", "service_line")},
    ("payer", ClaimsMonthly): CLAIMS,
    ("denial_reason", DenialsMonthly): DENIALS,
}
#: Cells that one mart may have in the page, so that it stays small. A mart of more is there in parts, each without some
#: of its axes: filters on all of them at once are then not possible, and the page says so.
MOST_CELLS = 120_000
PARTS = {
    "claims_monthly": (("month", "payer", "provider_id"), ("month", "payer", "service_line")),
    "denials_monthly": (("month", "denial_reason", "provider_id"), ("month", "denial_reason", "payer", "service_line")),
    "referral_flow": (
        ("referring_provider_id", "rendering_provider_id", "month"),
        ("referring_provider_id", "rendering_provider_id", "service_line"),
    ),
}
UNKNOWN = "unknown"


@dataclass(frozen=True)
class Cube:
    """Sums of metrics in the cells of some axes.

    Attributes
    ----------
    name
        The mart that it is made from.
    axes
        Names of the axes; the first columns of ``cells``.
    cells
        A row per cell. Of each metric ``<id>/above``, and ``<id>/below`` where it is a ratio: its two sums.
    masked
        Whether a null is a hidden number; else it is one that is not delivered, and sums go without it.
    """

    name: str
    axes: tuple[str, ...]
    cells: pl.DataFrame
    masked: bool = False


def cubes(published: Publication, *, in_full: bool) -> list[Cube]:
    """What the page counts with: the marts crossed, or each axis by itself as it is published.

    Parameters
    ----------
    published
        The release as it may be shown.
    in_full
        Whether axes may be crossed; else nothing in the page tells of two at once.
    """
    return _crossed(published.tables) if in_full else _margins(published)


def _crossed(tables: Mapping[str, pl.DataFrame]) -> list[Cube]:
    return [
        *_cubes(tables, "provider_monthly", MONTHLY),
        *_cubes(tables, "claims_monthly", CLAIMS),
        *_cubes(tables, "denials_monthly", DENIALS),
        *_cubes(tables, "referral_flow", FLOW),
        *_cubes(tables, "marketing_roi", tuple(METRICS[name] for name in RETURNS)),
        *_cubes(tables, "data_quality", (FAILING,)),
    ]


def _margins(published: Publication) -> list[Cube]:
    """Each axis by itself. What is hidden is null, and so is every sum that it would be part of."""
    plain = {new[0]: old for old, new in MADE_FROM.items() if len(new) == 1}
    found = [Cube("network", (), _cells(published.network, (), MONTHLY, masked=True), masked=True)]
    for axis in AXES:
        rows = published.tables.get(axis.table)
        if rows is not None and (metrics := ALONG.get((axis.key, axis.mart))):
            named = rows.with_columns(pl.col(old).alias(new) for new, old in plain.items() if old in rows.columns)
            cells = _cells(named, (axis.key,), metrics, masked=True)
            found.append(Cube(axis.table, (MEMBER_OF[axis.key],), cells, masked=True))
    returns = (METRICS[name] for name in RETURNS)
    of_deals = tuple(one for one in returns if not any(of_people(one.mart, name) for name in one.summed()))
    return [*found, *_cubes(published.tables, "marketing_roi", of_deals)]


def _cubes(tables: Mapping[str, pl.DataFrame], name: str, metrics: Sequence[Metric]) -> list[Cube]:
    """The mart along all of its axes, or in parts where that is too much; none where the release has none."""
    rows = tables.get(name)
    if rows is None:
        return []
    whole = _cube(name, rows, [column for column in MEMBER_OF if column in rows.columns], metrics)
    if whole.cells.height <= MOST_CELLS or name not in PARTS:
        return [whole]
    return [_cube(name, rows, keys, metrics) for keys in PARTS[name]]


def _cube(name: str, rows: pl.DataFrame, keys: Sequence[str], metrics: Sequence[Metric]) -> Cube:
    return Cube(name, tuple(MEMBER_OF[key] for key in keys), _cells(rows, keys, metrics))


def _cells(rows: pl.DataFrame, keys: Iterable[str], metrics: Iterable[Metric], *, masked: bool = False) -> pl.DataFrame:
    """The metrics' sums by the keys, which get the names of their axes; in the order of the keys."""
    by = {MEMBER_OF[key]: pl.col(key) if key == "month" else pl.col(key).fill_null(UNKNOWN) for key in keys}
    sums = {}
    for metric in metrics:
        if not set(metric.inputs()) <= set(rows.columns):
            continue
        terms = metric.terms()
        parts = {"above": terms["numerator"]} | ({"below": terms["denominator"]} if metric.denominator else {})
        hidden = pl.any_horizontal(pl.col(name).is_null().any() for name in metric.summed())
        for part, sum_ in parts.items():
            sums[f"{metric.id}/{part}"] = pl.when(~hidden).then(sum_) if masked else sum_
    if "month" in by:
        # Rows without a date are in no month, and no month is 1900.
        rows = rows.filter(pl.col("month") > UNDATED)
    named = [key.alias(name) for name, key in by.items()]
    grouped = rows.lazy().group_by(named).agg(**sums).sort(*by) if by else rows.lazy().select(**sums)
    return grouped.collect(engine="streaming")
