"""Public data sets as examples for the classifier, with nothing in them that was not known at the time."""

from pathlib import Path

import polars as pl

from carti_lake.models.design import Feature
from carti_lake.models.estimators import DECIDED, GROUP, INSTANT, SUBJECT, TARGET

NO_SHOW = (
    Feature("lead", "number", "booked {} days ahead"),
    Feature("hour", "number", "booked at {} o'clock"),
    Feature("weekday", "category", "on weekday {}"),
    Feature("age", "number", "age {}"),
    Feature("gender", "category", "gender {}"),
    Feature("place", "category", "in {}"),
    Feature("kept", "number", "{} earlier appointments kept"),
    Feature("missed", "number", "{} earlier appointments missed"),
    Feature("booked_that_day", "number", "{} appointments booked by then that day"),
    *(
        Feature(name, "category", f"{name} {{}}")
        for name in ("Scholarship", "Hipertension", "Diabetes", "Alcoholism", "Handcap")
    ),
)
STAY = (
    "race",
    "gender",
    "age",
    "admission_type_id",
    "discharge_disposition_id",
    "admission_source_id",
    "payer_code",
    "medical_specialty",
    "diag_group",
    "max_glu_serum",
    "A1Cresult",
    "insulin",
    "metformin",
    "change",
    "diabetesMed",
)
STAY_NUMBERS = (
    "time_in_hospital",
    "num_lab_procedures",
    "num_procedures",
    "num_medications",
    "number_outpatient",
    "number_emergency",
    "number_inpatient",
    "number_diagnoses",
    "earlier_stays",
    "earlier_readmissions",
)
READMISSION = (
    *(Feature(name, "category", f"{name} {{}}") for name in STAY),
    *(Feature(name, "number", f"{name} {{}}") for name in STAY_NUMBERS),
)
#: Died, or went to a hospice (UCI's table of discharge dispositions).
ENDED = ("11", "13", "14", "19", "20", "21")


def no_show(path: Path) -> pl.DataFrame:
    """Appointments of the Kaggle set (Vitória, 2016), as they stood when they were booked.

    Rows scheduled after their appointment, and those with an age below 0, are left out.
    """
    raw = pl.scan_csv(path, infer_schema=False).with_columns(
        booked=pl.col("ScheduledDay").str.to_datetime("%Y-%m-%dT%H:%M:%SZ"),
        day=pl.col("AppointmentDay").str.slice(0, 10).str.to_date(),
        age=pl.col("Age").cast(pl.Int64),
        patient=pl.col("PatientId").cast(pl.Float64).cast(pl.Int64),
    )
    rows = raw.with_columns(
        instant=pl.col("booked").dt.date(), missed_it=pl.col("No-show") == "Yes", key="AppointmentID"
    ).filter(pl.col("day") >= pl.col("instant"), pl.col("age") >= 0)
    # What had become of the patient's earlier appointments by the day of booking.
    earlier = rows.select("patient", past="day", past_missed="missed_it")
    known = (
        rows.join(earlier, on="patient")
        .filter(pl.col("past") < pl.col("instant"))
        .group_by("key")
        .agg(missed=pl.col("past_missed").sum(), kept=(~pl.col("past_missed")).sum())
    )
    return (
        rows.join(known, on="key", how="left")
        .select(
            pl.col("key").alias(SUBJECT),
            pl.col("patient").alias(GROUP),
            pl.col("instant").alias(INSTANT),
            pl.col("missed_it").alias(TARGET),
            pl.col("day").alias(DECIDED),
            "age",
            "Scholarship",
            "Hipertension",
            "Diabetes",
            "Alcoholism",
            "Handcap",
            lead=(pl.col("day") - pl.col("instant")).dt.total_days(),
            hour=pl.col("booked").dt.hour(),
            weekday=pl.col("day").dt.weekday().cast(pl.String),
            gender="Gender",
            place="Neighbourhood",
            booked_that_day=pl.col("booked").rank("max").over("patient", "instant"),
            kept=pl.col("kept").fill_null(0),
            missed=pl.col("missed").fill_null(0),
        )
        .collect()
    )


def readmission(path: Path) -> pl.DataFrame:
    """Stays of the UCI Diabetes 130-US hospitals set; readmission within 30 days; deaths and hospices left out.

    The set has no dates: encounters are numbered in the order of time.
    """
    raw = pl.scan_csv(path, infer_schema=False).with_columns(
        pl.col("encounter_id", "patient_nbr", *STAY_NUMBERS[:-2]).cast(pl.Int64)
    )
    rows = raw.filter(~pl.col("discharge_disposition_id").is_in(ENDED)).sort("encounter_id")
    soon = (pl.col("readmitted") == "<30").cast(pl.Int64)
    patient = "patient_nbr"
    return rows.select(
        pl.col("encounter_id").cast(pl.String).alias(SUBJECT),
        pl.col(patient).alias(GROUP),
        pl.col("encounter_id").alias(INSTANT),
        pl.col("encounter_id").alias(DECIDED),
        (soon == 1).alias(TARGET),
        *(pl.when(pl.col(name) != "?").then(pl.col(name)).alias(name) for name in STAY if name != "diag_group"),
        *(pl.col(name) for name in STAY_NUMBERS[:-2]),
        earlier_stays=pl.int_range(pl.len()).over(patient),
        # By the time of this stay, whether the stays before it were followed by one is known.
        earlier_readmissions=(soon.cum_sum() - soon).over(patient),
        diag_group=pl.col("diag_1").str.slice(0, 2),
    ).collect()
