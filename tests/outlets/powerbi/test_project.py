"""The project as files: Microsoft's schemas, fields that the model has, pages that can be read, the same bytes."""

import json
import re
import runpy
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest

from carti_lake import Lake
from carti_lake.access.viewer import Audience
from carti_lake.metrics import METRICS
from carti_lake.outlets.powerbi.layout import PHONE, on_a_phone
from carti_lake.outlets.powerbi.measures import MODELLED, NAMES, measures
from carti_lake.outlets.powerbi.model import model
from carti_lake.outlets.powerbi.names import WHY_EMPTY
from carti_lake.outlets.powerbi.pages import pages
from carti_lake.outlets.powerbi.project import powerbi_of, project_files
from carti_lake.outlets.powerbi.visuals import ROLES, Field, Place

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
    powerbi_of(lake.storage, str(tmp_path / "project"), audience=Audience.INSIDE)
    check = runpy.run_path(str(shared / "powerbi/check_pbip.py"))["check"]
    checked, problems = check(tmp_path / "project")
    assert problems == []
    assert checked == len([name for name in FILES if re.search(r"\.(json|pbir|pbism|pbip|platform)$", name)]) - 1


def test_the_schema_check_can_fail(lake: Lake, tmp_path: Path, shared: Path) -> None:
    powerbi_of(lake.storage, str(tmp_path / "project"), audience=Audience.INSIDE)
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
    assert held == {"'Visits rendered'", "'network'", "true"}


@pytest.mark.parametrize("visual", VISUALS, ids=lambda visual: visual["name"])
def test_a_visual_has_a_known_type_known_roles_and_a_text_for_who_cannot_see_it(visual: dict[str, Any]) -> None:
    inner = visual["visual"]
    assert set(inner.get("query", {}).get("queryState", {})) <= set(ROLES[inner["visualType"]])
    (general,) = inner["visualContainerObjects"]["general"]
    said = general["properties"]["altText"]["expr"]["Literal"]["Value"]
    assert re.fullmatch(r"'[A-Z](?:[^']|'')+\.'", said)
    literals = [node["Literal"]["Value"] for node in nodes(visual) if "Literal" in node]
    assert all(re.fullmatch(r"'(?:[^']|'')*'|true|false", value) for value in literals)


def test_there_are_five_pages_and_two_about_a_provider_whose_visuals_do_not_overlap_and_stay_on_the_page() -> None:
    shown = pages()
    own = ["overview", "referrals", "providers", "claims", "marketing"]
    assert [page.name for page in shown] == [*own, "one_provider", "provider_tip"]
    for page in shown:
        assert len({visual.name for visual in page.visuals}) == len(page.visuals)
        on_a_screen = [visual.place for visual in page.visuals]
        stands_apart(on_a_screen, page.size)
        phone = [*on_a_phone(page.visuals).values()]
        stands_apart(phone, (PHONE, max(one.y + one.height for one in phone)))


def stands_apart(places: list[Place], size: tuple[int, int]) -> None:
    """Whether places lie within a canvas, each large enough to be hit, and none over another."""
    for one in places:
        assert min(one.x, one.y) >= 0
        assert one.x + one.width <= size[0]
        assert one.y + one.height <= size[1]
        assert min(one.width, one.height) >= 44
    for a, b in combinations(places, 2):
        assert a.x + a.width <= b.x or b.x + b.width <= a.x or a.y + a.height <= b.y or b.y + b.height <= a.y


def test_every_page_has_its_place_on_a_phone() -> None:
    for page in pages():
        at = f"CartiLake.Report/definition/pages/{page.name}/visuals"
        told = {name for name in FILES if name.startswith(at) and name.endswith("/mobile.json")}
        assert told == ({f"{at}/{one.name}/mobile.json" for one in page.visuals} if page.use != "Tooltip" else set())


def test_a_provider_leads_to_a_page_about_it_and_rests_on_one() -> None:
    documents = {
        name.split("/")[3]: json.loads(text)
        for name, text in FILES.items()
        if re.search(r"pages/[^/]+/page.json$", name)
    }
    by_use = {one["type"]: one for one in documents.values() if "type" in one}
    assert by_use.keys() == {"Drillthrough", "Tooltip"}
    for one in by_use.values():
        (kept,), (bound,) = one["filterConfig"]["filters"], one["pageBinding"]["parameters"]
        assert one["visibility"] == "HiddenInViewMode" and bound["boundFilter"] == kept["name"]
        assert kept["field"] == bound["fieldExpr"] == Field("Provider", "Provider").expression
    tipped = [one for one in VISUALS if "visualTooltip" in one["visual"]["visualContainerObjects"]]
    assert {one["name"] for one in tipped} == {"from_and_to", "provider_figures", "comparison"}
    sections = {
        node["section"]["expr"]["Literal"]["Value"] for one in tipped for node in nodes(one) if "section" in node
    }
    assert sections == {"'provider_tip'"} and "provider_tip" in documents
    links = [node["visualLink"] for node in nodes(VISUALS) if "visualLink" in node]
    assert len(links) == 1 and links[0][0]["properties"]["type"]["expr"]["Literal"]["Value"] == "'Back'"


def test_a_chart_that_shows_nothing_says_why() -> None:
    for visual in VISUALS:
        inner = visual["visual"]
        if (
            inner["visualType"] in ("slicer", "textbox", "actionButton")
            or "title" not in inner["visualContainerObjects"]
        ):
            continue
        (line,) = inner["visualContainerObjects"]["subTitle"]
        told = line["properties"]["text"]["expr"]["Measure"]
        assert WHY_EMPTY[told["Expression"]["SourceRef"]["Entity"]] == told["Property"], visual["name"]


def test_months_without_facts_are_no_choice() -> None:
    choices = [one for one in VISUALS if one["name"] == "choose_date"]
    assert len(choices) == 6
    for one in choices:
        (kept,) = one["filterConfig"]["filters"]
        assert kept["field"]["Column"]["Property"] == "Has Facts"
        (values,) = kept["filter"]["Where"][0]["Condition"]["In"]["Values"]
        assert values == [{"Literal": {"Value": "true"}}]


def test_every_measure_is_a_metric_or_shown_or_read_by_another() -> None:
    made = measures()
    shown = {node["Measure"]["Property"] for node in nodes(VISUALS) if "Measure" in node}
    read = " ".join(one.expression for one in made)
    metrics = {NAMES[name] for name in METRICS if name in NAMES}
    assert [one.name for one in made if one.name not in shown | metrics and f"[{one.name}]" not in read] == []


def test_a_rate_on_few_cases_is_blank_and_a_sum_is_not() -> None:
    made = {one.name: one.expression for one in measures()}
    rate = made[NAMES["leakage_rate"]]
    assert rate.startswith("IF(SUM('Provider Monthly'[Referrals Made Base]) >= 11, DIVIDE(")
    rates = [one for one in MODELLED.values() if one.denominator and one.cases and not one.window]
    assert len(rates) > 20
    assert all(" >= 11, " in made[NAMES[name]] for name, one in MODELLED.items() if one in rates)
    assert not [name for name, one in MODELLED.items() if not one.denominator and ">= 11" in made[NAMES[name]]]


def test_names_of_files_are_ones_that_power_bi_reads() -> None:
    for name in FILES:
        assert len(name) < 160
        assert re.fullmatch(r"[\w .\-/]+", name)
    for visual in VISUALS:
        assert re.fullmatch(r"[\w-]+", visual["name"])
    filters = [node["name"] for one in VISUALS for node in one.get("filterConfig", {}).get("filters", [])]
    assert len(filters) == len(set(filters)) == 9


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
