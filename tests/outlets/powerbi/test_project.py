"""The project as files: Microsoft's schemas, fields that the model has, pages that can be read, the same bytes."""

import json
import re
import runpy
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest

from carti_lake import Lake
from carti_lake.outlets.powerbi.layout import HEIGHT, WIDTH
from carti_lake.outlets.powerbi.model import model
from carti_lake.outlets.powerbi.pages import pages
from carti_lake.outlets.powerbi.project import powerbi_of, project_files
from carti_lake.outlets.powerbi.visuals import ROLES

FILES = project_files()
VISUALS = [json.loads(text) for name, text in FILES.items() if name.endswith("/visual.json")]


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake(tmp_path / "lake")


def nodes(node: Any) -> list[dict[str, Any]]:
    """Every object within a document."""
    if isinstance(node, dict):
        return [node, *(inner for value in node.values() for inner in nodes(value))]
    return [inner for value in node for inner in nodes(value)] if isinstance(node, list) else []


def test_microsofts_schemas_find_nothing_wrong(lake: Lake, tmp_path: Path, shared: Path) -> None:
    powerbi_of(lake.storage, str(tmp_path / "project"))
    check = runpy.run_path(str(shared / "powerbi/check_pbip.py"))["check"]
    checked, problems = check(tmp_path / "project")
    assert problems == []
    assert checked == len([name for name in FILES if re.search(r"\.(json|pbir|pbism|pbip|platform)$", name)]) - 1


def test_the_schema_check_can_fail(lake: Lake, tmp_path: Path, shared: Path) -> None:
    powerbi_of(lake.storage, str(tmp_path / "project"))
    (tmp_path / "project/CartiLake.SemanticModel/definition/tables/Payer.tmdl").unlink()
    check = runpy.run_path(str(shared / "powerbi/check_pbip.py"))["check"]
    assert any("'Payer'[Payer]" in problem for problem in check(tmp_path / "project")[1])


def test_every_field_of_every_visual_is_in_the_model() -> None:
    columns = {(table.name, one.name) for table in model().tables for one in table.columns if not one.hidden}
    measures = {(table.name, one.name) for table in model().tables for one in table.measures}
    read = {"Column": set(), "Measure": set()}
    for node in nodes(VISUALS):
        for kind in read.keys() & node.keys():
            source = node[kind]["Expression"]["SourceRef"]
            if "Entity" in source:
                read[kind].add((source["Entity"], node[kind]["Property"]))
    assert read["Column"] <= columns
    assert read["Measure"] <= measures
    assert len(read["Measure"]) > 40


def test_values_that_filters_hold_visuals_to_are_ones_that_the_published_tables_have() -> None:
    held = {node["Value"] for one in VISUALS for node in nodes(one.get("filterConfig", {})) if "Value" in node}
    assert held == {"'Visits rendered'", "'network'"}


@pytest.mark.parametrize("visual", VISUALS, ids=lambda visual: visual["name"])
def test_a_visual_has_a_known_type_known_roles_and_a_text_for_who_cannot_see_it(visual: dict[str, Any]) -> None:
    inner = visual["visual"]
    assert set(inner.get("query", {}).get("queryState", {})) <= set(ROLES[inner["visualType"]])
    (general,) = inner["visualContainerObjects"]["general"]
    said = general["properties"]["altText"]["expr"]["Literal"]["Value"]
    assert re.fullmatch(r"'[A-Z](?:[^']|'')+\.'", said)
    literals = [node["Literal"]["Value"] for node in nodes(visual) if "Literal" in node]
    assert all(re.fullmatch(r"'(?:[^']|'')*'|true|false", value) for value in literals)


def test_there_are_five_pages_of_visuals_that_do_not_overlap_and_stay_on_the_page() -> None:
    shown = pages()
    assert [page.name for page in shown] == ["overview", "referrals", "providers", "claims", "marketing"]
    for page in shown:
        assert len({visual.name for visual in page.visuals}) == len(page.visuals)
        for one in (visual.place for visual in page.visuals):
            assert min(one.x, one.y) >= 0
            assert one.x + one.width <= WIDTH
            assert one.y + one.height <= HEIGHT
            assert min(one.width, one.height) >= 56
        for a, b in combinations([visual.place for visual in page.visuals], 2):
            apart = a.x + a.width <= b.x or b.x + b.width <= a.x or a.y + a.height <= b.y or b.y + b.height <= a.y
            assert apart


def test_names_of_files_are_ones_that_power_bi_reads() -> None:
    for name in FILES:
        assert len(name) < 160
        assert re.fullmatch(r"[\w .\-/]+", name)
    for visual in VISUALS:
        assert re.fullmatch(r"[\w-]+", visual["name"])
    filters = [node["name"] for one in VISUALS for node in one.get("filterConfig", {}).get("filters", [])]
    assert len(filters) == len(set(filters)) == 3


def test_the_theme_is_registered() -> None:
    report = json.loads(FILES["CartiLake.Report/definition/report.json"])
    (item,) = report["resourcePackages"][0]["items"]
    assert f"CartiLake.Report/StaticResources/RegisteredResources/{item['path']}" in FILES


def test_writing_again_changes_nothing_and_removes_what_is_left_over(lake: Lake, tmp_path: Path) -> None:
    folder = tmp_path / "project"
    written = powerbi_of(lake.storage, str(folder))
    before = {name: Path(name).read_bytes() for name in written}
    old = folder / "CartiLake.Report/definition/pages/old/page.json"
    settings = folder / "CartiLake.SemanticModel/.pbi/localSettings.json"
    for path in (old, settings):
        path.parent.mkdir(parents=True)
        path.write_text("{}")
    assert powerbi_of(lake.storage, str(folder)) == written
    assert {name: Path(name).read_bytes() for name in written} == before
    assert not old.exists()
    assert settings.exists()


def test_files_are_as_power_bi_wants_them_without_a_mark_and_with_unix_lines() -> None:
    assert not [name for name, text in FILES.items() if text.startswith("\ufeff") or "\r" in text]
    assert all(text.endswith("\n\n") for name, text in FILES.items() if name.endswith(".tmdl"))


def test_the_folder_of_the_tables_is_the_parameters_default() -> None:
    text = project_files(r"\\server\lake\tables")["CartiLake.SemanticModel/definition/expressions.tmdl"]
    assert r'expression LakeFolder = "\\server\lake\tables" meta [IsParameterQuery=true' in text
