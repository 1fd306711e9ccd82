import pytest
from hypothesis import given
from hypothesis import strategies as st

from carti_lake.sources.extract import ExtractError
from carti_lake.sources.headers import column_names, match_headers
from carti_lake.sources.map_file import read_mapping
from carti_lake.sources.mapping import NO_MAP, SourceMap
from carti_lake.tables.feeds import EhrVisits, SalesforceCrm

CRM = ["provider_name", "contact_count", "deals_value", "opportunity_value", "marketing_cost", "pipeline_stage"]


def test_case_blanks_underscores_and_hyphens_do_not_matter():
    headers = [
        "\ufeffProvider Name",
        "CONTACT-COUNT",
        "dealsValue",
        "Opportunity_Value",
        " marketing cost ",
        "PipelineStage",
    ]
    assert list(match_headers(headers, SalesforceCrm, NO_MAP, "crm.csv").values()) == CRM


def test_headers_that_name_no_column_are_left_out():
    assert "Region" not in match_headers([*CRM, "Region"], SalesforceCrm, NO_MAP, "crm.csv")


def test_a_mapping_goes_before_a_match_by_name():
    headers = ["Physician", *CRM[1:]]
    assert (
        match_headers(headers, SalesforceCrm, SourceMap({"physician": "provider_name"}), "crm.csv")["Physician"]
        == "provider_name"
    )


def test_a_missing_column_is_named_with_the_place_and_the_remedy():
    with pytest.raises(ExtractError) as error:
        match_headers(CRM[1:], SalesforceCrm, NO_MAP, "crm.csv, line 1")
    assert str(error.value) == (
        'crm.csv, line 1: column "provider_name" is missing; the feed salesforce_crm needs it. '
        "Map a foreign header with --map FILE."
    )


def test_values_of_a_file_without_a_header_are_not_repeated():
    row = ["P-1734", "2026-01-02", "C50.911", "99213", "Dr. Brown", "120.50"]
    with pytest.raises(ExtractError) as error:
        match_headers(row, EhrVisits, NO_MAP, "visits.csv, line 1")
    assert not any(value in str(error.value) for value in row)


@pytest.mark.parametrize("twin", ["provider_name", "Provider-Name"])
def test_two_headers_for_one_column_are_refused(twin):
    with pytest.raises(ExtractError, match=r'2 headers deliver the column "provider_name"'):
        match_headers([*CRM, twin], SalesforceCrm, NO_MAP, "crm.csv")


def test_a_repeated_header_that_the_feed_does_not_know_is_numbered():
    headers = [*CRM, "note", "Note", "note", "note (2)"]
    matched = match_headers(headers, SalesforceCrm, NO_MAP, "crm.csv")
    assert column_names(headers, matched) == [*CRM, "note", "Note", "note (2)", "note (2) (2)"]


@pytest.mark.parametrize("unseen", ["\u200b", "\u00a0", "\u00ad", "\ufeff", "\u2060", "\u200e"])
def test_characters_that_nobody_sees_do_not_matter(unseen):
    headers = [f"{unseen}provider{unseen}_name{unseen}", *CRM[1:]]
    assert list(match_headers(headers, SalesforceCrm, NO_MAP, "crm.csv").values()) == CRM


def test_a_mapping_to_an_unknown_column_suggests_the_nearest():
    with pytest.raises(ExtractError, match=r'did you mean "provider_name"'):
        match_headers(CRM, SalesforceCrm, SourceMap({"Physician": "provider_nme"}), "crm.csv")


def test_columns_without_a_header_are_called_by_their_place():
    headers = [*CRM, "", "Region", "", "-"]
    matched = match_headers(headers, SalesforceCrm, NO_MAP, "crm.csv")
    assert column_names(headers, matched) == [*CRM, "column 7", "Region", "column 9", "column 10"]


@given(st.lists(st.sampled_from(list(SalesforceCrm.delivered())), unique=True), st.data())
def test_any_spelling_of_the_declared_names_matches(columns, data):
    columns = list(dict.fromkeys([*CRM, *columns]))
    spelt = [
        "".join(data.draw(st.sampled_from([letter, letter.upper()])) for letter in name).replace(
            "_", data.draw(st.sampled_from(["_", " ", "-", "", "__"]))
        )
        for name in columns
    ]
    assert match_headers(spelt, SalesforceCrm, NO_MAP, "crm.csv") == dict(zip(spelt, columns, strict=True))


def test_a_mapping_file_is_toml_or_json(tmp_path):
    (tmp_path / "map.toml").write_text('"Billed amount" = "claim_amount"\n')
    (tmp_path / "map.json").write_text('\ufeff{"Billed amount": "claim_amount"}')
    assert (
        read_mapping(tmp_path / "map.toml")
        == read_mapping(tmp_path / "map.json")
        == SourceMap({"Billed amount": "claim_amount"})
    )


@pytest.mark.parametrize(
    ("text", "complaint"),
    [("Billed amount = claim_amount", "not valid TOML or JSON"), ("[table]\na = 1", "must name one column")],
)
def test_a_mapping_file_that_is_none_says_so(tmp_path, text, complaint):
    (tmp_path / "map.toml").write_text(text)
    with pytest.raises(ExtractError, match=complaint):
        read_mapping(tmp_path / "map.toml")
    with pytest.raises(ExtractError, match="no such mapping file"):
        read_mapping(tmp_path / "absent.toml")
