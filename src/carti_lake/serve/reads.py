"""The routes that read rows: one for each resource, and those whose columns the request itself decides."""

import json
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import polars as pl
from fastapi import APIRouter, Request, Response

from carti_lake.metrics import METRICS
from carti_lake.releases import diff as changes
from carti_lake.releases.explain import ExplainError, explain
from carti_lake.releases.release import ReleaseError
from carti_lake.serve import parameters
from carti_lake.serve.formats import FORMATS, negotiate
from carti_lake.serve.models import Change, Explained, MetricValue, page_model, page_of, release_read
from carti_lake.serve.parameters import BETWEEN, OF_A_PAGE, OF_A_RELEASE, PROVIDER, names
from carti_lake.serve.problems import Problem, wrong_parameter
from carti_lake.serve.request import RequestContext, context_of
from carti_lake.serve.resources import MARTS, RESOURCES, Resource
from carti_lake.serve.selection import select, selection
from carti_lake.tables import Table
from carti_lake.tables.gold import DimProvider

if TYPE_CHECKING:
    from carti_lake.access import Visible

router = APIRouter(prefix="/v1")

_HOW = """

Filters: `column=value` (repeated: any of them), and `column.gte`, `.lte`, `.gt`, `.lt` and `.null` (true, false) on any
column. A parameter that is no column is refused, never passed over. JSON says of which release the rows are. CSV,
Parquet and Arrow (by `Accept`) hold the rows alone; the headers `Carti-Release`, `Carti-Total` and, for the next page,
`Link` say the rest.
"""


def answer(
    request: Request, rows: pl.LazyFrame, key: Sequence[str], own: Sequence[str] = (), about: object = None
) -> Response:
    """The page of the rows that the request asks for, in the format that it accepts.

    Parameters
    ----------
    request
        With its filters, order, fields, limit and cursor.
    rows
        All rows that the viewer may see.
    key
        Columns that together tell them apart.
    own
        Further query parameters of the route.
    about
        What those mean: a cursor of another meaning does not fit.
    """
    context = context_of(request.scope)
    media_type = negotiate(request.headers.get("accept", ""))
    if media_type is None:
        raise Problem(406, f"Rows are to be had as {', '.join(FORMATS)}.")
    query = request.query_params.multi_items()
    wanted = selection(
        f"{request.url.path} {about}", [one for one in query if one[0] not in own], dict(rows.collect_schema()), key
    )
    page = select(rows, wanted, context.release.number)
    context.rows = page.rows.height
    said = {"release": release_read(context.release), "total": page.total, "next": page.next}
    headers = {}
    if media_type != "application/json":
        headers = {"Carti-Release": str(context.release.number), "Carti-Total": str(page.total)}
    if page.next:
        following = request.url.include_query_params(cursor=page.next)
        headers["Link"] = f'<{following.path}?{following.query}>; rel="next"'
    return Response(FORMATS[media_type](page.rows, said), headers=headers, media_type=media_type)


def _endpoint(resource: Resource) -> Callable[[Request], Response]:
    def read(request: Request) -> Response:
        context = context_of(request.scope)
        context.needs("read")
        return answer(request, resource.read(context), resource.key)

    return read


def _rows_of(model: type[Any]) -> dict[int | str, dict[str, Any]]:
    other = {name: {"schema": {"type": "string", "format": "binary"}} for name in FORMATS if name != "application/json"}
    return {200: {"model": model, "description": "A page of rows", "content": other}}


for _resource in RESOURCES:
    router.add_api_route(
        f"/{_resource.path}",
        _endpoint(_resource),
        response_class=Response,
        responses=_rows_of(page_model(_resource)),
        summary=_resource.title.rstrip("."),
        description=_resource.title + _HOW,
        operation_id=_resource.path.replace("/", "_").replace("-", "_"),
        tags=["rows"],
        openapi_extra={"parameters": [*parameters.of_rows(_resource), *OF_A_RELEASE]},
    )


@router.get(
    "/metrics/{metric}",
    response_class=Response,
    responses=_rows_of(page_of(MetricValue, "MetricPage", "A metric's value in each group.")),
    tags=["rows"],
    operation_id="metric_values",
    openapi_extra={
        "parameters": [
            names(
                "by",
                "Columns of the metric's mart to group by, with commas between; none: one value of all rows",
                sorted({name for metric in METRICS.values() for name in metric.mart.key()}),
            ),
            *OF_A_PAGE,
            *OF_A_RELEASE,
        ]
    },
)
def metric_values(request: Request, metric: str) -> Response:
    """A metric at a grain: both its sums, its cases, its value, and the reason where there is none."""
    context = context_of(request.scope)
    context.needs("read")
    if metric not in METRICS:
        raise Problem(404, "There is no such metric; /v1/metrics lists them.")
    by = [name for name in (_single(request, "by") or "").split(",") if name]
    key = METRICS[metric].mart.key()
    if len({*by}) < len(by) or not {*by} <= {*key}:
        raise wrong_parameter("by", f"{metric} can be grouped by {', '.join(key)}, each once")
    try:
        rows = context.opened.metric(metric, by)
    except ReleaseError as error:
        raise Problem(404, str(error)) from error
    return answer(request, rows, by, ("by",), by)


@router.get(
    "/changes/{resource:path}",
    response_class=Response,
    responses=_rows_of(page_of(Change, "ChangePage", "Rows that two releases hold differently.")),
    tags=["releases"],
    operation_id="changes",
    openapi_extra={"parameters": [*BETWEEN, *OF_A_PAGE]},
)
def changed_rows(request: Request, resource: str) -> Response:
    """Rows of a resource that two releases hold differently: inserted, updated (old and new values), deleted."""
    context = context_of(request.scope)
    context.needs("read")
    table = MARTS.get(resource)
    if table is None:
        raise Problem(404, f"Changes are to be had of {', '.join(MARTS)}.")
    before, after = _between(context, request)
    rows = changes.diff(_scanned(before, table), _scanned(after, table), table)
    return answer(request, rows, table.key(), ("from", "to"), (before.release.number, after.release.number))


@router.get(
    "/explain/{metric}",
    response_model=Explained,
    tags=["releases"],
    operation_id="explain",
    openapi_extra={"parameters": [*BETWEEN, PROVIDER]},
)
def explained(request: Request, metric: str) -> Response:
    """Why a metric differs between two releases: causes that sum exactly to the change.

    For viewers of exact numbers and all service lines; whoever does not see all providers names one.
    """
    context = context_of(request.scope)
    context.needs("read")
    if metric not in METRICS:
        raise Problem(404, "There is no such metric; /v1/metrics lists them.")
    before, after = _between(context, request)
    provider = _single(request, "provider")
    viewer = context.viewer
    assert viewer is not None
    if not viewer.exact or viewer.service_lines is not None:
        raise Problem(
            403, "Explanations count single rows: they are for viewers of exact numbers of all service lines."
        )
    if provider is None and viewer.providers is not None:
        raise Problem(403, "You see some of the providers: name one of them as provider.")
    if provider is not None and not any(_knows(one, provider) for one in (before, after)):
        raise Problem(404, "Neither release has a provider with that id that you may see.")
    try:
        found = explain(context.opened.storage, metric, before.release, after.release, provider)
    except ExplainError as error:
        raise Problem(422, str(error)) from error
    context.rows = len(found.parts)
    return Response(json.dumps(found.as_dict(), default=_plain), media_type="application/json")


def _between(context: RequestContext, request: Request) -> "tuple[Visible, Visible]":
    """The two releases that a request compares, as its viewer may see them."""
    named = [_single(request, name) for name in ("from", "to")]
    if named[0] is None or named[1] is None:
        raise wrong_parameter("from" if named[0] is None else "to", "name a release: its number, a lock or a date")
    return context.at(named[0]), context.at(named[1])


def _scanned(visible: "Visible", table: type[Table]) -> pl.LazyFrame:
    if table.full_name() in visible.tables():
        return visible.scan(table.full_name())
    return pl.LazyFrame(schema=table.dtypes())


def _knows(visible: "Visible", provider: str) -> bool:
    rows = _scanned(visible, DimProvider).filter(pl.col("provider_id") == provider)
    return not rows.head(1).collect().is_empty()


def _single(request: Request, name: str) -> str | None:
    given = request.query_params.getlist(name)
    if len(given) > 1:
        raise wrong_parameter(name, "give it once")
    return given[0] if given else None


def _plain(value: object) -> object:
    return float(value) if isinstance(value, Decimal) else str(value)
