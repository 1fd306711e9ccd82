"""Patients: where they live, how old they are, who pays, what they have, how frail they are."""

from dataclasses import dataclass

import numpy as np
import polars as pl

from carti_lake.generate import codes, truths
from carti_lake.generate.calendar import NEVER, number
from carti_lake.generate.draws import Flags, Floats, Ints, pick, pick_within, stream
from carti_lake.generate.settings import Network
from carti_lake.generate.values import label


@dataclass(frozen=True)
class Patients:
    """The people of a network; a patient is a place (from 0) in every array.

    Attributes
    ----------
    site
        Place of the cancer site.
    diagnosis
        Place of the diagnosis among :data:`DIAGNOSES`.
    born
        Numbered day of birth.
    zip3
        Place of the home's ZIP3.
    remote
        Whether home is far from the clinics.
    payer
        Place of the payer.
    frailty
        Mean 0, deviation 1; what makes stays long and readmissions likely.
    by_site, site_start, site_size
        Patients in the order of their sites, and where each site's begin.
    missed
        Months x patients: no-shows in this month (first) and the ones before it; moves on as months pass.
    died
        Day of death, NEVER for most; set as months pass.
    seen
        Latest day on which a first visit or a stay shows the patient alive.
    """

    site: Ints
    diagnosis: Ints
    born: Ints
    zip3: Ints
    remote: Flags
    payer: Ints
    frailty: Floats
    by_site: Ints
    site_start: Ints
    site_size: Ints
    missed: Ints
    died: Ints
    seen: Ints


DIAGNOSES = tuple(code for site in codes.SITES.values() for code in site.diagnoses)


def population(network: Network) -> Patients:
    """The people of a network before its first day."""
    rng = stream(network.seed, "patients")
    count = network.patients
    sites = list(codes.SITES.values())
    site = pick(rng, [s.share for s in sites], count)
    # A site with no patient at all would leave its referrals without anyone to refer.
    site[: len(sites)] = np.arange(len(sites))
    variants = np.array([len(s.diagnoses) for s in sites])
    first_diagnosis = np.cumsum(variants) - variants
    age = np.clip(rng.normal(np.array([s.age for s in sites])[site], 11), 19, 99)
    zip3 = pick(rng, [share for share, _ in codes.ZIP3.values()], count)
    shares = np.array([[p.under_65 for p in truths.PAYERS.values()], [p.over_65 for p in truths.PAYERS.values()]])
    size = np.bincount(site, minlength=len(sites))
    return Patients(
        site=site,
        diagnosis=first_diagnosis[site] + (rng.random(count) * variants[site]).astype(np.int64),
        born=number(network.start) - np.rint(age * 365.25).astype(np.int64),
        zip3=zip3,
        remote=np.array([remote for _, remote in codes.ZIP3.values()])[zip3],
        payer=pick_within(rng, shares, (age >= 65).astype(np.int64)),
        frailty=rng.normal(0, 1, count) * 0.9 + (age - 65) / 11 * 0.43,
        by_site=np.argsort(site, kind="stable"),
        site_start=np.cumsum(size) - size,
        site_size=size,
        missed=np.zeros((truths.NO_SHOW_MONTHS, count), dtype=np.int64),
        died=np.full(count, NEVER),
        seen=np.zeros(count, dtype=np.int64),
    )


def begin_month(patients: Patients) -> None:
    """Let the no-shows of the oldest remembered month be forgotten."""
    patients.missed[1:] = patients.missed[:-1].copy()
    patients.missed[0] = 0


def no_shows(patients: Patients, who: Ints) -> Ints:
    """Remembered no-shows of some patients."""
    counted: Ints = patients.missed[:, who].sum(axis=0)
    return counted


def patient_id() -> pl.Expr:
    """The source's patient number."""
    return pl.format("MRN{}", pl.col("patient") + 1_000_000)


def home(patients: Patients) -> pl.Expr:
    """First three digits of the patient's ZIP code."""
    return label(list(codes.ZIP3), label(patients.zip3, pl.col("patient")))


def age_on(patients: Patients, day: str) -> pl.Expr:
    """Patient's age in whole years on the numbered day in column ``day``."""
    born = label(patients.born, pl.col("patient"))
    return ((pl.col(day) - born) / 365.25).floor().cast(pl.Int64)
