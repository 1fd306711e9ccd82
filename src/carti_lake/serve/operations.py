"""For those who run the service: is it up, can it read a release, and figures for Prometheus."""

import time
from typing import TYPE_CHECKING

import polars as pl
from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, Field

from carti_lake.serve.problems import Problem
from carti_lake.serve.request import context_of
from carti_lake.store.errors import LakeError

if TYPE_CHECKING:
    from carti_lake.serve.answers import Answers
    from carti_lake.serve.current import CurrentReleases
    from carti_lake.serve.observe import Figures

#: Seconds for which it is not tried again whether a release can be read.
TRIED_FOR = 2.0


class Well(BaseModel):
    """All is well."""

    status: str = Field(examples=["ok"])


class Tried:
    """Whether the latest release can be read, tried at most every two seconds."""

    def __init__(self, current_releases: "CurrentReleases") -> None:
        self.current_releases = current_releases
        self._at, self._fault = float("-inf"), ""

    def fault(self) -> str:
        """Why not; empty where it can."""
        if time.monotonic() - self._at > TRIED_FOR:
            self._fault = self._try()
            self._at = time.monotonic()
        return self._fault

    def _try(self) -> str:
        if self.current_releases.fault is not None:
            return "The lake's table of releases cannot be read."
        known = self.current_releases.known.releases
        if not known:
            return "The lake has no release yet."
        try:
            self.current_releases.view(known[-1]).scan("gold.provider_summary").select(pl.len()).collect()
        except (LakeError, OSError, pl.exceptions.PolarsError):
            return f"Release {known[-1].number} cannot be read."
        return ""


def routes(current_releases: "CurrentReleases", figures: "Figures", answers: "Answers") -> APIRouter:
    """The routes of operations."""
    router = APIRouter(tags=["operations"])
    tried = Tried(current_releases)

    @router.get("/healthz", response_model=Well, operation_id="healthz")
    async def healthz() -> Response:
        """Whether the process answers."""
        return _well()

    @router.get("/readyz", response_model=Well, operation_id="readyz")
    def readyz() -> Response:
        """Whether a release can be read."""
        fault = tried.fault()
        if fault:
            raise Problem(503, fault, headers={"Retry-After": "5"})
        return _well()

    @router.get("/metrics", include_in_schema=False)
    def metrics(request: Request) -> Response:
        context_of(request.scope).needs("admin")
        known = current_releases.known.releases
        figures.release.set(known[-1].number if known else 0)
        figures.memory.set(answers.bytes)
        return Response(figures.text(), media_type=figures.media_type)

    return router


def _well() -> Response:
    return Response(Well(status="ok").model_dump_json(), media_type="application/json")
