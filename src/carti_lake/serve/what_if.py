"""What-if scoring: what a model of the release would say of rows that somebody makes up.

A model that can be asked is a line in `WHAT_IFS`: the row that it takes, and how it scores such rows.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import polars as pl
from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, ConfigDict, Field, create_model

from carti_lake.models import denial, no_show, opportunity, readmission
from carti_lake.models.design import Feature
from carti_lake.models.estimators import explained
from carti_lake.models.model import Model
from carti_lake.models.registry import artifact, current, versions
from carti_lake.models.verdict import refusal_of
from carti_lake.pipeline.gold import opportunity_predictions as opportunity_value
from carti_lake.serve.models import ReleaseRead, release_read
from carti_lake.serve.parameters import OF_A_RELEASE
from carti_lake.serve.problems import Problem
from carti_lake.serve.request import RequestContext, context_of
from carti_lake.serve.resources import scanned
from carti_lake.tables.gold import ProviderSummary

MOST_ROWS = 1000
#: No dollar amount and no count of a provider is larger.
LARGEST = 1e12


@dataclass(frozen=True)
class WhatIf:
    """A model that can be asked.

    Attributes
    ----------
    path
        Below ``/v1/predictions/``.
    title
        What its predictions are.
    row
        What it wants to know of each row.
    prediction
        What it says of each row.
    score
        Predictions for the rows, in their order, and what their reader must know. It sees what the viewer sees: a
        model that is fitted on the spot is fitted on the viewer's rows alone.
    """

    path: str
    title: str
    row: type[BaseModel]
    prediction: type[BaseModel]
    score: Callable[[RequestContext, pl.DataFrame], tuple[pl.DataFrame, str]]


def _feature(name: str) -> tuple[Any, Any]:
    declared = ProviderSummary.columns()[name]
    most = 1.0 if name.endswith("_rate") else LARGEST
    said = Field(
        default=None,
        ge=0,
        le=most,
        allow_inf_nan=False,
        description=f"{declared.description}; left out, it counts as the providers' mean",
        examples=[0.1 if most == 1 else 100],
    )
    return float | None, said


class OpportunityValue(BaseModel):
    """The predicted opportunity value of a made-up provider."""

    model_config = ConfigDict(extra="forbid")
    predicted: float | None = Field(
        description="USD; null where too few providers have a recorded value", examples=[5e5]
    )


def _opportunity(context: RequestContext, rows: pl.DataFrame) -> tuple[pl.DataFrame, str]:
    summary = scanned(ProviderSummary.full_name(), context)
    wanted = ["provider_id", opportunity_value.TARGET, *opportunity_value.FEATURES]
    known = summary.select(wanted).with_columns(pl.exclude("provider_id").cast(pl.Float64))
    # No recorded value: predicted, and not fitted on. The ids sort as the rows stand.
    ours = rows.with_row_index("place").select(
        pl.format("what-if:{}", pl.col("place").cast(pl.String).str.zfill(6)).alias("provider_id"),
        pl.lit(None, pl.Float64).alias(opportunity_value.TARGET),
        *opportunity_value.FEATURES,
    )
    predicted = opportunity_value.predictions(pl.concat([known, ours.lazy()])).collect()
    note = opportunity_value.metrics(summary).select(pl.col("note").first()).collect().item()
    mine = ours.select("provider_id").join(predicted, on="provider_id", how="left", maintain_order="left")
    return mine.select("predicted"), note


class Chance(BaseModel):
    """The probability of an outcome for a made-up row."""

    model_config = ConfigDict(extra="forbid")
    probability: float | None = Field(description="Calibrated; null where no model is trained", ge=0, le=1)
    drivers: str | None = Field(description="What moves it most from the average row, in plain words")


def _asked_name(feature: Feature) -> str:
    """A number that the model takes the logarithm of is asked for as it is."""
    return feature.name.removeprefix("log_")


def _said(feature: Feature) -> tuple[Any, Any]:
    words = f"{feature.words.format('…')}; left out, it is not known"
    if feature.kind == "category":
        return str | None, Field(default=None, max_length=200, description=words)
    most = 1.0 if feature.percent else LARGEST
    return float | None, Field(default=None, ge=0, le=most, allow_inf_nan=False, description=words)


def _chances(
    model: Model, features: Sequence[Feature], context: RequestContext, rows: pl.DataFrame
) -> tuple[pl.DataFrame, str]:
    """By the version that had been trained when the release was published, so that an earlier one answers as it did."""
    viewer = context.viewer
    if viewer is None or not viewer.exact or viewer.providers is not None or viewer.service_lines is not None:
        raise Problem(403, f"{model.name} is trained on all rows: it is for viewers of exact numbers of all providers.")
    storage = context.opened.storage
    version = current(versions(storage).filter(pl.col("trained_at") <= context.release.at)).get(model.name)
    refused = None if version is None else refusal_of(version)
    if version is None or refused:
        blank = {"probability": [None] * rows.height, "drivers": [None] * rows.height}
        untrained = f"No model was trained by then; it needs {model.needs}."
        why = f"The model is not used: {refused}." if refused else untrained
        return pl.DataFrame(blank, schema={"probability": pl.Float64, "drivers": pl.String}), why
    named = rows.select(
        (pl.col(_asked_name(one)).log1p() if one.log else pl.col(_asked_name(one))).alias(one.name) for one in features
    )
    found = explained(artifact(storage, model, version), named, features)
    note = f"Version {version['version']}, trained on {version['rows']} examples as of {version['data_as_of']}. "
    return found.select("probability", "drivers"), note + model.purpose


def _of_outcome(path: str, model: Model, features: Sequence[Feature]) -> WhatIf:
    row = create_model(
        f"{model.name.title().replace('_', '')}Row",
        __config__=ConfigDict(extra="forbid"),
        __doc__=f"{model.title}: a made-up row.",
        **{_asked_name(one): _said(one) for one in features},  # type: ignore[call-overload]
    )
    return WhatIf(path, f"{model.title}, of made-up rows", row, Chance, partial(_chances, model, features))


#: Add a model here.
WHAT_IFS: tuple[WhatIf, ...] = (
    _of_outcome("win", opportunity.MODEL, opportunity.FEATURES),
    _of_outcome("denial", denial.MODEL, denial.FEATURES),
    _of_outcome("readmission", readmission.MODEL, readmission.FEATURES),
    _of_outcome("no-show", no_show.MODEL, no_show.FEATURES),
    WhatIf(
        "opportunity",
        "Opportunity value of made-up providers, by the regression on the release's own providers",
        create_model(
            "OpportunityRow",
            __config__=ConfigDict(extra="forbid"),
            __doc__="A made-up provider.",
            **{name: _feature(name) for name in opportunity_value.FEATURES},  # type: ignore[call-overload]
        ),
        OpportunityValue,
        _opportunity,
    ),
)

router = APIRouter(prefix="/v1/predictions", tags=["predictions"])


def _route(what_if: WhatIf) -> None:
    name = what_if.path.title().replace("-", "")
    question = create_model(
        f"{name}Question",
        __config__=ConfigDict(extra="forbid"),
        rows=(
            list[what_if.row],  # type: ignore[name-defined]
            Field(min_length=1, max_length=MOST_ROWS, description="What to score"),
        ),
    )
    answer = create_model(
        f"{name}Answer",
        __config__=ConfigDict(extra="forbid"),
        release=(ReleaseRead, Field(description="The release whose rows the model knows")),
        note=(str, Field(description="What the reader must know before using it")),
        rows=(list[what_if.prediction], Field(description="In the order of the question")),  # type: ignore[name-defined]
    )

    def score(request: Request, asked_for: question) -> Response:  # type: ignore[valid-type]
        context = context_of(request.scope)
        context.needs("predict")
        rows = asked_for.model_dump()["rows"]  # type: ignore[attr-defined]
        kinds = {
            name: pl.String if field.annotation == (str | None) else pl.Float64
            for name, field in what_if.row.model_fields.items()
        }
        frame = pl.DataFrame(rows, schema=kinds)
        predictions, note = what_if.score(context, frame)
        context.rows = predictions.height
        said = {"release": release_read(context.release), "note": note, "rows": predictions.to_dicts()}
        return Response(json.dumps(said), media_type="application/json")

    router.add_api_route(
        f"/{what_if.path}",
        score,
        methods=["POST"],
        response_model=answer,
        summary=what_if.title,
        operation_id=f"what_if_{what_if.path.replace('-', '_')}",
        openapi_extra={"parameters": OF_A_RELEASE},
    )


for _one in WHAT_IFS:
    _route(_one)
