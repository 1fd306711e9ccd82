"""The model keeps the Best Practice Analyzer's rules, and its columns are the published files' columns."""

import re
from dataclasses import replace

import polars as pl
import pytest

from carti_lake.metrics import METRICS
from carti_lake.outlets.powerbi.measures import NAMES
from carti_lake.outlets.powerbi.model import OWN, Model, model
from carti_lake.outlets.powerbi.tmdl import TYPES, model_files
from carti_lake.outlets.published.columns import PUBLISHED
from carti_lake.outlets.published.star import AXIS_FACTS

from .rules import RULES, columns

MODEL = model()


@pytest.mark.parametrize("rule", RULES)
def test_the_model_keeps_the_rule(rule: str) -> None:
    assert RULES[rule](MODEL) == []


def changed(table: str, **values: object) -> Model:
    return replace(MODEL, tables=tuple(replace(one, **values) if one.name == table else one for one in MODEL.tables))


def broken_measure(expression: str) -> Model:
    (release,) = (one for one in MODEL.tables if one.name == "Release")
    return changed("Release", measures=tuple(replace(one, expression=expression) for one in release.measures))


@pytest.mark.parametrize(
    ("rule", "expression"),
    [
        ("DAX_COLUMNS_FULLY_QUALIFIED", "SUM([Release])"),
        ("DAX_MEASURES_UNQUALIFIED", "'Provider Monthly'[Visits rendered] + 1"),
        ("USE_THE_DIVIDE_FUNCTION_FOR_DIVISION", "SUM('Release'[Release]) / SUM('Release'[Release])"),
        ("MEASURES_SHOULD_NOT_BE_DIRECT_REFERENCES_OF_OTHER_MEASURES", "[Visits rendered]"),
        ("FILTER_COLUMN_VALUES", "COUNTROWS(FILTER('Release', 'Release'[Release] = 1))"),
        ("columns that DAX reads are there", "SUM('Release'[Nothing])"),
        ("AVOID_DUPLICATE_MEASURES", "SUM('Provider Monthly'[Visits Base])"),
    ],
)
def test_a_rule_finds_what_breaks_it(rule: str, expression: str) -> None:
    assert RULES[rule](broken_measure(expression))


@pytest.mark.parametrize(
    ("rule", "table", "values"),
    [
        ("OBJECTS_WITH_NO_DESCRIPTION", "Payer", {"description": ""}),
        ("ENSURE_TABLES_HAVE_RELATIONSHIPS", "Release", {"ignored_rule": None}),
        ("no two objects share a name", "Payer", {"name": "provider"}),
    ],
)
def test_a_rule_finds_a_broken_table(rule: str, table: str, values: dict[str, object]) -> None:
    assert RULES[rule](changed(table, **values))


def test_every_metric_that_a_feed_can_deliver_is_a_measure() -> None:
    assert METRICS.keys() - NAMES.keys() == {one.id for one in METRICS.values() if one.missing}


def test_types_of_columns_are_those_of_the_published_files() -> None:
    for table, column in columns(MODEL):
        assert column.dtype == PUBLISHED[table.source].schema()[column.source]
    m_types = {"int64": "Int64.Type", "decimal": "Currency.Type", "double": "type number", "string": "type text"}
    assert dict(TYPES.values()) == m_types | {"dateTime": "type date", "boolean": "type logical"}
    assert not [one for _, one in columns(MODEL) if isinstance(one.dtype, pl.Decimal) and one.dtype.scale != 4]


def test_every_published_table_of_the_star_is_read() -> None:
    assert {table.source for table in MODEL.tables} == PUBLISHED.keys() - {fact.name for fact in AXIS_FACTS}


def test_relationships_are_the_references_of_the_published_tables() -> None:
    sources = {table.name: table for table in MODEL.tables}

    def source(end: tuple[str, str]) -> tuple[str, str]:
        table = sources[end[0]]
        return table.source, next(one.source for one in table.columns if one.name == end[1])

    related = {(*source(one.many), *source(one.one)) for one in MODEL.relationships}
    read = {table.source for table in MODEL.tables}
    assert related == {(name, *way) for name in read for way in PUBLISHED[name].references}


def test_whoever_may_see_some_providers_sees_nothing_that_is_about_none() -> None:
    (own,) = (role for role in MODEL.roles if role.name == OWN)
    assert own.permissions["Provider"] == (
        "NOT ISBLANK ( LOOKUPVALUE ( 'Security Map'[Provider Key], 'Security Map'[User Principal Name], "
        "USERPRINCIPALNAME (), 'Security Map'[Provider Key], 'Provider'[Provider Key] ) )"
    )
    assert {role.permissions["Security Map"] for role in MODEL.roles} == {"FALSE ()"}
    to_provider = {one.many[0] for one in MODEL.relationships if one.one[0] == "Provider"}
    facts = {one.many[0] for one in MODEL.relationships} - {"Security Map"}
    assert {name for name, dax in own.permissions.items() if dax == "FALSE ()"} == facts - to_provider | {
        "Security Map"
    }
    assert facts - to_provider == {"Claims Maturity", "Marketing ROI", "Marketing Monthly", "Data Quality"}


def test_ids_are_unique_and_do_not_change() -> None:
    text = "".join(model_files(MODEL, "x").values())
    tags = re.findall(r"lineageTag: (\S+)", text)
    assert len(tags) == len(set(tags)) > 300
    assert model_files(model(), "x") == model_files(MODEL, "x")
    assert "lineageTag: 6e3ec8ab-9af6-52c1-9ba6-62960a3fa063" in text


def test_a_quote_in_the_folder_does_not_end_the_text() -> None:
    assert 'expression LakeFolder = "C:\\a ""b""" meta' in model_files(MODEL, 'C:\\a "b"')["expressions.tmdl"]
