"""Rows of every feed that are right in all columns, for tests to change what they are about; and a clock to turn."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import polars as pl

from carti_lake import Lake

Row = dict[str, str | None]


@dataclass
class Clock:
    """A clock that stands until it is turned."""

    now: datetime = datetime(2026, 3, 10, 12, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def turn(self, **by: float) -> None:
        self.now += timedelta(**by)


def lake_in(folder: Path | str, clock: Clock | None = None, options: dict[str, str] | None = None) -> Lake:
    """A lake whose patients' pseudonyms have no key."""
    return Lake(folder, clock=clock or Clock(), environment={}, storage_options=options or {})


def load(lake: Lake, feed: str, rows: Iterable[Row], day: str = "2026-03-09", hour: int = 6) -> int:
    """Load rows as the feed's extract of a day, delivered at an hour of the next; returns the rows added."""
    about = date.fromisoformat(day)
    delivered = datetime(about.year, about.month, about.day, hour, tzinfo=UTC) + timedelta(days=1)
    every = list(rows)
    names = dict.fromkeys(name for row in every for name in row)
    frame = pl.DataFrame(every, schema=dict.fromkeys(names, pl.String))
    return sum(one.rows for one in lake.load(feed, frame, extract_date=about, delivered_at=delivered))


def visit(number: int = 1, **changes: str | None) -> Row:
    """A paid visit of 100 USD with Dr. Ann Lee."""
    return {
        "visit_id": f"V{number}",
        "patient_id": f"MRN-{number}",
        "visit_date": "2026-02-03",
        "service_line": "Lung",
        "diagnosis_code": "C34.90",
        "procedure_code": "99213",
        "provider_name": "Dr. Ann Lee",
        "provider_npi": None,
        "claim_amount": "100",
        "claim_paid": "80",
        "claim_status": "Paid",
        "contractual_adjustment": None,
        "is_deleted": None,
        **changes,
    }


def stay(number: int = 1, **changes: str | None) -> Row:
    """A stay of three days that Dr. Bo Chan referred."""
    return {
        "encounter_id": f"E{number}",
        "patient_id": f"MRN-{number}",
        "referral_provider": "Dr. Bo Chan",
        "service_line": "Lung",
        "admission_date": "2026-02-03",
        "length_of_stay": "3",
        "satisfaction_score": "92",
        "treatment_cost": "1000",
        **changes,
    }


def referral(number: int = 1, **changes: str | None) -> Row:
    """A completed referral in network, by Dr. Bo Chan to Dr. Ann Lee."""
    return {
        "referral_id": f"R{number}",
        "patient_id": f"MRN-{number}",
        "referral_date": "2026-02-01",
        "referring_provider_name": "Dr. Bo Chan",
        "rendering_provider_name": "Dr. Ann Lee",
        "service_line": "Lung",
        "network_status": "In Network",
        "referral_status": "Completed",
        "first_visit_date": "2026-02-03",
        **changes,
    }


def appointment(number: int = 1, **changes: str | None) -> Row:
    """An appointment kept with Dr. Ann Lee."""
    return {
        "appointment_id": f"A{number}",
        "patient_id": f"MRN-{number}",
        "provider_name": "Dr. Ann Lee",
        "service_line": "Lung",
        "appointment_date": "2026-02-03",
        "appointment_status": "Completed",
        **changes,
    }


def account(provider: str, **changes: str | None) -> Row:
    """A provider's account in the CRM."""
    return {
        "provider_name": provider,
        "contact_count": "4",
        "deals_value": "3000",
        "opportunity_value": "5000",
        "marketing_cost": "1000",
        "pipeline_stage": "Negotiation",
        **changes,
    }


def opportunity(number: int = 1, **changes: str | None) -> Row:
    """An open opportunity of 1,000 USD with Dr. Bo Chan."""
    return {
        "opportunity_id": f"O{number}",
        "provider_name": "Dr. Bo Chan",
        "stage_name": "Prospecting",
        "amount": "1000",
        "probability": "10",
        "is_won": "false",
        "is_closed": "false",
        **changes,
    }


def provider(name: str, npi: str | None = None, **changes: str | None) -> Row:
    """A provider of the directory."""
    return {"npi": npi, "provider_name": name, "aliases": None, "network_status": "In Network", **changes}
