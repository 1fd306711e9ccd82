"""Who is meant: the NPI decides, then the name, then an alias; two people are never taken for one."""

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from carti_lake.pipeline.silver.providers import references, resolve, resolve_references, with_other_names
from carti_lake.tables.feeds import SalesforceCrm
from carti_lake.tables.silver import CrmAccounts, Providers, Referrals, Visits
from tests.worlds.rows import account, held, landed, visit

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
    ],
)
def test_npi_first_then_name_then_alias(name, npi, meant):
    assert resolved(name, npi) == meant


@pytest.mark.parametrize(
    ("given", "others"),
    [
        # Two names by visits alone, of a number that the directory lacks.
        ([("Ann Lee", "1003000126"), ("Eve Moss", "1003000126")], ["eve moss", "ann lee"]),
        ([("Ann Lee", "1003000126"), ("LEE, ANN", "1003000126"), ("", "1003000126")], [None, None, None]),
        # The directory's own name is one of them, its declared aliases are not.
        ([("Bo Diaz", LEE)], ["ann lee"]),
        ([("Dr. A. Lee", LEE), ("Ann Lee", LEE)], [None, None]),
        ([("A. Lee", LEE), ("Eve Moss", LEE)], ["eve moss", "ann lee"]),
        # A number that is none is nobody's, and a name alone has no number.
        ([("Ann Lee", "1234567890"), ("Eve Moss", "1234567890"), ("Eve Moss", "")], [None, None, None]),
    ],
)
def test_every_other_name_of_a_number_is_told_with_each_of_them(given, others):
    names, numbers = zip(*given, strict=True)
    rows = pl.LazyFrame({"reference_name": names, "reference_npi": numbers})
    found = resolve_references(rows, held(Providers, *DIRECTORY)).collect()
    told = {row[:2]: row[2] for row in found.select("reference_name", "reference_npi", "other_names").rows()}
    assert [told[one] for one in given] == others


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


@pytest.mark.parametrize("number", ["9999999999", "0000000000", "1111111111", "1234567890", "12345", "N00012", "12"])
def test_what_is_no_npi_names_nobody(number):
    rows = landed(Visits.feed, visit("V1", provider_npi=number), visit("V2", provider_name=None, provider_npi=number))
    assert references(rows, Visits).collect().rows() == [("Ann Lee", "")]


NAMES = ["Ann Lee", "Dr. Ann Lee", "Ann Moss", "LEE-MOSS, ANN", "Bo Diaz"]
deliveries = st.lists(st.tuples(st.sampled_from([LEE, DIAZ]), st.sampled_from(NAMES)), min_size=1, max_size=8)


def listed(rows):
    return pl.LazyFrame(rows, schema={"provider_id": pl.String, "provider_name": pl.String}, orient="row").with_columns(
        other_names=pl.lit(None, pl.String)
    )


@given(deliveries, st.data())
def test_names_of_a_number_are_known_however_they_were_delivered(rows, data):
    """All at once, or one after the other, whichever of them is current: what is known in the end is the same."""
    newest = listed(rows).group_by("provider_id", maintain_order=True).last()
    at_once = with_other_names(newest, listed(rows), None).collect().sort("provider_id")
    standing = listed(rows).clear()
    held: dict[str, tuple[int, str]] = {}
    for place in data.draw(st.permutations(range(len(rows)))):
        number, name = rows[place]
        wins = place >= held.get(number, (-1, ""))[0]
        held |= {number: (place, name)} if wins else {}
        one = listed([rows[place]])
        change = with_other_names(one if wins else one.clear(), one, standing).collect().lazy()
        kept = standing.join(change, on="provider_id", how="anti")
        standing = pl.concat([kept, change.select(kept.collect_schema().names())]).collect().lazy()
    assert_frame_equal(standing.collect().sort("provider_id"), at_once.select(standing.collect_schema().names()))


def test_another_name_of_a_number_is_an_alias():
    rows = with_other_names(listed([(LEE, "Ann Moss")]), listed([(LEE, "Dr. Ann Lee"), (LEE, "Ann Moss")]), None)
    row = rows.collect().row(0, named=True)
    assert row["other_names"] == "ann lee"
    assert resolved("Ann Lee", directory=[{**row, "npi": LEE}]) == (LEE, "alias")
