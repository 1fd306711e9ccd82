"""The service: routes, and the layers around them through which every request goes."""

import contextlib
import logging
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.params import Security
from fastapi.security import APIKeyHeader, HTTPBearer
from starlette.exceptions import HTTPException

from carti_lake import __version__
from carti_lake.access.audit_log import Entry
from carti_lake.serve import downloads, operations, pages, problems, reads, seed, what_if
from carti_lake.serve.answers import Answers
from carti_lake.serve.audit_writer import AuditWriter
from carti_lake.serve.background import beside
from carti_lake.serve.boards import Boards
from carti_lake.serve.current import CurrentReleases, followed
from carti_lake.serve.guard import Guarded
from carti_lake.serve.observe import Figures, Observed
from carti_lake.serve.problem_pages import ProblemPages
from carti_lake.serve.problems import Problem
from carti_lake.serve.readers import Authenticate, Readers, See
from carti_lake.serve.request import context_of
from carti_lake.serve.sessions import Sessions
from carti_lake.store.errors import LakeError

if TYPE_CHECKING:
    from starlette.types import ASGIApp

    from carti_lake.access import Viewer
    from carti_lake.lake import Lake

_LOG = logging.getLogger("carti_lake.serve")
_DESCRIPTION = """Numbers of one audited release, as its reader may see them.

Every answer comes from a single release: the latest, or the one that `release` or `as_of` names; a cursor goes on with
the release that it began with. Send a key or a token as `Authorization: Bearer …`, or a key as `X-API-Key`. What you
may not see is not there: it is in no count, total, rank or page. Errors are problem details (RFC 9457).
"""


@dataclass(frozen=True)
class Settings:
    """Limits of the service.

    Attributes
    ----------
    rate
        Requests of one viewer, e.g. ``100/second``.
    refusals
        How often one client address may be refused.
    most_body
        Bytes of the largest body.
    seconds
        For a whole request.
    most_kept
        Bytes of answers kept in memory.
    every
        Seconds between two looks for a new release.
    """

    rate: str = "100/second"
    refusals: str = "20/minute"
    most_body: int = 1 << 20
    seconds: float = 30.0
    most_kept: int = 64 << 20
    every: float = 1.0


def create_app(
    lake: "Lake",
    *,
    authenticate: Authenticate,
    see: See,
    write: Callable[[Sequence[Entry]], object],
    expected: Callable[[], Iterable["Viewer"]] = tuple,
    settings: Settings | None = None,
) -> "ASGIApp":
    """The service of a lake as an ASGI application.

    Parameters
    ----------
    lake
        The lake.
    authenticate
        The viewer of a key or a token, or None.
    see
        A release as a viewer may see it.
    write
        Writes down who read what; see :class:`~carti_lake.serve.audit_writer.AuditWriter`.
    expected
        Those who may come: their dashboards are made when a release is seen, and not when they ask.
    settings
        Limits; None for the usual ones.
    """
    limits = settings or Settings()
    current_releases, figures, audit = CurrentReleases(lake), Figures(), AuditWriter(write, lake.clock)

    @contextlib.asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with (
            audit.kept(),
            followed(current_releases, limits.every),
            beside(boards.kept_ready(limits.every)),
        ):
            yield

    api = FastAPI(
        title="carti_lake",
        version=__version__,
        description=_DESCRIPTION,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        lifespan=lifespan,
        exception_handlers={
            Problem: _of_problem,
            HTTPException: _of_http,
            RequestValidationError: _of_validation,
            LakeError: _of_lake,
            OSError: _of_lake,
            Exception: _of_anything,
        },
    )
    guarded = Guarded(api, most_body=limits.most_body, seconds=limits.seconds)
    answers = Answers(guarded, limits.most_kept)
    readers = Readers(
        answers, current_releases, authenticate, see, audit, Sessions(), rate=limits.rate, refusals=limits.refusals
    )
    bearer = HTTPBearer(auto_error=False, description="An API key, or a token of the identity provider")
    header = APIKeyHeader(name="X-API-Key", auto_error=False, description="An API key")
    boards = Boards(current_releases, see, lambda: [*expected(), *readers.have_come()])
    # The layers decide; these say in the document how a key is sent.
    said = [Security(bearer), Security(header)]
    for router in (seed.router, reads.router, what_if.router, downloads.router):
        api.include_router(router, dependencies=said)
    api.include_router(operations.routes(current_releases, figures, answers))
    api.include_router(pages.routes(readers, boards, lambda: api.openapi()))
    _document(api)
    return ProblemPages(Observed(readers, figures, audit.note))


async def _of_problem(request: Request, problem: Exception) -> Response:
    assert isinstance(problem, Problem)
    return problem.response()


async def _of_http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    said = {
        404: "There is no such path; /api tells of them all, /openapi.json tells programs.",
        405: f"{request.method} is not allowed here.",
    }
    return Problem(error.status_code, said.get(error.status_code, str(error.detail)), headers=error.headers).response()


async def _of_validation(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    found = [
        {
            "in": str(one["loc"][0]),
            "name": ".".join(str(part) for part in one["loc"][1:]),
            # What was sent stays out: it may be anything.
            "detail": str(one["msg"]),
        }
        for one in error.errors()
    ]
    detail = "; ".join(f"{one['name']}: {one['detail']}" for one in found[:3])
    return Problem(422, detail, errors=found).response()


async def _of_lake(request: Request, error: Exception) -> Response:
    said = str(error) if isinstance(error, LakeError) else type(error).__name__
    _LOG.error("the lake cannot be read", extra={"fields": {"error": said}})
    return Problem(
        503, "The lake cannot be read just now; the service's log says why.", headers={"Retry-After": "5"}
    ).response()


async def _of_anything(request: Request, error: Exception) -> Response:
    """For what was not foreseen; the layer around everything logs its kind and place."""
    return Problem(500, f"Unexpected error; the service's log has it under {context_of(request.scope).id}.").response()


def _document(api: FastAPI) -> None:
    """Say of every operation that its errors are problem details."""
    plain = api.openapi

    def openapi() -> dict[str, Any]:
        if api.openapi_schema is None:
            document = plain()
            document["components"]["schemas"]["Problem"] = problems.SCHEMA
            said = {
                "description": "What went wrong",
                "content": {problems.MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
            }
            for path in document["paths"].values():
                for operation in path.values():
                    operation["responses"].pop("422", None)
                    operation["responses"] |= {"4XX": said, "5XX": said}
            for name in ("HTTPValidationError", "ValidationError"):
                document["components"]["schemas"].pop(name, None)
        return api.openapi_schema or {}

    api.openapi = openapi  # type: ignore[method-assign]
