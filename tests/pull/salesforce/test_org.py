"""Signing in, and what is refused before the first row."""

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from carti_lake.pull.pull import check
from tests.pull.salesforce.conftest import declare, error, opportunity, rows

pytestmark = pytest.mark.server

MONDAY = "2026-03-09T08:00:00"


def checked(world):
    (source,) = world.lake.sources()
    return check(world.lake.storage, source, world.lake.edge)


@pytest.fixture
def key(world, org):
    """The app's private key in a file; the org knows its public one."""
    made = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = made.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    public = made.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    org.public_key = public.decode()
    world.folder.mkdir(parents=True, exist_ok=True)
    (world.folder / "key.pem").write_bytes(pem)
    return world.folder / "key.pem"


def declare_by_key(world, org, key, username=None):
    declare(world, org, username=username or org.username, private_key=f"file:{key}")
    path = world.folder / "crm.toml"
    lines = path.read_text("utf-8").splitlines(keepends=True)
    path.write_text("".join(line for line in lines if not line.startswith("client_secret")), "utf-8")


def test_an_app_signs_in_by_its_key(world, org, key):
    declare_by_key(world, org, key)
    opportunity(org, 1, MONDAY)
    assert checked(world) is None
    assert rows(world) == 1


@pytest.mark.parametrize("fault", ["another user", "another key", "no key"])
def test_an_app_whose_key_does_not_fit_is_refused(world, org, key, fault):
    declare_by_key(world, org, key, username="marked@else.example" if fault == "another user" else None)
    if fault == "another key":
        other = rsa.generate_private_key(public_exponent=65537, key_size=2048).public_key()
        encoding, form = serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        org.public_key = other.public_bytes(encoding, form).decode()
    if fault == "no key":
        key.write_text("marked, no key", "utf-8")
    said = checked(world)
    wanted = "no RSA key in PEM" if fault == "no key" else "the user, the key or the pre-approval of the app is refused"
    assert wanted in said
    assert "marked" not in said


def test_a_secret_that_does_not_fit_is_refused(world, deals):
    world.lake.environment["SF_SECRET"] = "marked-wrong"
    assert checked(world) == "crm: the app or its secret is refused (invalid_client, HTTP 400)."


@pytest.mark.parametrize("address", ["http://acme.my.salesforce.com", "acme.my.salesforce.com", "ftp://acme.example"])
def test_no_secret_is_sent_in_the_clear(world, deals, address):
    declare(world, deals, address="env:ORG")
    world.lake.environment["ORG"] = address
    said = checked(world)
    assert "must begin with https://" in said
    assert "acme.my.salesforce.com." not in said.replace("https://ACME.my.salesforce.com.", "")


def test_what_is_no_org_is_said(world, deals, tmp_path):
    declare(world, deals, address="http://127.0.0.1:9")
    assert "does not answer" in checked(world)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        (
            {"query": "SELECT Id, StageNam, Amount FROM Opportunity"},
            'has no field "StageNam"; did you mean "StageName"?',
        ),
        (
            {"query": "SELECT Id, StageName, Amount FROM Oportunity"},
            'no object "Oportunity"; did you mean "Opportunity"',
        ),
        ({"query": "SELECT Id, Acount.Name, StageName, Amount FROM Opportunity"}, 'did you mean "Account"?'),
        ({"query": "SELECT Id, Account.Nam, StageName, Amount FROM Opportunity"}, 'did you mean "Name"?'),
        ({"query": "SELECT Id, StageName FROM Opportunity"}, 'column "amount" is missing'),
        ({"query": "SELECT Id, StageName, Amount FROM Opportunity WHERE Amount >"}, "the condition is no SOQL"),
        ({"query": "SELECT Id, StageName, Amount FROM Opportunity WHERE Nothing = 1"}, "there is no such field"),
        ({"cursor": "StageName"}, "a cursor is a moment or a day; StageName is of type picklist"),
        ({"cursor": "SystemModStamps"}, 'did you mean "SystemModstamp"?'),
    ],
)
def test_what_is_not_there_is_named_with_the_nearest_before_the_first_row(world, deals, changes, said):
    opportunity(deals, 1, MONDAY)
    declared = {
        "kind": "salesforce",
        "feed": "salesforce_opportunities",
        "address": deals.address,
        "client_id": deals.client_id,
        "client_secret": "env:SF_SECRET",
        "query": "SELECT Id, StageName, Amount FROM Opportunity",
        **changes,
    }
    lines = [f'{key} = "{value}"\n' for key, value in declared.items()]
    (world.folder / "crm.toml").write_text("".join(lines) + '[map]\nId = "opportunity_id"\n', "utf-8")
    assert said in checked(world)
    assert said in error(world)
    assert not world.lake.storage.exists("bronze.salesforce_opportunities")


@pytest.mark.parametrize(
    ("column", "path", "said"),
    [
        ("amount", "CloseDate", "is of type Date, and amount of salesforce_opportunities is Float64"),
        ("close_date", "IsWon", "is of type Boolean, and close_date"),
        ("opportunity_name", "Account.Address", "holds several values"),
    ],
)
def test_what_a_column_cannot_hold_is_refused_before_the_first_row(world, deals, column, path, said):
    with (world.folder / "crm.toml").open("a", encoding="utf-8") as file:
        file.write(f'[map.columns.{column}]\nfrom = "{path}"\n')
    if column == "opportunity_name":
        path = world.folder / "crm.toml"
        path.write_text(path.read_text("utf-8").replace('Name = "opportunity_name"\n', "", 1), "utf-8")
    assert said in checked(world)


def test_a_query_reads_what_it_names(world, deals):
    opportunity(deals, 1, MONDAY)
    opportunity(deals, 2, MONDAY, StageName="Lost'")
    path = world.folder / "crm.toml"
    text = path.read_text("utf-8").replace('object = "Opportunity"\n', "")
    text = text.replace('Name = "opportunity_name"\n', "").replace('"Account.Name" = "provider_name"\n', "")
    query = "SELECT Id, StageName, Amount FROM Opportunity WHERE StageName = 'Lost\\\\'' OR Amount = 5"
    path.write_text(f'query = "{query}"\n{text}', "utf-8")
    assert checked(world) is None
    assert rows(world) == 1
    assert rows(world) == 0
