"""How the lake stands: freshness, rows, balance, quarantine, the last release."""

from datetime import datetime
from typing import Any

import polars as pl

from carti_lake.pipeline.newest import OUTCOMES
from carti_lake.pull.journal import overview
from carti_lake.releases.publish import last_refusal
from carti_lake.releases.release import latest
from carti_lake.store.log import row_count
from carti_lake.store.storage import Storage
from carti_lake.tables import ENTITIES, FEEDS
from carti_lake.tables.quarantine import QUARANTINE

#: What it means that no key of the patients' pseudonyms is set.
UNKEYED = (
    "not set: whoever knows a patient's number can find the patient. Set CARTI_LAKE_PATIENT_KEY, or name a file with "
    "the key in CARTI_LAKE_PATIENT_KEY_FILE, and run again"
)


def status(storage: Storage, now: datetime, *, keyed: bool) -> dict[str, Any]:
    """The state of the lake as plain values.

    Parameters
    ----------
    storage
        The lake.
    now
        The present, for ages.
    keyed
        Whether a key for the patients' pseudonyms is set.
    """
    balance = storage.scan("gold.reconciliation").collect()
    newest = latest(storage)
    refusal = last_refusal(storage)
    return {
        "lake": storage.uri,
        "release": None
        if newest is None
        else {
            "number": newest.number,
            "at": newest.at,
            "age_hours": round((now - newest.at).total_seconds() / 3600, 1),
            "data_as_of": newest.data_as_of,
            "locks": list(newest.locks),
            "rows": newest.rows,
            "made_on": newest.made_on,
        },
        "refused": None
        if refusal is None
        else {"at": refusal[0], "audits": [f"{one.name}: {one.detail}" for one in refusal[1] if not one.passed]},
        "sources": overview(storage, now),
        "feeds": [_feed(storage, name, balance) for name in FEEDS],
        "quarantine": [_quarantine(storage, name) for name in ENTITIES if storage.open(QUARANTINE[name].full_name())],
        "patient_key": "set" if keyed else UNKEYED,
    }


def _feed(storage: Storage, name: str, balance: pl.DataFrame) -> dict[str, Any]:
    handle = storage.open(f"bronze.{name}")
    rows = balance.filter(pl.col("feed") == name)
    sums = rows.select(pl.col("bronze_rows", *OUTCOMES, "displaced_rows").sum()).row(0, named=True)
    return {
        "feed": name,
        "batches": rows.height,
        "extract_date": rows["extract_date"].max(),
        "delivered_rows": 0 if handle is None else row_count(handle),
        **sums,
        "balanced": sums["bronze_rows"] == sum(sums[outcome] for outcome in OUTCOMES),
    }


def _quarantine(storage: Storage, name: str) -> dict[str, Any]:
    rules = (
        storage.scan(QUARANTINE[name].full_name())
        .select(rule=pl.col("rules").str.split(","))
        .explode("rule")
        .group_by("rule")
        .len("rows")
        .sort("rows", "rule", descending=[True, False])
        .collect()
    )
    return {"entity": name, "rules": dict(rules.iter_rows())}
