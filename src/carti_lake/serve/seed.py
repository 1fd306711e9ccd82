"""The routes of the original project's API, as they were: for whoever still calls them."""

from typing import Any

import polars as pl
from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field, create_model

from carti_lake.outlets.table_file import json_text
from carti_lake.pipeline.codes import name_key
from carti_lake.serve.models import python_type
from carti_lake.serve.problems import Problem
from carti_lake.serve.request import context_of
from carti_lake.serve.resources import scanned
from carti_lake.tables.gold import ProviderSummary

#: Columns of its provider summary, in their order.
COLUMNS = (
    "provider_name",
    "total_patients",
    "avg_length_of_stay",
    "avg_satisfaction",
    "avg_cost",
    "contact_count",
    "deals_value",
    "opportunity_value",
    "marketing_cost",
    "pipeline_stage",
    "total_visits",
    "total_claim_amount",
    "total_claim_paid",
    "denial_rate",
    "roi",
    "value_per_patient",
    "claim_collection_rate",
    "predicted_opportunity_value",
)
_PREDICTED = "predicted_opportunity_value"


def _field(name: str) -> tuple[Any, Any]:
    kind = python_type(ProviderSummary.dtypes()[name])
    described = Field(description=ProviderSummary.columns()[name].description)
    return (kind if name == "provider_name" else kind | None), described


SeedProvider = create_model(
    "SeedProvider",
    __config__=ConfigDict(extra="forbid"),
    __doc__="A provider, with the columns of the original project.",
    **{name: _field(name) for name in COLUMNS},  # type: ignore[call-overload]
)


class SeedPrediction(BaseModel):
    """A provider's predicted opportunity value."""

    model_config = ConfigDict(extra="forbid")
    provider_name: str
    predicted_opportunity_value: float | None = Field(description="USD; null where there is too little to predict from")


router = APIRouter(tags=["the original project's routes"])


@router.get("/providers", response_model=list[SeedProvider])  # type: ignore[valid-type]
def providers(request: Request) -> Response:
    """Every provider's summary."""
    return _json(request, _summary(request), whole=True)


@router.get("/providers/{name}", response_model=SeedProvider)
def provider(request: Request, name: str) -> Response:
    """One provider's summary, by name; upper and lower case are alike."""
    return _json(request, _named(_summary(request), name))


@router.get("/predictions/opportunity", response_model=SeedPrediction)
def opportunity(
    request: Request,
    provider: str = Query(description="Name; upper and lower case are alike", examples=["Dr. Ann Lee"]),
) -> Response:
    """One provider's predicted opportunity value."""
    return _json(request, _named(_summary(request), provider).select("provider_name", _PREDICTED))


def _summary(request: Request) -> pl.DataFrame:
    context = context_of(request.scope)
    context.needs("read")
    rows = scanned(ProviderSummary.full_name(), context)
    return rows.sort("provider_name", "provider_id").select(COLUMNS).collect()


def _named(rows: pl.DataFrame, name: str) -> pl.DataFrame:
    found = rows.filter(name_key(pl.col("provider_name")) == name_key(pl.lit(name)))
    if found.is_empty():
        raise Problem(404, "There is no provider of that name that you may see.")
    if found.height > 1:
        raise Problem(409, f"{found.height} providers bear that name; /v1/summary?provider_name=… tells them apart.")
    return found


def _json(request: Request, rows: pl.DataFrame, *, whole: bool = False) -> Response:
    context_of(request.scope).rows = rows.height
    text = json_text(rows.lazy())
    return Response(text if whole else text[1:-1], media_type="application/json")
