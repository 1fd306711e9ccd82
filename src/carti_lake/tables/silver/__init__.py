"""Every silver table, by name."""

from carti_lake.tables.feeds import Feed
from carti_lake.tables.silver.care import Appointments, Medications
from carti_lake.tables.silver.claim_lines import ClaimLines, ClaimsOfLines
from carti_lake.tables.silver.crm import Campaigns, CrmAccounts, Opportunities, Referrals
from carti_lake.tables.silver.earlier_answers import EarlierAnswers
from carti_lake.tables.silver.encounters import Encounters
from carti_lake.tables.silver.entity import HIDDEN, ORIGIN, Entity
from carti_lake.tables.silver.providers import ProviderReferences, Providers
from carti_lake.tables.silver.references import UnknownReferences
from carti_lake.tables.silver.visits import Claims, Visits
from carti_lake.tables.table import Table

ENTITIES: dict[str, type[Entity]] = {
    entity.short_name: entity
    for entity in (
        Providers,
        Encounters,
        CrmAccounts,
        Opportunities,
        Campaigns,
        Referrals,
        Visits,
        ClaimLines,
        Appointments,
        Medications,
    )
}


#: Tables whose rows are checked: the entities, and what follows from several of them.
CHECKED: dict[str, type[Table]] = {**ENTITIES, "provider_references": ProviderReferences}


def entity_of(feed: type[Feed]) -> type[Entity]:
    """The entity that the feed's rows become."""
    return next(entity for entity in ENTITIES.values() if entity.feed is feed)


SILVER: dict[str, type[Table]] = {
    **ENTITIES,
    "provider_references": ProviderReferences,
    "unknown_references": UnknownReferences,
    "claims": Claims,
    "claims_of_lines": ClaimsOfLines,
    "earlier_answers": EarlierAnswers,
}

__all__ = [
    "CHECKED",
    "ENTITIES",
    "HIDDEN",
    "ORIGIN",
    "SILVER",
    "Appointments",
    "Campaigns",
    "ClaimLines",
    "Claims",
    "ClaimsOfLines",
    "CrmAccounts",
    "EarlierAnswers",
    "Encounters",
    "Entity",
    "Medications",
    "Opportunities",
    "ProviderReferences",
    "Providers",
    "Referrals",
    "UnknownReferences",
    "Visits",
    "entity_of",
]
