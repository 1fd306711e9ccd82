"""Metrics of referrals, over ``gold.referral_flow``; the median over ``gold.referral_days``."""

from collections.abc import Sequence

import polars as pl

from carti_lake.metrics.metric import Metric, Sum
from carti_lake.metrics.sums import CONVENTION
from carti_lake.tables.gold import ReferralFlow

_LEAKAGE = "no single standard: both parts are shown beside it"
_OUTSIDE, _LOST = "seen out of network", "never completed"


def _leakage(suffix: str, title: str, *parts: str) -> tuple[Metric, Metric]:
    """The share of all referrals that these parts are: in volume, and in expected dollars."""
    columns = {_OUTSIDE: "out_of_network", _LOST: "never_completed"}
    leaks = " or ".join(parts)
    volume = Metric(
        f"referral_leakage{suffix}",
        f"Referral leakage, volume{title}",
        ReferralFlow,
        Sum.of(*(columns[part] for part in parts)),
        Sum.of("referrals"),
        _LEAKAGE,
        good="down",
        proportion=True,
        definition=f"Referrals {leaks}, as a share of all referrals made. A referral that was seen out of network is "
        "no lost one.",
    )
    dollars = Metric(
        f"referral_leakage_dollars{suffix}",
        f"Referral leakage, expected dollars{title}",
        ReferralFlow,
        Sum.of(*(f"{columns[part]}_value" for part in parts)),
        Sum.of("estimated_value"),
        _LEAKAGE,
        good="down",
        definition=f"Expected charges of the referrals {leaks}, as a share of the expected charges of all referrals "
        "that deliver them.",
        counted_by=("valued_referrals",),
    )
    return volume, dollars


REFERRAL_METRICS: tuple[Metric, ...] = (
    *_leakage("", "", _OUTSIDE, _LOST),
    *_leakage("_out_of_network", f": {_OUTSIDE}", _OUTSIDE),
    *_leakage("_never_completed", f": {_LOST}", _LOST),
    Metric(
        "leaked_value",
        "Expected dollars of leaked referrals",
        ReferralFlow,
        Sum.of("out_of_network_value", "never_completed_value"),
        None,
        _LEAKAGE,
        "USD",
        "down",
        definition=f"Expected charges of the referrals {_OUTSIDE} or {_LOST}.",
        counted_by=("valued_referrals",),
    ),
    Metric(
        "referral_keepage",
        "Keepage",
        ReferralFlow,
        Sum.of("completed_in_network"),
        Sum.of("referrals"),
        CONVENTION,
        proportion=True,
        definition="Referrals completed in network, as a share of all referrals made; those still open are among them.",
    ),
    Metric(
        "own_cases",
        "Own cases (adapted: cases that were referred)",
        ReferralFlow,
        Sum.of("completed_in_network"),
        None,
        CONVENTION,
        "count",
        definition="Referrals completed in network. Their distribution over the patients' ZIP3 is the patient origin. "
        "Adapted: cases that come without a referral are not counted.",
    ),
    Metric(
        "market_share",
        "Market share (adapted: of the cases that were referred)",
        ReferralFlow,
        Sum.of("completed_in_network"),
        Sum.of("completed_in_network", "out_of_network"),
        CONVENTION,
        proportion=True,
        definition="Own cases, as a share of all cases: referrals completed in network, of those completed in network "
        "or seen out of it, by ZIP3 and service line. Adapted: cases that reach others without a referral are not "
        "delivered.",
    ),
    Metric(
        "out_migration",
        "Out-migration (adapted: outside the area means out of network)",
        ReferralFlow,
        Sum.of("out_of_network"),
        Sum.of("completed_in_network", "out_of_network"),
        CONVENTION,
        good="down",
        proportion=True,
        definition="Residents treated outside the area, as a share of the residents treated, by ZIP3: referrals seen "
        "out of network, of those completed in network or seen out of it. Adapted: where others treat is not "
        "delivered, so out of network stands for outside.",
    ),
    Metric(
        "mean_days_to_first_visit",
        "Referral completion time (adapted: the mean; the median is read from the table of referral days)",
        ReferralFlow,
        Sum.of("days_to_first_visit"),
        Sum.of("first_visits"),
        CONVENTION,
        "days",
        "down",
        definition="Mean days from the referral to the first visit, in or out of network. Adapted: the standard is the "
        "median, which does not add up; the table of referral days has what it is made from, at any grain.",
    ),
)


def median_days() -> pl.Expr:
    """Referral completion time: median days to the first visit, an aggregation of ``gold.referral_days`` at any grain.

    A median does not add; counts by days do.
    """
    return pl.col("days").repeat_by("referrals").explode().median().alias("median_days_to_first_visit")


def patient_origin(flow: pl.LazyFrame, by: Sequence[str] = ()) -> pl.LazyFrame:
    """Own cases from a ZIP3 / own cases, for the network or within each member of ``by``.

    Parameters
    ----------
    flow
        Rows of ``gold.referral_flow``.
    by
        Columns within which the shares add up to 1, such as ``service_line``.

    Returns
    -------
    pl.LazyFrame
        ``by``, ``origin_zip3``, ``own_cases``, ``all_own_cases``, ``patient_origin`` (null without own cases).
    """
    own, every = pl.col("own_cases"), pl.col("all_own_cases")
    return (
        flow.group_by(*by, "origin_zip3")
        .agg(own_cases=pl.col("completed_in_network").sum())
        .with_columns(all_own_cases=own.sum().over(by) if by else own.sum())
        .with_columns(patient_origin=pl.when(every != 0).then(own / every))
    )
