"""Random deliveries of several feeds, as careless sources make them: late, repeated, changed, withdrawn, malformed."""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta

import polars as pl
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

Row = dict[str, str | None]

#: Spellings of few people: some that the directory may know by NPI, name or alias, one that says nothing.
NAMES = ["Dr. Smith", "SMITH, JOHN MD", "John Smith", "Ann Lee", "Lee, Ann", "José Núñez"]
DAYS = ["2026-01-03", "2026-02-03", "01/25/2026", "31/02/2026", None]
WITHDRAWN = [None, None, None, "true"]

#: By feed and column, the values to draw from. Few keys, so that rows meet; every kind of malformed value.
VALUES: dict[str, dict[str, list[str | None]]] = {
    "ehr_visits": {
        "visit_id": ["V1", "V2", "V3", " ", None],
        "patient_id": ["1", "2", None],
        "visit_date": DAYS,
        "service_line": ["Lung", "Breast", None],
        "diagnosis_code": ["C50", "c50.1", "zz"],
        "procedure_code": ["99213"],
        "provider_name": [*NAMES, None],
        "provider_npi": ["1234567893", "1234567890", None, None],
        "claim_amount": ["100", "$1,200.50", "abc", "-5"],
        "claim_paid": ["80", "0"],
        "claim_status": ["Paid", "denied", "Denied", "pending", "reversed", "XX"],
        "payer": ["Blue Plan", "self-pay", None],
        "denial_reason": ["CO-16", None],
        "contractual_adjustment": ["20", None],
        "claim_submitted_date": ["2026-02-04", "2026-03-02", None],
        "claim_paid_date": ["2026-02-20", "2026-03-03", None],
        "referral_id": ["R1", "R2", None],
        "is_deleted": WITHDRAWN,
    },
    # Claims of the visits above, which have their claims' numbers.
    "ehr_claim_lines": {
        "claim_id": ["V1", "V2", "C9", None],
        "line_number": ["1", "01", "2"],
        "remittance_id": ["R1", "R2", None],
        "remittance_date": ["2026-02-20", "2026-03-03", "31/02/2026"],
        "visit_id": [None, None, "V3"],
        "billed_amount": ["100", "100", "-100", "abc"],
        "paid_amount": ["80", "-80", "0"],
        "adjustment_group": ["CO", "PR", None, "ZZ"],
        "adjustment_reason": ["45", "16", None],
        "adjustment_amount": ["20", "-20", None],
        "claim_status": ["1", "2", "4", "22", "22", "pending", "25"],
        "is_deleted": WITHDRAWN,
    },
    "sg2_patient_flow": {
        "patient_id": ["1", "2"],
        "referral_provider": list(NAMES),
        "service_line": ["Lung", "breast "],
        "admission_date": DAYS,
        "discharge_date": ["2026-01-05", "2026-02-04", None],
        "admission_type": ["Emergency", "Elective"],
        "principal_diagnosis_code": ["C34.90", "J18.9"],
        "patient_age": ["64"],
        "length_of_stay": ["3", "2.5", "x"],
        "satisfaction_score": ["91.5", "90", "101"],
        "treatment_cost": ["5", "(7)", ""],
        "is_deleted": WITHDRAWN,
    },
    "salesforce_crm": {
        "provider_name": ["Dr. Smith", "Ann Lee", "Bob"],
        "contact_count": ["1", "x"],
        "deals_value": ["1", "2", "3", None],
        "opportunity_value": ["5", "6"],
        "marketing_cost": ["2", "0", None],
        "pipeline_stage": ["Won"],
        "is_deleted": WITHDRAWN,
    },
    "salesforce_referrals": {
        "referral_id": ["R1", "R2", "R3", None],
        "patient_id": ["1", "2"],
        "patient_zip3": ["722", None],
        "referral_date": DAYS,
        "referring_provider_name": [*NAMES, None],
        "rendering_provider_name": [*NAMES, None],
        "service_line": ["Lung"],
        "network_status": ["in", "OON", "??"],
        "referral_status": ["lost", "completed"],
        "first_visit_date": ["2026-02-04", None],
        "campaign_id": ["K1", "K2", None],
        "opportunity_id": ["O1", "O2", None],
        "estimated_value": ["900", None],
        "is_deleted": WITHDRAWN,
    },
    "salesforce_opportunities": {
        "opportunity_id": ["O1", "O2"],
        "provider_name": [*NAMES, None],
        "campaign_id": ["K1", "K3", None],
        "stage_name": ["Prospecting", "Closed Won"],
        "amount": ["1000", "2,000", None],
        "probability": ["10", "110"],
        "is_won": ["true", "false"],
        "is_closed": ["true", "false", None],
        "is_deleted": WITHDRAWN,
    },
    "salesforce_campaigns": {
        "campaign_id": ["K1", "K2"],
        "actual_cost": ["100", "0", "-1", None],
        "is_deleted": WITHDRAWN,
    },
    "ehr_appointments": {
        "appointment_id": ["A1", "A2"],
        "patient_id": ["1", "2"],
        "provider_name": list(NAMES),
        "appointment_date": DAYS,
        "appointment_status": ["Kept", "No-show", "Booked", "?"],
        "is_deleted": WITHDRAWN,
    },
    "providers": {
        "npi": ["1234567893", "1679576722", "1234567890", None],
        "provider_name": ["John Smith", "Ann Lee", "J Smith"],
        "aliases": [None, "Smith;A. Lee", "Nunez, Jose"],
        "is_deleted": WITHDRAWN,
    },
}


@dataclass(frozen=True)
class Delivery:
    """One extract: which feed, which day it is about, when it was delivered, and its rows."""

    feed: str
    extract_date: date
    delivered_at: datetime
    rows: tuple[tuple[str | None, ...], ...]

    @property
    def columns(self) -> list[str]:
        return list(VALUES[self.feed])

    @property
    def frame(self) -> pl.DataFrame:
        return pl.DataFrame(list(self.rows), schema=dict.fromkeys(self.columns, pl.String), orient="row")

    def parts(self, at: int) -> list["Delivery"]:
        """The same rows as two deliveries: the second follows at once."""
        if not 0 < at < len(self.rows):
            return [self]
        later = self.delivered_at + timedelta(milliseconds=1)
        return [replace(self, rows=self.rows[:at]), replace(self, rows=self.rows[at:], delivered_at=later)]


def deliveries(
    *, most: int = 6, feeds: Sequence[str] = ("ehr_visits", "ehr_visits", *VALUES)
) -> SearchStrategy[list[Delivery]]:
    """A few deliveries. No two hold the same content for the same day: such a batch is one batch, delivered once."""
    return st.lists(
        st.sampled_from(feeds).flatmap(_delivery),
        min_size=2,
        max_size=most,
        unique_by=lambda one: (one.feed, one.extract_date, one.rows),
    )


def _delivery(feed: str) -> SearchStrategy[Delivery]:
    row = st.tuples(*(st.sampled_from(values) for values in VALUES[feed].values()))
    rows = st.lists(row, min_size=1, max_size=6)
    return st.builds(
        Delivery,
        st.just(feed),
        st.dates(date(2026, 3, 1), date(2026, 3, 4)),
        st.integers(5, 7).map(lambda day: datetime(2026, 3, day, tzinfo=UTC)),
        # A row may be repeated within its batch.
        st.builds(lambda some, again: tuple(some + some[:again]), rows, st.integers(0, 1)),
    )


def sequence(
    count: int,
    seed: int,
    feeds: Sequence[str] = ("ehr_visits", *VALUES),
    values: Mapping[str, Mapping[str, Sequence[str | None]]] = VALUES,
) -> list[Delivery]:
    """That many deliveries, two a day, the same for the same seed."""
    draw = random.Random(seed)
    first = date(2026, 3, 1)
    return [
        Delivery(
            feed := draw.choice(feeds),
            first + timedelta(days=day // 2),
            datetime(2026, 3, 1, draw.randint(0, 23), tzinfo=UTC) + timedelta(days=day // 2 + draw.randint(0, 2)),
            tuple(tuple(draw.choice(few) for few in values[feed].values()) for _ in range(draw.randint(1, 8))),
        )
        for day in range(count)
    ]
