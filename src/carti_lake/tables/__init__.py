"""The catalogue: every table of the lake, declared once."""

from carti_lake.tables.access import AccessChanges, ApiKeys, AudienceChanges, AuditEntries
from carti_lake.tables.checks import Finding, Thresholds
from carti_lake.tables.disclosures import Disclosures
from carti_lake.tables.feeds import FEEDS, Feed
from carti_lake.tables.gold import GOLD
from carti_lake.tables.publications import Publications
from carti_lake.tables.pulls import Pulls
from carti_lake.tables.quarantine import QUARANTINE
from carti_lake.tables.releases import Releases
from carti_lake.tables.silver import CHECKED, ENTITIES, SILVER, Entity
from carti_lake.tables.table import Table
from carti_lake.tables.thresholds import ThresholdChanges
from carti_lake.tables.trained_models import TrainedModels

#: Every table by its full name, as users write it.
TABLES: dict[str, type[Table]] = {
    table.full_name(): table for tables in (FEEDS, SILVER, QUARANTINE, GOLD) for table in tables.values()
} | {
    table.full_name(): table
    for table in (
        *(Releases, Disclosures, Publications, ThresholdChanges, TrainedModels),
        *(AccessChanges, ApiKeys, AudienceChanges, AuditEntries, Pulls),
    )
}

__all__ = [
    "CHECKED",
    "ENTITIES",
    "FEEDS",
    "GOLD",
    "QUARANTINE",
    "SILVER",
    "TABLES",
    "Entity",
    "Feed",
    "Finding",
    "Table",
    "Thresholds",
    "find",
]


class UnknownTableError(KeyError):
    """A name that no declared table has."""

    def __str__(self) -> str:
        return str(self.args[0])


def find(name: str) -> type[Table]:
    """The table of that name: ``gold.provider_summary``, or a bare gold, silver or feed name.

    Raises
    ------
    UnknownTableError
        With the names that come closest.
    """
    from difflib import get_close_matches

    for candidate in (name, f"gold.{name}", f"silver.{name}", f"bronze.{name}"):
        if candidate in TABLES:
            return TABLES[candidate]
    near = get_close_matches(name, [*TABLES, *(full.split(".")[-1] for full in TABLES)], n=3)
    hint = f" Did you mean {', '.join(near)}?" if near else " `carti-lake tables` lists them."
    raise UnknownTableError(f"There is no table {name!r}.{hint}")
