"""Extracts to measure with: visits redelivered as their claims move, some malformed, providers spelt in three ways.

Each month follows from the seed and its number alone, so a lake of any age is made month by month in bounded memory.
"""

from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import polars as pl

PROVIDERS = 400
#: Share of a month's visits that the next extracts deliver again, because their claims have moved.
REDELIVERED = 0.12
#: Shares of delivered rows: an amount as currency text (readable), no such day, an amount that is no number.
CURRENCY, NO_DAY, NO_AMOUNT = 0.01, 0.002, 0.001
#: Visits per inpatient stay.
VISITS_PER_STAY = 20
#: Number of the first patient: no number that stands for none, as 0 and 99999 do.
FIRST_PATIENT = 1_000_000

FIRST = ("Anna", "Ben", "Carla", "David", "Elena", "Farid", "Grace", "Hugo", "Ines", "Jonas")
LAST_HEAD = ("Ash", "Brook", "Clay", "Dale", "East", "Fair", "Green", "Hart")
LAST_TAIL = ("berg", "ford", "land", "man", "wood")
LINES = ("Medical Oncology", "Radiation Oncology", "Surgical Oncology", "Haematology", "Breast", "Lung", "Urology")
PAYERS = ("Medicare", "Medicaid", "Blue Cross", "UnitedHealthcare", "Self-pay")
REASONS = ("CO-16", "CO-29", "CO-50", "CO-97", "PR-1", "CO-197")
STAGES = ("Prospecting", "Proposal", "Negotiation", "Closed Won", "Closed Lost")


@dataclass(frozen=True)
class Volume:
    """How much is delivered: visits a month, from the month of ``start`` on."""

    visits_a_month: int
    months: int
    start: date = date(2016, 1, 1)
    seed: int = 20

    def month(self, number: int) -> date:
        """First day of the month of that number, from 0."""
        months = self.start.year * 12 + self.start.month - 1 + number
        return date(months // 12, months % 12 + 1, 1)


def names() -> list[str]:
    """Providers as the CRM displays them."""
    return [f"Dr. {first} {head}{tail}" for first in FIRST for head in LAST_HEAD for tail in LAST_TAIL][:PROVIDERS]


def write_month(volume: Volume, number: int, folder: Path, suffix: str = "csv") -> Path:
    """The EHR's extract of a month: its own visits, and last month's again whose claims have moved."""
    rng = np.random.default_rng([volume.seed, number, 1])
    rows = [_first(volume, number)]
    if number:
        rows.append(_moved(volume, number - 1, rng))
    last_day = volume.month(number + 1) - timedelta(days=1)
    return _write(_as_delivered(pl.concat(rows), rng), folder / f"ehr_visits_{last_day}.{suffix}")


def write_day(volume: Volume, number: int, day: int, folder: Path) -> Path:
    """The EHR's extract of one day (from 0) of a month: the day's visits, and a day's share of moved claims."""
    rng = np.random.default_rng([volume.seed, number, 2, day])
    today = volume.month(number) + timedelta(days=day)
    moved = _moved(volume, number - 1, np.random.default_rng([volume.seed, number, 1]))
    new = _first(volume, number).filter(pl.col("visit_date") == today)
    moved = moved.filter(pl.int_range(pl.len()) % 28 == day)
    return _write(_as_delivered(pl.concat([new, moved]), rng), folder / f"ehr_visits_{today}.csv")


def write_others(volume: Volume, folder: Path) -> tuple[Path, Path]:
    """SG2's stays of all months in one extract, and the CRM's list of providers."""
    rng = np.random.default_rng([volume.seed, 3])
    count = volume.visits_a_month * volume.months // VISITS_PER_STAY
    days = (volume.month(volume.months) - volume.start).days
    stay = rng.integers(1, 15, count)
    day = rng.integers(0, days, count)
    stays = pl.DataFrame(
        {
            "encounter_id": pl.Series(np.arange(count)).cast(pl.String),
            "patient_id": pl.Series(rng.integers(0, max(count // 2, 1), count) + FIRST_PATIENT).cast(pl.String),
            "referral_provider": pl.Series(names()).gather(rng.integers(0, PROVIDERS, count)),
            "service_line": pl.Series(LINES).gather(rng.integers(0, len(LINES), count)),
            "admission_date": _days(volume.start, day),
            "length_of_stay": stay,
            "discharge_date": _days(volume.start, day + stay),
            "satisfaction_score": rng.integers(5_000, 10_000, count) / 100,
            "treatment_cost": rng.integers(500_000, 4_000_000, count) / 100,
        }
    )
    dollars = rng.integers(1_000, 500_000, (3, PROVIDERS))
    crm = pl.DataFrame(
        {
            "provider_name": names(),
            "contact_count": rng.integers(5, 60, PROVIDERS),
            "deals_value": dollars[0],
            "opportunity_value": dollars[1],
            "marketing_cost": dollars[2] // 10 + 100,
            "pipeline_stage": pl.Series(STAGES).gather(rng.integers(0, len(STAGES), PROVIDERS)),
        }
    )
    last_day = volume.month(volume.months) - timedelta(days=1)
    return (
        _write(stays, folder / f"sg2_patient_flow_{last_day}.csv"),
        _write(crm, folder / f"salesforce_crm_{last_day}.csv"),
    )


def _visits(volume: Volume, number: int) -> pl.DataFrame:
    """What happened in a month, ordered by day."""
    rng = np.random.default_rng([volume.seed, number])
    count = volume.visits_a_month
    days = (volume.month(number + 1) - volume.month(number)).days
    cents = rng.integers(5_000, 3_000_000, count)
    return pl.DataFrame(
        {
            "visit": np.arange(number * count, (number + 1) * count),
            "patient": rng.integers(0, count * 3, count),
            "visit_date": _days(volume.month(number), np.sort(rng.integers(0, days, count))),
            "line": rng.integers(0, len(LINES), count),
            "diagnosis": rng.integers(0, 90, count),
            "procedure": rng.integers(0, 200, count),
            "provider": rng.integers(0, PROVIDERS, count),
            "payer": rng.integers(0, len(PAYERS), count),
            "cents": cents,
            "paid": (cents * rng.uniform(0.3, 1.0, count)).astype(np.int64),
            "fate": rng.random(count),
            "submitted": rng.integers(1, 8, count),
            "lag": rng.integers(10, 60, count),
            "reason": rng.integers(0, len(REASONS), count),
        }
    )


def _first(volume: Volume, number: int) -> pl.DataFrame:
    """A month's visits as first delivered: two thirds adjudicated already."""
    paid, denied = pl.col("fate") < 0.58, pl.col("fate") < 0.66
    status = pl.when(paid).then(pl.lit("Paid")).when(denied).then(pl.lit("Denied")).otherwise(pl.lit("Pending"))
    return _visits(volume, number).with_columns(status=status)


def _moved(volume: Volume, number: int, rng: np.random.Generator) -> pl.DataFrame:
    """A month's visits whose claims were pending and have been adjudicated."""
    rows = _visits(volume, number).filter(pl.Series(rng.random(volume.visits_a_month) < REDELIVERED))
    paid = pl.col("visit") % 5 != 0
    return rows.with_columns(status=pl.when(paid).then(pl.lit("Paid")).otherwise(pl.lit("Denied")))


def _as_delivered(rows: pl.DataFrame, rng: np.random.Generator) -> pl.DataFrame:
    """The source's columns, as text where dirt needs it."""
    rows = rows.sample(fraction=1, shuffle=True, seed=int(rng.integers(2**31)))
    dirt = pl.Series(rng.random(len(rows)))
    spelling = pl.Series(rng.choice(3, len(rows), p=(0.7, 0.2, 0.1)))
    amount = _dollars("cents")
    thousands = pl.col("cents") // 100_000
    rest = pl.format("{}.{}", _padded(pl.col("cents") // 100 % 1000, 3), _padded(pl.col("cents") % 100, 2))
    currency = pl.when(thousands > 0).then(pl.format("${},{}", thousands, rest)).otherwise("$" + amount)
    spelt = pl.Series([form(name) for name in names() for form in (str, _surname_first, _unadorned)])
    money = pl.Series(dirt < CURRENCY)
    no_day = pl.Series((dirt >= 0.5) & (dirt < 0.5 + NO_DAY))
    no_amount = pl.Series((dirt >= 0.6) & (dirt < 0.6 + NO_AMOUNT))
    answered, denied = pl.col("status") != "Pending", pl.col("status") == "Denied"
    submitted = pl.col("visit_date") + pl.duration(days="submitted")
    allowed = pl.when(answered).then(pl.col("cents") * 4 // 5)
    rows = rows.with_columns(
        paid=pl.when(pl.col("status") == "Paid").then("paid").otherwise(0),
        allowed=allowed,
        adjustment=pl.col("cents") - allowed,
    )
    return rows.select(
        visit_id=pl.format("V{}", pl.col("visit") + 1_000_000_000),
        patient_id=pl.format("P{}", pl.col("patient") + 10_000_000),
        visit_date=pl.when(no_day).then(pl.lit("2020-02-31")).otherwise(pl.col("visit_date").cast(pl.String)),
        service_line=pl.lit(pl.Series(LINES)).gather(pl.col("line")),
        diagnosis_code=pl.format("C{}.9", pl.col("diagnosis") + 10),
        procedure_code=(pl.col("procedure") + 99_000).cast(pl.String),
        provider_name=pl.lit(spelt).gather(pl.col("provider") * 3 + spelling),
        payer=pl.lit(pl.Series(PAYERS)).gather(pl.col("payer")),
        claim_id=pl.format("C{}", pl.col("visit") + 5_000_000_000),
        claim_amount=pl.when(money).then(currency).when(no_amount).then(pl.lit("see note")).otherwise(amount),
        allowed_amount=_dollars("allowed"),
        contractual_adjustment=_dollars("adjustment"),
        claim_paid=_dollars("paid"),
        claim_status="status",
        denial_reason=pl.when(denied).then(pl.lit(pl.Series(REASONS)).gather(pl.col("reason"))),
        claim_submitted_date=submitted.cast(pl.String),
        claim_paid_date=pl.when(answered).then((submitted + pl.duration(days="lag")).cast(pl.String)),
    )


def _surname_first(name: str) -> str:
    _, first, last = name.split()
    return f"{last.upper()}, {first.upper()}"


def _unadorned(name: str) -> str:
    _, first, last = name.split()
    return f"{first.lower()}  {last.lower()} MD"


def _dollars(cents: str) -> pl.Expr:
    return pl.format("{}.{}", pl.col(cents) // 100, _padded(pl.col(cents) % 100, 2))


def _padded(number: pl.Expr, width: int) -> pl.Expr:
    return number.cast(pl.String).str.zfill(width)


def _days(start: date, days: np.ndarray) -> pl.Series:
    return pl.Series((np.datetime64(start) + days).astype("datetime64[D]"))


def _write(rows: pl.DataFrame, path: Path) -> Path:
    partial = path.with_suffix(".partial")
    if path.suffix == ".csv":
        rows.write_csv(partial)
    else:
        rows.write_parquet(partial)
    return partial.rename(path)
