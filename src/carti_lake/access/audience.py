"""For whom outlets are made: declared once for the lake, on record; one outlet may be told otherwise."""

from datetime import datetime

import polars as pl

from carti_lake.access import audit_log
from carti_lake.access.viewer import Audience
from carti_lake.store.errors import LakeError
from carti_lake.store.storage import Storage
from carti_lake.tables.access import AudienceChanges

TABLE = AudienceChanges.full_name()


class AudienceError(LakeError):
    """An audience that cannot be declared, or that nobody has declared."""


def declare(storage: Storage, audience: Audience, *, who: str, why: str, now: datetime) -> None:
    """Say for whom outlets are made from now on; recorded in ``audience`` and in the audit log.

    Raises
    ------
    AudienceError
        Where no reason is given.
    """
    if not why.strip():
        raise AudienceError("Say why outlets are for this audience: it is recorded with the change.")
    audit_log.change(
        storage,
        "audience",
        {"audience": audience.value},
        lambda number: f"outlets are for the audience {audience.value} (change {number})",
        who=who,
        why=why.strip(),
        now=now,
    )


def changes(storage: Storage) -> pl.DataFrame:
    """Every declaration, newest first."""
    return storage.scan(TABLE).collect().sort("change", descending=True)


def declared(storage: Storage) -> tuple[Audience, str | None]:
    """The audience in force, and why; the public until somebody declares one."""
    found = changes(storage)
    return (Audience(found["audience"][0]), str(found["why"][0])) if found.height else (Audience.PUBLIC, None)


def asked(storage: Storage, outlet: str, audience: Audience | None) -> tuple[Audience, str | None]:
    """The audience of one outlet: as it is asked for, else as it is declared; and the reason on record.

    Raises
    ------
    AudienceError
        Where exact numbers are asked for in a lake whose outlets nobody has declared to be inside.
    """
    in_force, why = declared(storage)
    if audience is Audience.INSIDE and in_force is not Audience.INSIDE:
        raise AudienceError(
            f"{outlet}: nobody has declared that this lake's outlets stay inside. Declare it once, "
            "`carti-lake audience set inside --why REASON`, or show small counts this time: --full-counts REASON."
        )
    return audience or in_force, why
