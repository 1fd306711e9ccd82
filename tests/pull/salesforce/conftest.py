"""A Salesforce org on loopback with the objects of a CRM, and a lake that pulls from it."""

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import polars as pl
import pytest

from carti_lake.pull.salesforce.ready import declaration
from tests.pull.conftest import World, world_in
from tests.pull.salesforce.double import Org, served

OPPORTUNITY = {
    "Name": "string",
    "AccountId": "->Account",
    "CampaignId": "->Campaign",
    "StageName": "picklist",
    "Amount": "currency",
    "Probability": "percent",
    "IsWon": "boolean",
    "IsClosed": "boolean",
    "CloseDate": "date",
    "Description": "textarea",
}


def crm(clock: Any) -> Org:
    """An org with the objects of a CRM and of Health Cloud, as far as they are read."""
    org = Org(clock)
    directory = {"Name": "string", "IsPersonAccount": "boolean"}
    org.declare("Account", "001", **directory, ParentId="->Account", BillingPostalCode="string", Address="address")
    org.declare("Contact", "003", **directory, AccountId="->Account", MailingPostalCode="string")
    org.declare("Opportunity", "006", **OPPORTUNITY)
    org.declare(
        *("Campaign", "701"),
        **{"Name": "string", "Type": "picklist", "Status": "picklist", "StartDate": "date", "EndDate": "date"},
        **{"BudgetedCost": "currency", "ActualCost": "currency"},
    )
    org.declare("CodeSetBundle", "0hs", Name="string")
    org.declare("HealthcareProvider", "0cm", Name="string", InitialStartDate="date", ProviderType="picklist")
    org.declare(
        *("HealthcareProviderNpi", "0bY"),
        **{"Name": "string", "Npi": "string", "IsActive": "boolean", "EffectiveFrom": "date"},
        HealthcareProviderId="->HealthcareProvider",
    )
    org.declare(
        *("ClinicalServiceRequest", "0jy"),
        PatientId="->Account",
        RequesterId="->Account,HealthcareProvider",
        PerformerId="->Account,HealthcareProvider",
        PerformerTypeId="->CodeSetBundle",
        Status="picklist",
    )
    return org


def opportunity(org: Org, number: int, modified: str, **changes: Any) -> str:
    """An open opportunity of 1,000 USD."""
    row = {"Name": f"Deal {number}", "StageName": "Prospecting", "Amount": 1000.0, "Probability": 10.0}
    return org.put("Opportunity", number, modified, **{**row, "IsWon": False, "IsClosed": False, **changes})


def declare(world: World, org: Org, object: str = "Opportunity", name: str = "crm", **more: str) -> None:
    """The object as the ready declaration has it; the org's secret in the lake's environment."""
    world.lake.environment["SF_SECRET"] = org.client_secret
    said = {"kind": "salesforce", "address": org.address, "client_id": org.client_id}
    said |= {"client_secret": "env:SF_SECRET", "overlap": "2h", **more}
    world.folder.mkdir(parents=True, exist_ok=True)
    lines = "".join(f'{key} = "{value}"\n' for key, value in said.items())
    (world.folder / f"{name}.toml").write_text(lines + declaration(object), "utf-8")


def rows(world: World) -> int:
    (pulled,) = world.lake.pull()
    assert pulled.error is None, pulled.error
    return pulled.rows


def error(world: World) -> str:
    (pulled,) = world.lake.pull()
    assert pulled.error is not None
    return pulled.error


def bronze(world: World, feed: str = "salesforce_opportunities") -> pl.DataFrame:
    return world.lake.storage.scan(f"bronze.{feed}").collect()


def newest(world: World) -> list[tuple[str, float | None, bool | None]]:
    """What bronze holds of each opportunity, as delivered last."""
    held = bronze(world).sort("extract_date", "delivered_at", "row_number")
    last = held.group_by("opportunity_id").agg(pl.col("amount", "is_deleted").last())
    return sorted(last.iter_rows())


def at_the_source(org: Org) -> list[tuple[str, float | None, bool | None]]:
    held = org.kinds["Opportunity"].rows.values()
    return sorted((row["Id"], row["Amount"], row["IsDeleted"]) for row in held)


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Seconds that the lake would have waited."""
    waited: list[float] = []
    monkeypatch.setattr("carti_lake.lake.time", SimpleNamespace(sleep=waited.append))
    return waited


@pytest.fixture
def world(tmp_path: Path, waits: list[float]) -> World:
    return world_in(tmp_path)


@pytest.fixture
def org(world: World) -> Iterator[Org]:
    with served(crm(world.clock)) as made:
        yield made


@pytest.fixture
def deals(world: World, org: Org) -> Org:
    """The org, whose opportunities are declared."""
    declare(world, org)
    return org
