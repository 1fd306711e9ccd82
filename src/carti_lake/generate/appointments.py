"""Appointments: a first one per referral and its follow-ups; kept, missed or cancelled."""

import numpy as np
import polars as pl

from carti_lake.generate import codes, truths
from carti_lake.generate.calendar import NEVER, Window, month_of_year, weekday, working_day
from carti_lake.generate.draws import Flags, Floats, Ints, chance, pick_within, stream, waiting
from carti_lake.generate.patients import Patients, age_on, no_shows, patient_id
from carti_lake.generate.providers import Providers, named
from carti_lake.generate.settings import Network
from carti_lake.generate.timeline import deliveries, in_order, late, withdrawn
from carti_lake.generate.values import label, to_date

UNDECIDED, COMPLETED, NO_SHOW, CANCELLED = range(-1, 3)
STATUSES = ("Completed", "No-show", "Cancelled")
NEW_PATIENT, FOLLOW_UP, TREATMENT = range(3)
#: Share of follow-ups with the provider of the first visit; the others see a colleague of the line.
SAME_PROVIDER = 0.9
#: Share of follow-ups booked for the same or the next day; mean lead time of the others in days.
SHORT_NOTICE, LEAD_TIME = 0.15, 12.0

_SEASON: Floats = np.array(truths.VISIT_SEASON)
_WEEKDAYS: Floats = np.array(truths.VISIT_WEEKDAYS)
#: A month x weekday grid of the share of follow-ups that the calendar takes, and its mean over working days.
_TAKEN: Floats = np.outer(_SEASON / _SEASON.max(), _WEEKDAYS / _WEEKDAYS.max())
_MEAN_TAKEN = float(_TAKEN[:, :5].mean())


def missed(rng: np.random.Generator, lead: Ints, prior: Ints, reminded: Flags) -> Flags:
    """Whether patients miss their appointments, by days of lead time, earlier no-shows and reminders."""
    odds = (
        truths.NO_SHOW_INTERCEPT
        + truths.NO_SHOW_LEAD * np.log1p(lead)
        + truths.NO_SHOW_PRIOR * np.minimum(prior, truths.NO_SHOW_CAP)
        + truths.NO_SHOW_REMINDER * reminded
    )
    return chance(rng, 1 / (1 + np.exp(-odds)), len(lead))


def arranged(network: Network, providers: Providers, referrals: pl.DataFrame, month: int) -> pl.DataFrame:
    """The appointments that follow from a month's referrals: first ones, and follow-ups of those that were kept.

    Parameters
    ----------
    network, providers
        Who they are with.
    referrals
        Referrals with a first appointment in network: fate KEPT (2), MISSED (3) or CALLED_OFF (4).
    month
        Number of the month.

    Returns
    -------
    pl.DataFrame
        ``patient``, ``provider``, ``referring``, ``line``, ``referral``, ``kind`` (place of the visit type),
        ``booked``, ``day``, ``outcome`` (UNDECIDED for most follow-ups), ``called_off`` (day, NEVER for most);
        ``reminded`` and ``visit`` are not known yet.
    """
    rng = stream(network.seed, "appointments", month)
    first = referrals.select(
        "patient",
        "line",
        "referral",
        "referring",
        "booked",
        "called_off",
        provider="rendering",
        kind=pl.lit(NEW_PATIENT, dtype=pl.Int8),
        day="first_visit",
        outcome=(pl.col("fate") - 2).cast(pl.Int8),
    )
    kept = first.filter(pl.col("outcome") == COMPLETED)
    line, day = kept["line"].to_numpy(), kept["day"].to_numpy()
    follow_ups, gap, treatment = (
        np.array([getattr(truth, name) for truth in truths.LINES.values()])
        for name in ("follow_ups", "gap", "treatment")
    )
    counts = rng.poisson(follow_ups[line] / _MEAN_TAKEN)
    of = np.repeat(np.arange(len(kept)), counts)
    nth = np.arange(len(of)) - np.repeat(np.cumsum(counts) - counts, counts) + 1
    after = np.rint(gap[line[of]] * (nth + rng.uniform(-0.3, 0.3, len(of)))).clip(1).astype(np.int64)
    when = working_day(day[of], after)
    taken = chance(rng, _TAKEN[month_of_year(when), weekday(when)], len(of))
    of, when = of[taken], when[taken]

    short = chance(rng, SHORT_NOTICE, len(of))
    lead = np.where(short, rng.integers(0, 2, len(of)), 2 + waiting(rng, LEAD_TIME - 2, len(of)))
    colleague = pick_within(rng, providers.rendering, line[of])
    booked = np.maximum(when - lead, day[of])
    cancelled = chance(rng, truths.CANCELLED, len(of))
    call_day = booked + (rng.random(len(of)) * (when - booked)).astype(np.int64)
    follow = kept[of].with_columns(
        provider=pl.when(pl.Series(chance(rng, SAME_PROVIDER, len(of))))
        .then("provider")
        .otherwise(pl.Series(colleague))
        .cast(pl.Int32),
        kind=pl.Series(np.where(chance(rng, treatment[line[of]], len(of)), TREATMENT, FOLLOW_UP), dtype=pl.Int8),
        booked=pl.Series(booked, dtype=pl.Int32),
        day=pl.Series(when, dtype=pl.Int32),
        outcome=pl.Series(np.where(cancelled, CANCELLED, UNDECIDED), dtype=pl.Int8),
        called_off=pl.Series(np.where(cancelled, call_day, NEVER), dtype=pl.Int32),
    )
    return pl.concat([first, follow.select(first.columns)]).with_columns(
        reminded=pl.lit(None, dtype=pl.Boolean), visit=pl.lit(-1, dtype=pl.Int64)
    )


def settle(network: Network, patients: Patients, due: pl.DataFrame, month: int, first_visit: int) -> pl.DataFrame:
    """What becomes of the appointments of a month that nobody cancelled; counts the patients' no-shows on.

    Returns
    -------
    pl.DataFrame
        The appointments in the order of their days with their ``outcome``, ``reminded`` and, for those that were kept,
        the number of the ``visit``, from ``first_visit``.
    """
    rng = stream(network.seed, "outcomes", month)
    # Appointments wait in the order of their numbers, which stays within a day.
    frame = due.sort("day", maintain_order=True)
    patient, day, booked, outcome = (frame[name].to_numpy() for name in ("patient", "day", "booked", "outcome"))
    open_ = outcome == UNDECIDED
    reminded = chance(rng, truths.REMINDED, len(frame)) & (day - booked >= 2) & open_
    dead = open_ & (day > patients.died[patient])
    outcome = np.where(dead, CANCELLED, outcome)
    # A no-show makes the next one likelier, so a patient's appointments are settled in turn, all patients at once.
    for chosen in _visits_in_turn(patient):
        who = patient[chosen]
        absent = missed(rng, (day - booked)[chosen], no_shows(patients, who), reminded[chosen])
        decided = np.where(absent, NO_SHOW, COMPLETED)
        outcome[chosen] = np.where(outcome[chosen] == UNDECIDED, decided, outcome[chosen])
        patients.missed[0, who] += outcome[chosen] == NO_SHOW
    return frame.with_columns(
        outcome=pl.Series(outcome, dtype=pl.Int8),
        reminded=pl.Series(reminded),
        visit=pl.Series(np.where(outcome == COMPLETED, first_visit + np.cumsum(outcome == COMPLETED) - 1, -1)),
        called_off=pl.when(pl.Series(dead)).then("day").otherwise("called_off"),
    )


def _visits_in_turn(patient: Ints) -> list[Ints]:
    """Places of all patients' first rows, then of their second ones, and so on."""
    order = np.argsort(patient, kind="stable")
    ordered = patient[order]
    start = np.flatnonzero(np.r_[True, ordered[1:] != ordered[:-1]]) if len(order) else order
    turn = np.arange(len(order)) - np.repeat(start, np.diff(np.r_[start, len(order)]))
    by_turn = np.argsort(turn, kind="stable")
    bounds = np.cumsum(np.bincount(turn)) if len(turn) else turn
    return np.split(order[by_turn], bounds[:-1])


def bookings(appointments: pl.DataFrame, window: Window) -> pl.DataFrame:
    """The deliveries of new bookings; one that is settled within the same extract shows only its end."""
    booked = appointments["booked"].to_numpy()
    end = np.minimum(appointments["day"].to_numpy(), appointments["called_off"].to_numpy())
    chosen = appointments.filter(pl.Series(window.extract_day(booked) != window.extract_day(end)))
    chosen = chosen.with_columns(outcome=pl.lit(UNDECIDED, dtype=pl.Int8))
    return deliveries(chosen, chosen["booked"].to_numpy()[:, None], window)


def endings(rng: np.random.Generator, appointments: pl.DataFrame, window: Window) -> pl.DataFrame:
    """The deliveries of appointments that were kept, missed or cancelled."""
    day, called_off = appointments["day"].to_numpy(), appointments["called_off"].to_numpy()
    known = late(rng, np.minimum(day, called_off))
    return deliveries(appointments, in_order(known), window, withdrawn(rng, known))


def delivered(rows: pl.DataFrame, providers: Providers, patients: Patients) -> pl.DataFrame:
    """Rows of appointments as the feed ``ehr_appointments`` declares them."""
    outcome = pl.col("outcome")
    settled = outcome != UNDECIDED
    return rows.select(
        appointment_id=pl.format("A{}", pl.col("appointment") + 1_000_000_000),
        patient_id=patient_id(),
        patient_age=age_on(patients, "booked"),
        **named(providers, "provider", "provider_name", "provider_npi"),
        service_line=label(codes.SERVICE_LINES, pl.col("line")),
        booked_date=to_date("booked"),
        appointment_date=to_date("day"),
        appointment_status=pl.when(settled)
        .then(label(STATUSES, pl.when(settled).then(outcome)))
        .otherwise(pl.lit("Booked")),
        cancelled_date=pl.when(outcome == CANCELLED).then(to_date("called_off")),
        reminder_sent="reminded",
        visit_id=pl.when(pl.col("visit") >= 0).then(visit_id()),
        is_deleted="is_deleted",
    )


def visit_id() -> pl.Expr:
    """The EHR's visit number."""
    return pl.format("V{}", pl.col("visit") + 1_000_000_000)
