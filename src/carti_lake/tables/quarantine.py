"""Rows that silver refused: the delivered row as bronze holds it, with the rules that it broke."""

import dataframely as dy

from carti_lake.tables.feeds import Feed
from carti_lake.tables.silver import ENTITIES, Entity


def quarantine_of(entity: type[Entity]) -> type[Feed]:
    """The quarantine table of an entity: its feed's columns, and why each row was refused."""

    class Refused(entity.feed, layer="quarantine", table=entity.short_name):  # type: ignore[name-defined, misc, call-arg]
        key_hash = dy.Int64(nullable=True, description="xxHash64 of the business key; null where it cannot be read")
        rules = dy.String(description="Ids of the broken rules, separated by commas")

    Refused.__doc__ = f"Delivered rows that silver.{entity.short_name} refused, with the rules that they broke."
    Refused.__name__ = f"Refused{entity.__name__}"
    return Refused


QUARANTINE: dict[str, type[Feed]] = {name: quarantine_of(entity) for name, entity in ENTITIES.items()}
