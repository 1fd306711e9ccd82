"""From bronze rows to silver entities: what each entity does beside what its declaration says."""

from collections.abc import Callable

import polars as pl

from carti_lake.pipeline.silver.encounters import encounter_key
from carti_lake.pipeline.silver.providers import provider_key, with_other_names
from carti_lake.pipeline.silver.visits import visit_key
from carti_lake.tables.silver import Encounters, Entity, Providers, Visits

#: Entities whose source may deliver no key, with the expression that makes one.
KEYS: dict[type[Entity], Callable[[], pl.Expr]] = {
    Visits: visit_key,
    Encounters: encounter_key,
    Providers: provider_key,
}


#: What the rows of one batch tell of one another.
TOGETHER: dict[type[Entity], Callable[[pl.LazyFrame], pl.LazyFrame]] = {Providers: with_other_names}


def derived_columns(entity: type[Entity]) -> dict[str, pl.Expr]:
    """The entity's key column as it is made where the source has none; empty for feeds that always have one."""
    make = KEYS.get(entity)
    return {} if make is None else {entity.key()[0]: make()}
