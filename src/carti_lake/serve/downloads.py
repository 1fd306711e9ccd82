"""Files to take away: the workbook, and whole tables, each with the rows that the viewer may see and no others."""

import tempfile
from pathlib import Path

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from carti_lake.releases.release import Release
from carti_lake.serve.formats import FORMATS
from carti_lake.serve.models import ReleaseRead, release_read
from carti_lake.serve.parameters import OF_A_RELEASE
from carti_lake.serve.problems import Problem
from carti_lake.serve.request import RequestContext, context_of
from carti_lake.serve.resources import MARTS

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
#: Endings of the files of tables, and what they hold.
ENDINGS = {"parquet": "application/vnd.apache.parquet", "csv": "text/csv"}
_BINARY = {"schema": {"type": "string", "format": "binary"}}


class Files(BaseModel):
    """The files of a release that the viewer may take away."""

    model_config = ConfigDict(extra="forbid")
    release: ReleaseRead
    files: list[str] = Field(description="Names, below /v1/published/", examples=[["provider_summary.parquet"]])


router = APIRouter(prefix="/v1", tags=["files"])


@router.get(
    "/workbook",
    response_class=Response,
    responses={200: {"description": "An Excel workbook", "content": {XLSX: _BINARY}}},
    operation_id="workbook",
    openapi_extra={"parameters": OF_A_RELEASE},
)
def workbook(request: Request) -> Response:
    """The release as an Excel workbook."""
    from carti_lake.outlets.workbook import WorkbookError, write_workbook

    context = _downloading(request)
    visible = context.opened
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "workbook.xlsx"
        try:
            write_workbook(visible.publication(), _told(context), path, visible.delivered())
        except WorkbookError as error:
            raise Problem(422, f"{error} /v1/published has the tables as files.") from error
        body = path.read_bytes()
    return _file(body, XLSX, f"carti-lake-release-{context.release.number}.xlsx")


@router.get("/published", response_model=Files, operation_id="published", openapi_extra={"parameters": OF_A_RELEASE})
def published(request: Request) -> Response:
    """The names of the files of whole tables."""
    context = _downloading(request)
    names = [f"{name}.{ending}" for name in tables(context) for ending in ENDINGS]
    listed = Files.model_validate({"release": release_read(context.release), "files": names})
    return Response(listed.model_dump_json(), media_type="application/json")


@router.get(
    "/published/{file}",
    response_class=Response,
    responses={200: {"description": "A whole table", "content": dict.fromkeys(ENDINGS.values(), _BINARY)}},
    operation_id="published_file",
    openapi_extra={"parameters": OF_A_RELEASE},
)
def published_file(request: Request, file: str) -> Response:
    """A whole table as one file."""
    context = _downloading(request)
    name, _, ending = file.rpartition(".")
    full = tables(context).get(name)
    if full is None or ending not in ENDINGS:
        raise Problem(404, "There is no such file that you may see; /v1/published lists them.")
    rows = context.opened.scan(full).collect(engine="streaming")
    context.rows = rows.height
    return _file(FORMATS[ENDINGS[ending]](rows, {}), ENDINGS[ending], file)


def _told(context: RequestContext) -> Release:
    """The release as its workbook tells of it: the figures of its audits are the whole network's."""
    viewer, release = context.viewer, context.release
    if viewer is not None and viewer.providers is None and viewer.service_lines is None and viewer.exact:
        return release
    from carti_lake.outlets.disclosure import without_figures

    return without_figures(release)


def _downloading(request: Request) -> RequestContext:
    context = context_of(request.scope)
    context.needs("download")
    return context


def tables(context: RequestContext) -> dict[str, str]:
    """Full names of the tables by the names of their files."""
    seen = context.opened.tables()
    return {table.short_name: table.full_name() for table in MARTS.values() if table.full_name() in seen}


def _file(body: bytes, media_type: str, name: str) -> Response:
    return Response(body, media_type=media_type, headers={"Content-Disposition": f'attachment; filename="{name}"'})
