"""Who is meant: the NPI decides, then the name, then an alias; two people are never taken for one."""

import polars as pl
import pytest

from carti_lake.pipeline.silver.providers import references, resolve, resolve_references
from carti_lake.tables.feeds import SalesforceCrm
from carti_lake.tables.silver import CrmAccounts, Providers, Referrals
from tests.worlds.rows import account, held, landed

LEE, DIAZ = "1234567893", "1679576722"
DIRECTORY = [
    {"provider_id": LEE, "npi": LEE, "provider_name": "Ann Lee, MD", "aliases": "A. Lee; Ann Lee-Moss"},
    {"provider_id": DIAZ, "npi": DIAZ, "provider_name": "Bo Diaz", "aliases": None},
    {"provider_id": "name:john smith", "provider_name": "John Smith", "aliases": "J. Smith"},
    {"provider_id": "name:jane smith", "provider_name": "Jane Smith", "aliases": "J. Smith"},
]


def resolved(name, npi="", directory=DIRECTORY):
    given = pl.LazyFrame({"reference_name": [name], "reference_npi": [npi]})
    return resolve_references(given, held(Providers, *directory)).select("provider_id", "matched_by").collect().row(0)


@pytest.mark.parametrize(
    ("name", "npi", "meant"),
    [
        ("Bo Diaz", LEE, (LEE, "npi")),
        ("", LEE, (LEE, "npi")),
        ("LEE, ANN", "", (LEE, "name")),
        ("Dr. Ann Lee", "1234567890", (LEE, "name")),  # an NPI whose check digit is wrong says nothing
        ("Ann Lee Moss", "", (LEE, "alias")),
        ("Ann Lee", "1003000126", ("1003000126", "none")),  # a valid NPI that the directory lacks
        ("J. Smith", "", ("name:j smith", "none")),  # two providers go by that alias
        ("Eve Nobody", "", ("name:eve nobody", "none")),
        ("Dr.", "", ("name:dr.", "none")),
        ("", "12", ("name:12", "none")),
    ],
)
def test_npi_first_then_name_then_alias(name, npi, meant):
    assert resolved(name, npi) == meant


def test_a_name_that_two_providers_bear_means_neither():
    twins = [{"provider_id": npi, "npi": npi, "provider_name": "John Smith"} for npi in (LEE, DIAZ)]
    assert resolved("John Smith", directory=twins) == ("name:john smith", "none")


def test_without_a_directory_every_spelling_of_a_name_is_one_provider():
    assert {resolved(name, directory=[])[0] for name in ("Dr. Ann Lee", "LEE, ANN")} == {"name:ann lee"}


def test_referring_and_rendering_roles_are_resolved_apart():
    rows = pl.LazyFrame(
        {
            "referral_id": ["R1", "R2"],
            "referring_provider_name": ["Ann Lee", "Bo Diaz"],
            "referring_provider_npi": pl.Series([None, None], dtype=pl.String),
            "rendering_provider_name": ["Bo Diaz", None],
            "rendering_provider_npi": pl.Series([None, None], dtype=pl.String),
        }
    )
    named = references(rows, Referrals)
    assert set(named.collect()["reference_name"]) == {"Ann Lee", "Bo Diaz"}
    known = resolve_references(named, held(Providers, *DIRECTORY))
    roles = resolve(rows, Referrals, known).sort("referral_id")
    assert roles.select("referring_provider_id", "rendering_provider_id").collect().rows() == [
        (LEE, DIAZ),
        (DIAZ, None),
    ]


def test_the_key_of_an_account_loses_its_blanks_and_still_finds_its_provider():
    delivered = landed(SalesforceCrm, account("  Ann Lee "), account(" ", provider_npi=f" {DIAZ} "))
    named = references(delivered, CrmAccounts)
    assert sorted(named.collect().rows()) == [("", DIAZ), ("Ann Lee", "")]
    accounts = pl.LazyFrame({"provider_name": ["Ann Lee", None], "provider_npi": [None, f" {DIAZ} "]})
    found = resolve(accounts, CrmAccounts, resolve_references(named, held(Providers, *DIRECTORY)))
    assert found.collect()["provider_id"].to_list() == [LEE, DIAZ]


def test_a_name_of_blanks_names_nobody():
    assert references(landed(SalesforceCrm, account(" ")), CrmAccounts).collect().is_empty()
