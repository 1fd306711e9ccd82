"""Which booked appointments will be missed."""

from collections.abc import Sequence
from datetime import date, timedelta

import polars as pl

from carti_lake.models import history
from carti_lake.models.design import Feature
from carti_lake.models.estimators import DECIDED, GROUP, INSTANT, SUBJECT, TARGET
from carti_lake.models.history import DATE, as_known_then, before, months_since, share
from carti_lake.models.model import Known, Tables
from carti_lake.models.risk import risk_model

APPOINTMENTS = "silver.appointments"
KEPT, MISSED, BOOKED = "completed", "no_show", "booked"
#: Days in which a patient's earlier appointments count.
HALF_YEAR = 183

FEATURES = (
    Feature("lead", "number", "booked {} days ahead"),
    Feature("missed", "number", "{} missed appointments in 6 months"),
    Feature("kept", "number", "{} kept appointments in 6 months"),
    Feature("patient_age", "number", "age {}"),
    Feature("service_line", "category", "service line {}"),
    Feature("weekday", "category", "on a {}"),
    Feature("provider_share", "number", "provider's patients miss {} in 12 months", percent=True),
)
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
SEGMENTS = {
    "booked for a later day": pl.col("lead") > 0,
    "reminder sent": pl.col("reminder_sent"),
    "no reminder": ~pl.col("reminder_sent"),
    "never missed before": pl.col("missed") == 0,
    "missed before": pl.col("missed") > 0,
}


def subjects(tables: Tables) -> pl.LazyFrame:
    """Appointments with the day of their booking, and whether they were missed (null: cancelled, or to come)."""
    day, status = pl.col("appointment_date"), pl.col("appointment_status")
    booked = pl.when(pl.col("booked_date") <= day).then("booked_date")
    return tables[APPOINTMENTS].select(
        pl.col("appointment_id").alias(SUBJECT),
        pl.col("patient_key").alias(GROUP),
        booked.alias(INSTANT),
        pl.when(status.is_in([KEPT, MISSED])).then(status == MISSED).alias(TARGET),
        day.alias(DECIDED),
        "provider_id",
        "patient_age",
        "service_line",
        # When it was sent is not delivered, so it is no feature: it only divides the errors on the card.
        "reminder_sent",
        subject_date=day,
        lead=(day - booked).dt.total_days(),
        weekday=day.dt.weekday().replace_strict(dict(enumerate(WEEKDAYS, 1)), return_dtype=pl.String),
    )


def features(rows: pl.LazyFrame, tables: Tables) -> pl.LazyFrame:
    """The rows with what was known of the patient and the provider before their instant."""
    happened = tables[APPOINTMENTS].filter(pl.col("appointment_status").is_in([KEPT, MISSED]))
    missed = pl.col("appointment_status") == MISSED
    by_patient = happened.select(pl.col("patient_key").alias(GROUP), pl.col("appointment_date").alias(DATE), was=missed)
    by_provider = happened.select("provider_id", pl.col("appointment_date").alias(DATE), was=missed)
    rows = before(rows, by_patient, [GROUP], {"missed": pl.col("was").sum(), "kept": (~pl.col("was")).sum()}, HALF_YEAR)
    rows = before(rows, by_provider, ["provider_id"], {"_missed": pl.col("was").sum(), "_all": pl.len()})
    return rows.with_columns(provider_share=share("_missed", "_all")).drop("_missed", "_all")


def recent(tables: Tables, day: date) -> Tables:
    """The months that appointments booked from a day on need."""
    return {name: rows.filter(months_since("appointment_month", day, history.YEAR)) for name, rows in tables.items()}


def examples(known: Sequence[Known], since: date | None = None) -> pl.DataFrame:
    """Appointments that were kept or missed, with what was known when they were booked (after ``since``)."""
    return as_known_then(known, subjects, features, recent, since)


def to_score(tables: Tables, as_of: date) -> pl.LazyFrame:
    """Booked appointments after the newest extract."""
    to_come = (pl.col("appointment_status") == BOOKED) & (pl.col("appointment_date") > as_of)
    rows = subjects({APPOINTMENTS: tables[APPOINTMENTS].filter(to_come)})
    # What has come to be known since the booking counts.
    return rows.with_columns(pl.lit(as_of + timedelta(days=1)).alias(INSTANT))


MODEL = risk_model(
    "no_show",
    title="Missed appointments",
    purpose=(
        "The probability that a booked appointment is missed without being cancelled, as known when it was booked. For "
        "reminders and for planning; not for refusing or double-booking anybody: it says nothing of why people miss."
    ),
    needs="500 appointments that were kept or missed, 50 of either, over some weeks",
    inputs=(APPOINTMENTS,),
    module=__name__,
    examples=examples,
    recent=recent,
    to_score=to_score,
    features=features,
    declared=FEATURES,
    segments=SEGMENTS,
)
