"""The whole project: files by path, and where they go."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from carti_lake.access.audience import declared
from carti_lake.access.viewer import Audience
from carti_lake.outlets.destination import folder_at
from carti_lake.outlets.powerbi.layout import Page, on_a_phone
from carti_lake.outlets.powerbi.model import model
from carti_lake.outlets.powerbi.names import stable_id
from carti_lake.outlets.powerbi.pages import pages
from carti_lake.outlets.powerbi.public_model import public_model
from carti_lake.outlets.powerbi.public_pages import public_pages
from carti_lake.outlets.powerbi.tmdl import model_files
from carti_lake.outlets.powerbi.visuals import SCHEMAS, visual_json
from carti_lake.outlets.theme import INK, MEANS, PAPER, SERIES

if TYPE_CHECKING:
    from carti_lake.store.storage import Storage

NAME = "CartiLake"
#: Where the tables are, unless told: an example that the author replaces.
LAKE_FOLDER = r"C:\Data\carti_lake\published\tables"
_FABRIC = "https://developer.microsoft.com/json-schemas/fabric"
_THEME = f"{NAME}.json"


def powerbi_of(
    storage: "Storage", target: str, *, data: str = LAKE_FOLDER, audience: Audience | None = None
) -> list[str]:
    """Write the Power BI project into a folder; returns its files.

    It holds no numbers: the published tables do, and the author tells the parameter ``LakeFolder`` where those are. So
    the same version of the package writes the same bytes, whatever the release.

    Parameters
    ----------
    storage
        Whose credentials reach the target.
    target
        Folder for ``CartiLake.pbip`` and what belongs to it. Files of an earlier project that are no part of it any
        more are removed; what Power BI keeps for itself (``.pbi``) stays.
    data
        Folder of the published tables, as the computer with Power BI names it.
    audience
        Whose published tables it reads: all facts, or the network's along one axis at a time; None for the audience
        that is declared for the lake.
    """
    files = project_files(data, audience or declared(storage)[0])
    with folder_at(target, storage.options) as folder:
        for name, text in files.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, "utf-8", newline="\n")
    if "://" not in target:
        place = Path(target)
        for old in (path for name in _parts() for path in (place / name / "definition").rglob("*") if path.is_file()):
            if old.relative_to(place).as_posix() not in files:
                old.unlink()
    return [f"{target}/{name}" for name in files]


def project_files(data: str = LAKE_FOLDER, audience: Audience = Audience.INSIDE) -> dict[str, str]:
    """Every file of the project by its path."""
    public = audience is Audience.PUBLIC
    shown, made = (public_pages(), public_model()) if public else (pages(), model())
    report, semantic = _parts()
    documents = {
        f"{NAME}.pbip": _pbip(report),
        f"{semantic}/.platform": _platform("SemanticModel"),
        f"{semantic}/definition.pbism": {
            "$schema": f"{_FABRIC}/item/semanticModel/definitionProperties/1.0.0/schema.json",
            "version": "4.0",
            "settings": {},
        },
        f"{report}/.platform": _platform("Report"),
        f"{report}/definition.pbir": {
            "$schema": f"{_FABRIC}/item/report/definitionProperties/2.0.0/schema.json",
            "version": "4.0",
            "datasetReference": {"byPath": {"path": f"../{semantic}"}},
        },
        f"{report}/StaticResources/RegisteredResources/{_THEME}": {
            "name": NAME,
            "dataColors": list(SERIES),
            "background": PAPER,
            "foreground": INK,
            "tableAccent": SERIES[0],
            "good": MEANS["better"],
            "neutral": MEANS["neither"],
            "bad": MEANS["worse"],
        },
    }
    documents |= {f"{report}/definition/{name}": one for name, one in _report(shown).items()}
    texts = {name: json.dumps(one, indent=2, ensure_ascii=False) + "\n" for name, one in documents.items()}
    texts |= {f"{semantic}/definition/{name}": one for name, one in model_files(made, data).items()}
    texts[".gitignore"] = "**/.pbi/localSettings.json\n**/.pbi/cache.abf\n"
    return dict(sorted(texts.items()))


def _parts() -> tuple[str, str]:
    return f"{NAME}.Report", f"{NAME}.SemanticModel"


def _pbip(report: str) -> dict[str, Any]:
    return {
        "$schema": f"{_FABRIC}/pbip/pbipProperties/1.0.0/schema.json",
        "version": "1.0",
        "artifacts": [{"report": {"path": report}}],
        "settings": {"enableAutoRecovery": True},
    }


def _platform(kind: str) -> dict[str, Any]:
    return {
        "$schema": f"{_FABRIC}/gitIntegration/platformProperties/2.0.0/schema.json",
        "metadata": {"type": kind, "displayName": NAME},
        "config": {"version": "2.0", "logicalId": stable_id("item", kind)},
    }


def _report(shown: tuple[Page, ...]) -> dict[str, dict[str, Any]]:
    """The report's own files by path within ``definition``."""
    imported = {"visual": "2.1.0", "report": "3.0.0", "page": "2.0.0"}
    theme = {"name": _THEME, "path": _THEME, "type": "CustomTheme"}
    files: dict[str, dict[str, Any]] = {
        "version.json": {"$schema": f"{SCHEMAS}/versionMetadata/1.0.0/schema.json", "version": "2.0.0"},
        "report.json": {
            "$schema": f"{SCHEMAS}/report/3.0.0/schema.json",
            "themeCollection": {
                "customTheme": {"name": _THEME, "reportVersionAtImport": imported, "type": "RegisteredResources"}
            },
            "resourcePackages": [{"name": "RegisteredResources", "type": "RegisteredResources", "items": [theme]}],
            "settings": {
                "useStylableVisualContainerHeader": True,
                "exportDataMode": "AllowSummarized",
                "defaultDrillFilterOtherVisuals": True,
                "allowChangeFilterTypes": True,
                "useEnhancedTooltips": True,
                "useDefaultAggregateDisplayName": True,
            },
        },
        "pages/pages.json": {
            "$schema": f"{SCHEMAS}/pagesMetadata/1.0.0/schema.json",
            "pageOrder": [page.name for page in shown],
            "activePageName": shown[0].name,
        },
    }
    for page in shown:
        files[f"pages/{page.name}/page.json"] = {
            "$schema": f"{SCHEMAS}/page/2.0.0/schema.json",
            "name": page.name,
            "displayName": page.title,
            "displayOption": "FitToPage",
            "height": page.size[1],
            "width": page.size[0],
            **_use(page),
        }
        phone = {} if page.use == "Tooltip" else on_a_phone(page.visuals)
        for order, visual in enumerate(page.visuals):
            path = f"pages/{page.name}/visuals/{visual.name}/visual.json"
            files[path] = visual_json(page.name, visual, order)
            if visual.name in phone:
                place = phone[visual.name]
                files[f"pages/{page.name}/visuals/{visual.name}/mobile.json"] = {
                    "$schema": f"{SCHEMAS}/visualContainerMobileState/2.1.0/schema.json",
                    "position": {**asdict(place), "z": order * 1000, "tabOrder": order * 1000},
                }
    return files


def _use(page: Page) -> dict[str, Any]:
    """How a page is shown from a mark of another one: about the mark's member."""
    if page.use is None or page.about is None:
        return {}
    name, field = f"{page.name}_member", page.about.expression
    shown = {"name": name, "field": field, "type": "Categorical", "howCreated": "Drillthrough"}
    bound = {"name": f"{name}_parameter", "boundFilter": name, "fieldExpr": field}
    return {
        "type": page.use,
        "visibility": "HiddenInViewMode",
        "filterConfig": {"filters": [shown]},
        "pageBinding": {"name": f"{name}_binding", "type": page.use, "parameters": [bound]},
    }
