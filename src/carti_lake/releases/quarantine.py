"""Rows that silver refused, for people who mend them: without identifiers of patients."""

import polars as pl

from carti_lake.store.storage import Storage
from carti_lake.tables import Feed
from carti_lake.tables.quarantine import QUARANTINE


def refused(storage: Storage, entity: str, rule: str | None) -> pl.LazyFrame:
    """Refused rows of an entity without identifiers: the rules, the offending values, and where they came from."""
    table = QUARANTINE[entity]
    rows = storage.scan(table.full_name())
    if rule is not None:
        asked = pl.col("rules").str.split(",")
        rows = rows.filter(
            asked.list.eval((pl.element() == rule) | pl.element().str.starts_with(f"{rule}|")).list.any()
        )
    return rows.select(
        pl.lit(entity).alias("entity"),
        "rules",
        "batch_id",
        "row_number",
        "extract_date",
        unreadable=_declared(table),
    )


def _declared(table: type[Feed]) -> pl.Expr:
    """Rescued values of declared columns, as JSON: an identifier may stand in any column that nobody declared."""
    members = []
    for name in table.delivered():
        if name in table.phi_columns():
            continue
        text = pl.col("rescued").str.json_path_match(f"$.{name}")
        json = pl.struct(text.alias(name)).struct.json_encode().str.head(-1).str.slice(1)
        members.append(pl.when(text.is_not_null()).then(json))
    joined = pl.concat_str(members, separator=",", ignore_nulls=True)
    return pl.when(joined != "").then("{" + joined + "}")
