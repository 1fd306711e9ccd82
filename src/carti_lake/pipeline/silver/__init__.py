"""From bronze rows to silver entities: what each entity does beside what its declaration says."""

from collections.abc import Callable

import polars as pl

from carti_lake.pipeline.silver.claim_lines import line_key
from carti_lake.pipeline.silver.encounters import encounter_key
from carti_lake.pipeline.silver.providers import known_later, provider_key, with_other_names
from carti_lake.pipeline.silver.visits import net_of_reversal, visit_key
from carti_lake.tables.silver import ClaimLines, Encounters, Entity, Providers, Visits

#: Entities whose source may deliver no key, with the expression that makes one.
KEYS: dict[type[Entity], Callable[[], pl.Expr]] = {
    ClaimLines: line_key,
    Visits: visit_key,
    Encounters: encounter_key,
    Providers: provider_key,
}

#: Entities some of whose columns mean something else where others say so, with what they mean then.
SETTLED: dict[type[Entity], Callable[[], dict[str, pl.Expr]]] = {Visits: net_of_reversal, Providers: known_later}


#: Entities whose current rows tell what other rows of their keys said: from the rows to upsert, all new rows and the
#: table as it stands (None where the new rows are all) to the rows to upsert.
TOGETHER: dict[type[Entity], Callable[[pl.LazyFrame, pl.LazyFrame, pl.LazyFrame | None], pl.LazyFrame]] = {
    Providers: with_other_names
}


def derived_columns(entity: type[Entity]) -> dict[str, pl.Expr]:
    """The entity's key column as it is made where the source has none; empty for feeds that always have one."""
    make = KEYS.get(entity)
    return {} if make is None else {entity.key()[0]: make()}


def settled_columns(entity: type[Entity]) -> dict[str, pl.Expr]:
    """Columns as the typed row's other columns settle them, before any rule looks at them; empty for most entities."""
    make = SETTLED.get(entity)
    return {} if make is None else make()
