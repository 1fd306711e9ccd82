"""Visits with their claims, as the EHR delivers them: submitted, adjudicated, revised."""

import numpy as np
import polars as pl

from carti_lake.generate import claims, codes, truths
from carti_lake.generate.appointments import TREATMENT, visit_id
from carti_lake.generate.calendar import Window
from carti_lake.generate.draws import Floats, between, chance, pick_within, stream
from carti_lake.generate.patients import DIAGNOSES, Patients, age_on, home, patient_id
from carti_lake.generate.providers import Providers, named
from carti_lake.generate.referrals import referral_id
from carti_lake.generate.settings import Network
from carti_lake.generate.timeline import deliveries, in_order, late, withdrawn
from carti_lake.generate.values import hundredths, label, to_date

#: Groups of procedures: a new patient's, a follow-up's, then each service line's treatments.
_GROUPS = (*codes.OFFICE_VISITS.values(), *(codes.TREATMENTS[line] for line in codes.SERVICE_LINES))
PROCEDURES = tuple(code for group in _GROUPS for code, _ in group)
PRICES: Floats = np.array([price for group in _GROUPS for _, price in group])
_WIDEST = max(len(group) for group in _GROUPS)
#: Cheaper procedures of a group are commoner.
_WEIGHTS: Floats = np.array([[1 / (n + 1) if n < len(group) else 0.0 for n in range(_WIDEST)] for group in _GROUPS])
_FIRST = np.cumsum([0, *(len(group) for group in _GROUPS)])[:-1]


def draw(network: Network, providers: Providers, patients: Patients, kept: pl.DataFrame, month: int) -> pl.DataFrame:
    """The visits that a month's kept appointments became, with their claims.

    Returns
    -------
    pl.DataFrame
        A row per visit: who, when, what, and the claim (see :class:`carti_lake.generate.claims.Claims`);
        ``first_day`` is the visit date that is delivered at first, wrong for a few.
    """
    rng = stream(network.seed, "visits", month)
    patient, line, provider, kind, day = (
        kept[name].to_numpy() for name in ("patient", "line", "provider", "kind", "day")
    )
    group = np.where(kind == TREATMENT, TREATMENT + line, kind)
    procedure = _FIRST[group] + pick_within(rng, _WEIGHTS, group)
    payer = patients.payer[patient]
    ruled = claims.under_rule(network.rule_from, payer, line, day)
    claim = claims.draw(rng, providers, PRICES[procedure], payer, line, provider, day, ruled)
    misdated = chance(rng, truths.MISDATED, len(kept))
    return kept.select("visit", "patient", "provider", "line", "referral", "kind", "day").with_columns(
        first_day=pl.Series(np.where(misdated, day - between(rng, (1, 30), len(kept)), day), dtype=pl.Int32),
        diagnosis=pl.Series(patients.diagnosis[patient], dtype=pl.Int16),
        procedure=pl.Series(procedure, dtype=pl.Int16),
        payer=pl.Series(payer, dtype=pl.Int8),
        **{name: pl.Series(getattr(claim, name), dtype=pl.Int64) for name in ("charge", "allowed", "paid")},
        **{name: pl.Series(getattr(claim, name), dtype=pl.Int32) for name in ("submitted", "adjudicated", "revised")},
        **{name: pl.Series(getattr(claim, name), dtype=pl.Int16) for name in ("reason", "revision", "permille")},
        denied=pl.Series(claim.denied),
    )


def updates(network: Network, visits: pl.DataFrame, window: Window, month: int) -> pl.DataFrame:
    """The visits' deliveries: when the claim is submitted, adjudicated, revised, and where the visit is withdrawn."""
    rng = stream(network.seed, "visit deliveries", month)
    known = late(rng, visits["submitted"].to_numpy())
    steps = in_order(known, visits["adjudicated"].to_numpy(), visits["revised"].to_numpy())
    return deliveries(visits, steps, window, withdrawn(rng, known))


def delivered(rows: pl.DataFrame, providers: Providers, patients: Patients) -> pl.DataFrame:
    """Rows of visits as the feed ``ehr_visits`` declares them."""
    step, revised = pl.col("step"), pl.col("step") == 2
    permille = pl.when(revised).then("permille").otherwise(1_000).cast(pl.Int64)
    charge, allowed, paid = (_scaled(pl.col(name), permille) for name in ("charge", "allowed", "paid"))
    denied = (step > 0) & pl.col("denied") & ~revised
    cancelled = revised & (pl.col("revision") == claims.REVERSED)
    cash = (step > 0) & ~denied & ~cancelled
    status = (
        pl.when(step == 0)
        .then(pl.lit("Pending"))
        .when(denied)
        .then(pl.lit("Denied"))
        .when(cancelled)
        .then(pl.lit("Reversed"))
        .otherwise(pl.lit("Paid"))
    )
    rows = rows.with_columns(shown_day=pl.when(step == 0).then("first_day").otherwise("day"))
    return rows.select(
        visit_id=visit_id(),
        patient_id=patient_id(),
        visit_date=to_date("shown_day"),
        service_line=label(codes.SERVICE_LINES, pl.col("line")),
        visit_type=label(codes.VISIT_TYPES, pl.col("kind")),
        diagnosis_code=label(DIAGNOSES, pl.col("diagnosis")),
        procedure_code=label(PROCEDURES, pl.col("procedure")),
        **named(providers, "provider", "provider_name", "provider_npi"),
        referral_id=referral_id(),
        patient_zip3=home(patients),
        patient_age=age_on(patients, "day"),
        claim_id=pl.format("C{}", pl.col("visit") + 1_000_000_000),
        payer=label(codes.PAYER_NAMES, pl.col("payer")),
        claim_amount=hundredths(charge),
        allowed_amount=hundredths(allowed),
        contractual_adjustment=hundredths(charge - allowed),
        claim_paid=hundredths(pl.when(cash).then(paid).otherwise(0)),
        claim_status=status,
        denial_reason=pl.when(denied).then(label(claims.REASONS, pl.col("reason"))),
        claim_submitted_date=to_date("submitted"),
        claim_paid_date=pl.when(step > 0).then(
            pl.when(revised).then(to_date("revised")).otherwise(to_date("adjudicated"))
        ),
        is_deleted="is_deleted",
    )


def _scaled(amount: pl.Expr, permille: pl.Expr) -> pl.Expr:
    """Cents in so many thousandths, rounded half up: whole numbers throughout, so the cents are exact."""
    return (amount * permille + 500) // 1_000
