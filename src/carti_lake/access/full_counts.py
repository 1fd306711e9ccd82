"""The audit log of disclosure control: an append-only table of the lake."""

from datetime import datetime

import polars as pl

from carti_lake.store.errors import LakeError
from carti_lake.store.storage import Storage
from carti_lake.store.write import append
from carti_lake.tables.disclosures import Disclosures

TABLE = Disclosures.full_name()


class ReasonError(LakeError):
    """Full counts were asked for without a reason."""


def record(storage: Storage, *, user: str, outlet: str, release: int, reason: str, now: datetime) -> None:
    """Write down who has small counts shown, and why; do it before they are.

    Raises
    ------
    ReasonError
        Where the reason is blank.
    """
    if not reason.strip():
        raise ReasonError(
            f"{outlet}: full counts need a reason, which the audit log keeps. Say what they are for; name no patient."
        )
    row = pl.DataFrame([[now], [user], [outlet], [release], [reason.strip()]], schema=Disclosures.dtypes())
    handle = storage.create(TABLE, Disclosures, change_feed=False)
    append(storage, handle, row, transactions={}, metadata={"disclosure": outlet})


def entries(storage: Storage) -> pl.DataFrame:
    """The whole audit log, newest first."""
    return storage.scan(TABLE).collect().sort("at", descending=True)
