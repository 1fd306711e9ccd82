"""The project for the public can be refreshed: it names what is published for them, and sums no hole."""

import json
import re
import runpy
from pathlib import Path

import polars as pl
import pytest

from carti_lake.access.viewer import Audience
from carti_lake.disclosure import publication
from carti_lake.outlets.powerbi.measures import measures
from carti_lake.outlets.powerbi.project import project_files
from carti_lake.outlets.powerbi.public_model import public_facts, public_measures, public_model
from carti_lake.outlets.powerbi.public_pages import public_pages
from carti_lake.outlets.powerbi.visuals import ROLES
from carti_lake.outlets.published.publish import write_set
from carti_lake.outlets.published.star import AXIS_FACTS
from carti_lake.releases.release import Release

from .rules import RULES
from .test_project import stands_apart

MODEL = public_model()
FILES = project_files(audience=Audience.PUBLIC)


@pytest.fixture
def published(frames: dict[str, pl.DataFrame], release: Release, tmp_path: Path) -> dict[str, pl.DataFrame]:
    """The tables that the public is given, as they stand in the folder."""
    manifest = write_set(publication(frames), release, str(tmp_path), {}, full_counts=False)
    folder = tmp_path / "sets" / manifest["set"]
    return {name: pl.read_parquet(folder / said["file"]) for name, said in manifest["tables"].items()}


def test_every_table_and_column_is_in_the_published_folder_with_its_type(published: dict[str, pl.DataFrame]) -> None:
    for table in MODEL.tables:
        held = published[table.source].schema
        assert {one.source: one.dtype for one in table.columns}.items() <= dict(held).items(), table.name


def test_what_the_project_reads_are_those_tables() -> None:
    text = "".join(text for name, text in FILES.items() if "/tables/" in name)
    assert {*re.findall(r'PublishedTable\("(\w+)"\)', text)} == {one.source for one in MODEL.tables}
    assert "--for public" in FILES["CartiLake.SemanticModel/definition/expressions.tmdl"]
    assert "--for inside" in project_files()["CartiLake.SemanticModel/definition/expressions.tmdl"]


@pytest.mark.parametrize("rule", RULES)
def test_the_model_keeps_the_rule(rule: str) -> None:
    assert RULES[rule](MODEL) == []


def test_microsofts_schemas_find_nothing_wrong(tmp_path: Path, shared: Path) -> None:
    for name, text in FILES.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8", newline="\n")
    assert runpy.run_path(str(shared / "powerbi/check_pbip.py"))["check"](tmp_path)[1] == []


def test_a_measure_is_blank_where_a_number_that_it_sums_is_hidden() -> None:
    of_metrics = [one for one in public_measures() if "SUM(" in one.expression]
    assert len(of_metrics) > 100
    for one in of_metrics:
        condition, _, _ = one.expression.partition(" = 0")
        asked = {*re.findall(r"COUNTBLANK\(('[^']+'\[[^]]+\])\)", condition)}
        assert {*re.findall(r"SUM\(('[^']+'\[[^]]+\])\)", one.expression)} <= asked, one.name


def test_every_column_that_a_measure_reads_is_of_its_own_table_or_of_the_calendar() -> None:
    columns = {(table.name, one.name) for table in MODEL.tables for one in table.columns}
    for one in public_measures():
        read = {*re.findall(r"'([^']+)'\[([^]]+)\]", one.expression)}
        assert read <= columns, one.name
        if one.table != "Release":
            assert {table for table, _ in read} <= {one.table, "Date"}, one.name


def test_every_field_of_every_visual_is_in_the_model() -> None:
    columns = {(table.name, one.name) for table in MODEL.tables for one in table.columns if not one.hidden}
    made = {(table.name, one.name) for table in MODEL.tables for one in table.measures}
    for page in public_pages():
        stands_apart([visual.place for visual in page.visuals], page.size)
        for visual in page.visuals:
            assert {*visual.roles} <= {*ROLES[visual.kind]}
            for field in (one for fields in visual.roles.values() for one in fields):
                assert (field.table, field.name) in (made if field.measure else columns)


def test_a_view_that_months_do_not_filter_says_so() -> None:
    by_month = {
        table.name
        for table in MODEL.tables
        for way in MODEL.relationships
        if way.many[0] == table.name and way.one[0] == "Date"
    }
    for page in public_pages():
        for visual in page.visuals:
            tables = {one.table for fields in visual.roles.values() for one in fields if one.measure} - {"Release"}
            if tables and not tables <= by_month:
                assert "all months" in f"{visual.title} {visual.alternative}", visual.name


def test_the_public_has_no_roles_since_all_of_it_is_theirs() -> None:
    assert MODEL.roles == ()
    assert not [name for name in FILES if "/roles/" in name or "Security" in name]


def test_each_axis_that_a_metric_is_of_is_in_the_model() -> None:
    left = {one.name for one in AXIS_FACTS} - {one.name for one in public_facts()}
    # Initial denials by month of activity are a window of months, which one axis cannot tell.
    assert left == {"claims_by_activity_month"}


def test_headlines_are_named_as_for_the_inside() -> None:
    inside = {one.name for one in measures() if one.folder == "Headlines"}
    assert {one.name for one in public_measures() if one.folder == "Headlines"} == inside


def test_the_pages_are_shown_in_their_order_and_have_a_place_on_a_phone() -> None:
    named = json.loads(FILES["CartiLake.Report/definition/pages/pages.json"])["pageOrder"]
    assert named == ["overview", "referrals", "providers", "claims"]
    for page in public_pages():
        at = f"CartiLake.Report/definition/pages/{page.name}/visuals"
        assert {f"{at}/{one.name}/mobile.json" for one in page.visuals} <= FILES.keys()
