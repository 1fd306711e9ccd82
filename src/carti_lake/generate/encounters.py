"""Inpatient stays: who is admitted after a visit, for how long, who comes back within 30 days."""

import numpy as np
import polars as pl

from carti_lake.generate import codes, truths
from carti_lake.generate.calendar import NEVER, Window
from carti_lake.generate.draws import Floats, between, chance, pick, pick_within, stream, waiting
from carti_lake.generate.patients import DIAGNOSES, Patients, age_on, home, patient_id
from carti_lake.generate.providers import Providers, named
from carti_lake.generate.settings import Network
from carti_lake.generate.timeline import deliveries, in_order, late, withdrawn
from carti_lake.generate.values import hundredths, label, to_date

ELECTIVE, URGENT, EMERGENCY = range(3)
HOME, NURSING, HOSPICE, EXPIRED = range(4)
#: Admissions follow a visit within so many days; a readmission may follow a readmission so often.
WITHIN, CHAIN = (0, 10), 4
#: Share of stays whose patient answers the survey after the first delivery, and after how many days.
SURVEYED, SURVEY_DAYS = 0.35, (10, 28)
_NIGHTS: Floats = np.array([line.nights for line in truths.LINES.values()])
_STAY: Floats = np.array([line.stay for line in truths.LINES.values()])


def draw(
    network: Network,
    providers: Providers,
    patients: Patients,
    appointments: pl.DataFrame,
    month: int,
    first_number: int,
) -> pl.DataFrame:
    """The stays that follow a month's appointments, with the readmissions that follow those.

    Patients who die in hospital are marked in ``patients``.

    Returns
    -------
    pl.DataFrame
        ``encounter`` (number), ``patient``, ``referring``, ``attending``, ``line``, ``kind`` (place of the admission
        type), ``admitted``, ``discharged``, ``disposition``, ``score`` (hundredths of a point), ``cost`` (cents).
    """
    rng = stream(network.seed, "encounters", month)
    line, patient, day, provider, referrer = (
        appointments[name].to_numpy() for name in ("line", "patient", "day", "provider", "referring")
    )
    # A frail patient is admitted oftener; the factor has mean 1.
    admitted = chance(rng, _STAY[line] * np.exp(0.4 * patients.frailty[patient] - 0.08), len(line))
    patient, line, referring, attending = patient[admitted], line[admitted], referrer[admitted], provider[admitted]
    begins = day[admitted] + between(rng, WITHIN, len(patient))
    kinds = np.array([[0.55, 0.30, 0.15], [0.15, 0.45, 0.40]])
    surgical = np.array([name in ("surgical_oncology", "breast", "urology") for name in codes.SERVICE_LINES])
    kind = pick_within(rng, kinds, (~surgical[line]).astype(np.int64))
    stays = []
    for earlier in range(CHAIN):
        count = len(patient)
        frailty = patients.frailty[patient]
        mean = _NIGHTS[line] * np.exp(0.2 * frailty) * np.where(kind == ELECTIVE, 0.85, 1.1)
        nights = 1 + waiting(rng, (mean - 1).clip(0.5), count)
        leaves = begins + nights
        disposition = pick(rng, [0.80, 0.14, 0.04, 0.02], count)
        # Nobody dies before a first visit or a stay that has been delivered.
        early = (disposition == EXPIRED) & (leaves < patients.seen[patient])
        disposition = np.where(early, NURSING, disposition)
        dead = disposition == EXPIRED
        patients.died[patient[dead]] = np.minimum(patients.died[patient[dead]], leaves[dead])
        score = (
            truths.SATISFACTION
            + truths.SATISFACTION_PER_DAY * (nights - 5)
            + providers.satisfaction[attending]
            + rng.normal(0, truths.SATISFACTION_WITHIN, count)
        ).clip(0, 100)
        cost = (truths.STAY_COST + truths.STAY_COST_PER_DAY * nights) * rng.lognormal(0, truths.STAY_COST_SPREAD, count)
        stays.append(
            pl.DataFrame(
                {
                    "patient": patient,
                    "referring": referring,
                    "attending": attending,
                    "line": line,
                    "kind": kind,
                    "admitted": begins,
                    "discharged": leaves,
                    "disposition": disposition,
                    "score": np.where(dead, -1, np.rint(score * 100)).astype(np.int64),
                    "cost": np.rint(cost * 100).astype(np.int64),
                }
            )
        )
        truth = truths.READMISSION
        odds = (
            truth["intercept"]
            + truth["frailty"] * frailty
            + truth["nights"] * np.log(nights)
            + truth["emergency"] * (kind == EMERGENCY)
            + truth["earlier"] * earlier
        )
        back = chance(rng, 1 / (1 + np.exp(-odds)), count) & (disposition < HOSPICE)
        begins = (leaves + between(rng, (2, 29), count))[back]
        patient, line, referring, attending = patient[back], line[back], referring[back], attending[back]
        kind = URGENT + chance(rng, 0.6, len(patient)).astype(np.int64)
    frame = pl.concat(stays)
    frame = frame.filter(pl.Series(frame["admitted"].to_numpy() <= patients.died[frame["patient"].to_numpy()]))
    np.maximum.at(patients.seen, frame["patient"].to_numpy(), frame["discharged"].to_numpy())
    return frame.with_row_index("encounter", first_number).with_columns(pl.col("encounter").cast(pl.Int64))


def updates(network: Network, encounters: pl.DataFrame, window: Window, month: int) -> pl.DataFrame:
    """The stays' deliveries: at discharge, and again when the patient has answered the survey."""
    rng = stream(network.seed, "encounter deliveries", month)
    count = len(encounters)
    known = late(rng, encounters["discharged"].to_numpy() + between(rng, (0, 2), count))
    answered = chance(rng, SURVEYED, count) & (encounters["score"].to_numpy() >= 0)
    survey = np.where(answered, known + between(rng, SURVEY_DAYS, count), NEVER)
    rows = encounters.with_columns(surveyed=pl.Series(answered))
    return deliveries(rows, in_order(known, survey), window, withdrawn(rng, known))


def delivered(rows: pl.DataFrame, providers: Providers, patients: Patients) -> pl.DataFrame:
    """Rows of stays as the feed ``sg2_patient_flow`` declares them."""
    scored = (pl.col("score") >= 0) & (~pl.col("surveyed") | (pl.col("step") == 1))
    diagnosis = label(DIAGNOSES, label(patients.diagnosis, pl.col("patient")))
    return rows.select(
        encounter_id=pl.format("E{}", pl.col("encounter") + 10_000_000),
        patient_id=patient_id(),
        **named(providers, "referring", "referral_provider", "referral_provider_npi"),
        **named(providers, "attending", "attending_provider", "attending_provider_npi"),
        service_line=label(codes.SERVICE_LINES, pl.col("line")),
        admission_date=to_date("admitted"),
        discharge_date=to_date("discharged"),
        length_of_stay=pl.col("discharged") - pl.col("admitted"),
        admission_type=label(codes.ADMISSION_TYPES, pl.col("kind")),
        principal_diagnosis_code=diagnosis,
        discharge_disposition=label(codes.DISPOSITIONS, pl.col("disposition")),
        patient_zip3=home(patients),
        patient_age=age_on(patients, "admitted"),
        satisfaction_score=hundredths(pl.when(scored).then("score")),
        treatment_cost=hundredths(pl.col("cost")),
        is_deleted="is_deleted",
    )
