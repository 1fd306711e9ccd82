"""What no outlet shows: rates on few cases, small counts of patients, rows of patients."""

from collections.abc import Mapping

import polars as pl

#: A rate on fewer cases is not shown; neither is a count of patients below it, zero aside (CMS cell-size policy).
SMALLEST_CELL = 11

#: Each rate, with the counts that together are the cases it is made of.
CASES: dict[str, tuple[str, ...]] = {
    "avg_length_of_stay": ("stays",),
    "avg_satisfaction": ("satisfaction_count",),
    "avg_cost": ("stays",),
    "denial_rate": ("total_visits",),
    "value_per_patient": ("total_patients",),
    "claim_collection_rate": ("total_visits",),
    "gross_collection_rate": ("total_visits",),
    "adjudicated_collection_rate": ("paid_claims", "denied_claims"),
    "net_collection_rate": ("paid_claims",),
    "remittance_denial_rate": ("paid_claims", "denied_claims"),
    "top_box_rate": ("satisfaction_count",),
    "leakage_rate": ("referrals_made",),
    "keepage_rate": ("referrals_received",),
    "no_show_rate": ("appointments",),
    "win_rate": ("won_opportunities", "lost_opportunities"),
}
PATIENT_COUNTS = ("total_patients", "visit_patients")
#: Tables whose rows are single claims, stays or appointments.
PATIENT_LEVEL = frozenset({"risk_scores"})

RULE = (
    f"Blank by rule: rates on fewer than {SMALLEST_CELL} cases, and counts of 1 to {SMALLEST_CELL - 1} patients. "
    "Counts of visits, claims and referrals are shown in full, and from them a hidden number may be estimated: "
    "keep this inside the organisation."
)


def disclosed(frame: pl.DataFrame) -> pl.DataFrame:
    """The frame with every rate on fewer than 11 cases, and every count of 1 to 10 patients, made null."""
    rates = [
        pl.when(pl.sum_horizontal(cases) >= SMALLEST_CELL).then(rate).alias(rate)
        for rate, cases in CASES.items()
        if {rate, *cases} <= set(frame.columns)
    ]
    counts = [
        pl.when(~pl.col(count).is_between(1, SMALLEST_CELL - 1)).then(count).alias(count)
        for count in PATIENT_COUNTS
        if count in frame.columns
    ]
    return frame.with_columns(*rates, *counts)


def publishable(frames: Mapping[str, pl.DataFrame]) -> dict[str, pl.DataFrame]:
    """The tables that may leave the lake, as they may be shown."""
    return {name: disclosed(frame) for name, frame in frames.items() if name not in PATIENT_LEVEL}
