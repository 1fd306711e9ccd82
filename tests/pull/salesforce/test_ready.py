"""The declarations that are shipped: what the org's objects hold reaches the feeds' entities."""

import re
from pathlib import Path

import pytest

from carti_lake.pull.pull import check
from carti_lake.pull.salesforce.ready import NO_PLACE, declaration, ready
from carti_lake.pull.secrets import SourceError
from tests.pull.salesforce.conftest import declare, rows

pytestmark = pytest.mark.server

MONDAY = "2026-03-09T08:00:00"
PAGE = Path(__file__).resolve().parents[3] / "docs/sources/README.md"


def test_every_declaration_fits_an_org_and_its_feed(world, org):
    for object in ready():
        declare(world, org, object, object.lower())
    for source in world.lake.sources():
        assert check(world.lake.storage, source, world.lake.edge) is None


def test_the_page_names_every_object(world):
    text = PAGE.read_text("utf-8")
    assert [one for one in (*ready(), *NO_PLACE) if f"`{one}`" not in text] == []


@pytest.mark.parametrize("object", NO_PLACE)
def test_an_object_that_no_feed_holds_is_not_put_anywhere(object):
    with pytest.raises(SourceError, match=re.escape(NO_PLACE[object])):
        declaration(object)


def test_an_object_that_is_not_known_is_named_with_the_nearest():
    with pytest.raises(SourceError, match=r"did you mean Opportunity\?"):
        declaration("Oportunity")


def released(world):
    for pulled in world.lake.pull():
        assert pulled.error is None, pulled.error
    world.lake.run(accept=["drift", "quality"])
    return world.lake


def test_referrals_come_with_the_names_of_both_providers(world, org):
    patient = org.put("Account", 1, MONDAY, Name="Patient marked", IsPersonAccount=True)
    chan = org.put("HealthcareProvider", 1, MONDAY, Name="Dr. Bo Chan")
    practice = org.put("Account", 2, MONDAY, Name="Lee Oncology", IsPersonAccount=False)
    line = org.put("CodeSetBundle", 1, MONDAY, Name="Oncology")
    for number, status in enumerate(["Draft", "Active", "Completed", "Revoked", "Entered in Error"]):
        org.put(
            *("ClinicalServiceRequest", number, MONDAY),
            **{"PatientId": patient, "RequesterId": chan, "PerformerId": practice, "PerformerTypeId": line},
            Status=status,
        )
    declare(world, org, "ClinicalServiceRequest")
    lake = released(world)
    held = lake.scan("silver.referrals").sort("referral_id").collect()
    assert held["referral_status"].to_list() == ["new", "new", "completed", "lost"]
    assert held["referring_provider_name"].unique().to_list() == ["Dr. Bo Chan"]
    assert held["rendering_provider_name"].unique().to_list() == ["Lee Oncology"]
    assert held["service_line"].unique().to_list() == ["oncology"]
    assert lake.quarantine("referrals").collect().height == 1


def test_patients_are_no_providers(world, org):
    org.put("Account", 1, MONDAY, Name="Patient marked", IsPersonAccount=True)
    parent = org.put("Account", 2, MONDAY, Name="Health System", IsPersonAccount=False)
    org.put(
        "Account", 3, MONDAY, Name="Lee Clinic", IsPersonAccount=False, ParentId=parent, BillingPostalCode="60611-1234"
    )
    org.put("Contact", 4, MONDAY, Name="Patient marked", IsPersonAccount=True)
    org.put("Contact", 5, MONDAY, Name="Ann Lee MD", IsPersonAccount=False, AccountId=parent)
    declare(world, org, "Account", "accounts")
    declare(world, org, "Contact", "contacts")
    held = released(world).scan("silver.providers").collect()
    assert sorted(held["provider_name"]) == ["Ann Lee MD", "Health System", "Lee Clinic"]
    (clinic,) = (row for row in held.to_dicts() if row["provider_name"] == "Lee Clinic")
    assert (clinic["organization"], clinic["zip3"]) == ("Health System", "606")


def test_providers_come_with_their_npi(world, org):
    lee = org.put("HealthcareProvider", 1, MONDAY, Name="Ann Lee MD")
    org.put("HealthcareProviderNpi", 1, MONDAY, Npi="1234567893", HealthcareProviderId=lee, Name="NPI-1")
    org.put("HealthcareProviderNpi", 2, MONDAY, Npi="1234567801", Name="NPI-2")
    declare(world, org, "HealthcareProviderNpi")
    (held,) = released(world).scan("silver.providers").collect().to_dicts()
    assert (held["npi"], held["provider_name"]) == ("1234567893", "Ann Lee MD")


def test_campaigns_come_with_their_costs(world, org):
    org.put("Campaign", 1, MONDAY, Name="Lung days", Type="Email", Status="Planned", ActualCost=10.5)
    declare(world, org, "Campaign")
    (held,) = released(world).scan("silver.campaigns").collect().to_dicts()
    assert (held["campaign_name"], held["campaign_type"], float(held["actual_cost"])) == ("Lung days", "email", 10.5)
    assert rows(world) == 0
