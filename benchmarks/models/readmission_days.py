"""What a readmission's score says by days since the discharge, and what came: on networks that nothing was chosen on.

``python -m benchmarks.models.readmission_days --seeds 201 202 203`` prints JSON: by seed and days since the discharge,
the mean of what was predicted and the share that came back. A model is trained on a year and asked each third day of
the months that follow, as runs would ask it.
"""

import argparse
import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import polars as pl

from carti_lake.generate import Network, extracts
from carti_lake.models import readmission
from carti_lake.models.model import Known, Trained
from carti_lake.pipeline.gold.readmissions import UNPLANNED
from carti_lake.tables.silver import Encounters

NETWORK = Network(providers=30, patients=28_000, start=date(2024, 1, 1), days=480, visits_per_day=720, dirt=0)
TRAINED = date(2024, 12, 31)
EVERY = 3


def delivered(network: Network) -> pl.DataFrame:
    """A network's stays as they are delivered, with what silver adds."""
    made = extracts(network, feeds=["sg2_patient_flow"])
    rows = pl.concat(rows.with_columns(extract_date=day) for _, day, _, rows in made)
    names = {"referral_provider_npi": "referring_provider_id", "attending_provider_npi": "attending_provider_id"}
    slugs = pl.col("admission_type", "service_line").str.to_lowercase().str.replace_all("[ -]+", "_")
    patient = pl.col("patient_id").str.extract(r"(\d+)$").cast(pl.Int64)
    month = pl.col("admission_date").dt.truncate("1mo")
    return rows.rename(names).with_columns(slugs, patient_key=patient, admission_month=month)


def stood(stays: pl.DataFrame, as_of: date) -> Known:
    """The stays as they stood on a day."""
    rows = stays.filter(pl.col("extract_date") <= as_of).unique("encounter_id", keep="last", maintain_order=True)
    dtypes = {name: dtype for name, dtype in Encounters.dtypes().items() if name in rows.columns}
    kept = rows.filter(~pl.col("is_deleted")).select(pl.col(name).cast(of) for name, of in dtypes.items())
    return Known(as_of, 1, {readmission.ENCOUNTERS: kept.lazy()})


def asked(stays: pl.DataFrame, trained: Trained, end: date) -> pl.DataFrame:
    """Every score of the days that follow the training: ``probability``, ``day`` since the discharge, ``came``."""
    days = [TRAINED + timedelta(days=place) for place in range(0, (end - TRAINED).days - 33, EVERY)]
    scores = [readmission.MODEL.score(stood(stays, day), trained.artifact, "")[0] for day in days]
    scored = pl.concat(rows.with_columns(as_of=day) for rows, day in zip(scores, days, strict=True)).collect()
    everything = stood(stays, end).tables[readmission.ENCOUNTERS].collect()
    back = everything.filter(pl.col("admission_type").is_in(UNPLANNED)).select("patient_key", back="admission_date")
    ends = pl.col("subject_date") + timedelta(days=readmission.DAYS)
    coming = (
        scored.join(everything.select("patient_key", subject_id="encounter_id"), on="subject_id")
        .join(back, on="patient_key")
        .filter((pl.col("back") > pl.col("as_of")) & (pl.col("back") <= ends))
        .select("subject_id", "as_of", came=True)
        .unique()
    )
    return scored.join(coming, on=["subject_id", "as_of"], how="left").select(
        "subject_id",
        "probability",
        pl.col("came").fill_null(False),
        day=(pl.col("as_of") - pl.col("subject_date")).dt.total_days(),
    )


def by_days(scored: pl.DataFrame) -> list[dict[str, Any]]:
    """By days since the discharge: stays, and what was predicted and observed of them."""
    told = []
    for first, last in readmission.PERIODS:
        own = scored.filter(pl.col("day").is_between(first, last))
        means = own.select(
            stays=pl.col("subject_id").n_unique(),
            predicted=pl.col("probability").mean().round(4),
            observed=pl.col("came").mean().round(4),
        )
        told.append({"days": f"{first} to {last}", **means.row(0, named=True)})
    return told


def main(arguments: Sequence[str] | None = None) -> None:
    """Print what networks of some seeds show."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", nargs="+", type=int, required=True)
    for seed in parser.parse_args(arguments).seeds:
        network = replace(NETWORK, seed=seed)
        stays = delivered(network)
        trained = readmission.train([stood(stays, TRAINED)], 0)
        print(json.dumps({"seed": seed, "by_days": by_days(asked(stays, trained, network.end))}))


if __name__ == "__main__":
    main()
