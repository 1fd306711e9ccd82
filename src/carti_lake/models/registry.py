"""The models of a lake: training them from releases, their versions, and when one is due."""

import json
import sys
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from importlib.metadata import version as installed
from typing import TYPE_CHECKING, Any

import polars as pl

from carti_lake.models import store, verdict
from carti_lake.models.catalogue import MODELS
from carti_lake.models.model import Known, Model, NotEnoughData, Trained
from carti_lake.pipeline.gold.model_metrics import EVALUATED
from carti_lake.pipeline.silver.readable import readable
from carti_lake.releases.release import ReleaseError
from carti_lake.store.errors import ConflictError, LakeError
from carti_lake.store.log import transaction
from carti_lake.store.storage import Storage
from carti_lake.store.write import append
from carti_lake.tables import TABLES
from carti_lake.tables.gold import ModelMetrics
from carti_lake.tables.trained_models import TrainedModels

if TYPE_CHECKING:
    from carti_lake.releases.view import View

TABLE = TrainedModels.full_name()
#: Application transaction that numbers the versions of all models: two trainings that end at once conflict.
NUMBERING = "trained"
#: Libraries whose versions decide what a model is.
LIBRARIES = ("numpy", "polars", "scikit-learn", "scipy", "skops", "statsforecast")
TRIES = 5
EVALUATION = {name: ModelMetrics.dtypes()[name] for name in EVALUATED}
OVERVIEW = {
    **dict.fromkeys(("model", "title", "version"), pl.String()),
    "trained_at": pl.Datetime("us", "UTC"),
    "data_release": pl.Int64(),
    "data_as_of": pl.Date(),
    "rows": pl.Int64(),
    "metric": pl.String(),
    "value": pl.Float64(),
    "served": pl.Boolean(),
    **dict.fromkeys(("reason", "due", "needs"), pl.String()),
}


@dataclass(frozen=True)
class Outcome:
    """What came of training a model.

    Attributes
    ----------
    model
        Its name.
    why
        Why it was trained, or was not.
    version
        The version that is current now; None without one.
    new
        Whether another one was before.
    refusal
        Why runs do not score with it; None where they do.
    """

    model: str
    why: str
    version: str | None
    new: bool
    refusal: str | None = None


def versions(storage: Storage) -> pl.DataFrame:
    """Every training, oldest first: in the order of their commits, which no clock decides.

    Columns that an older table has not yet are null.
    """
    held = storage.scan(TABLE)
    there = held.collect_schema()
    dtypes = TrainedModels.dtypes()
    rows = held.select(name if name in there else pl.lit(None, of).alias(name) for name, of in dtypes.items())
    return rows.collect().sort("number", "trained_at", "version")


def current(trained: pl.DataFrame) -> dict[str, dict[str, Any]]:
    """The newest version of each model, by its name."""
    return {row["model"]: row for row in trained.iter_rows(named=True)}


def due(model: Model, newest: Mapping[str, Any] | None, as_of: date, input_rows: int) -> str | None:
    """Why the model should be trained, by the rule that it declares; None where it need not be.

    Parameters
    ----------
    model
        The model.
    newest
        Row of its current version; None where it was never trained.
    as_of, input_rows
        Newest extract date, and rows of its input tables, as they are now.
    """
    if newest is None:
        return "never trained"
    if newest["served"] is None:
        return "never compared with its baseline"
    days = (as_of - newest["data_as_of"]).days
    if days >= model.retrain.days:
        return f"{days} days of new data (due at {model.retrain.days})"
    growth = input_rows / newest["input_rows"] - 1 if newest["input_rows"] else 0.0
    if growth >= model.retrain.growth:
        return f"{growth:.0%} more rows (due at {model.retrain.growth:.0%})"
    return None


def all_due(trained: pl.DataFrame, as_of: date, rows: Mapping[str, int]) -> dict[str, str]:
    """Why each model that is due is, by its name; ``rows`` are those of all tables by full name."""
    newest = current(trained)
    reasons = {name: due(model, newest.get(name), as_of, input_rows(model, rows)) for name, model in MODELS.items()}
    return {name: reason for name, reason in reasons.items() if reason is not None}


def input_rows(model: Model, rows: Mapping[str, int]) -> int:
    """Rows of the model's inputs, given those of all tables by full name."""
    stored = {(TABLES[name].view_of or TABLES[name]).full_name() for name in model.inputs}
    return sum(rows.get(name, 0) for name in stored)


def known(view: "View", model: Model) -> Known:
    """What a release told the model."""
    as_of = view.release.data_as_of
    if as_of is None:
        raise ReleaseError(f"Release {view.release.number} has no extract yet to train on.")
    return Known(as_of, view.release.number, {name: _rows(view, name) for name in model.inputs})


def _rows(view: "View", name: str) -> pl.LazyFrame:
    """Rows of a table, with null in the columns that an old release had not yet; none where it had not the table."""
    declared = TABLES[name]
    nothing = readable(declared, pl.LazyFrame(schema=(declared.view_of or declared).dtypes()))
    if name not in view.tables():
        return nothing
    rows = view.scan(name)
    held = rows.collect_schema()
    wanted = nothing.collect_schema()
    return rows.select(one if one in held else pl.lit(None, dtype).alias(one) for one, dtype in wanted.items())


def train(
    views: Sequence["View"],
    models: Sequence[Model],
    *,
    forced: bool,
    seed: int,
    now: datetime,
    progress: Callable[[str], None],
) -> list[Outcome]:
    """Train models on the last of the releases, with those before it to tell what was known when.

    Parameters
    ----------
    views
        Releases, oldest first.
    models
        Which.
    forced
        Train them all; else those that are due.
    seed
        Of all randomness: the same release and seed give the same version.
    now
        When they are trained.
    progress
        Called with the name of each model.
    """
    present = views[-1]
    storage, release = present.storage, present.release
    outcomes = []
    for model in models:
        newest = current(versions(storage)).get(model.name)
        rows = input_rows(model, release.rows)
        reason = due(model, newest, release.data_as_of or date.min, rows)
        current_version = newest["version"] if newest else None
        if reason is None and not forced:
            refusal = verdict.refusal_of(newest) if newest else None
            outcomes.append(Outcome(model.name, "not due", current_version, False, refusal))
            continue
        progress(model.name)
        try:
            trained = model.train([known(view, model) for view in views], seed)
        except NotEnoughData as error:
            outcomes.append(Outcome(model.name, f"not enough data: {error}", current_version, False))
            continue
        row = _stored(storage, model, trained, seed=seed, now=now, release=present, rows=rows)
        _append(storage, row)
        new = row["version"] != current_version
        outcomes.append(Outcome(model.name, reason or "asked for", row["version"], new, trained.refusal))
    return outcomes


def overview(view: "View") -> pl.DataFrame:
    """Every model: its current version, when and on what it was trained, its headline error, and whether it is due.

    Parameters
    ----------
    view
        The release by which models are due.
    """
    trained = versions(view.storage)
    newest = current(trained)
    reasons = all_due(trained, view.release.data_as_of or date.min, view.release.rows)
    rows = []
    for model in MODELS.values():
        row = newest.get(model.name)
        errors = json.loads(row["evaluation"]) if row else []
        rows.append(
            {
                "model": model.name,
                "title": model.title,
                "version": row["version"] if row else None,
                "trained_at": row["trained_at"] if row else None,
                "data_release": row["data_release"] if row else None,
                "data_as_of": row["data_as_of"] if row else None,
                "rows": row["rows"] if row else None,
                "metric": errors[0]["metric"] if errors else None,
                "value": errors[0]["value"] if errors else None,
                "served": bool(row["served"]) if row else None,
                "reason": verdict.refusal_of(row) if row else None,
                "due": reasons.get(model.name),
                "needs": model.needs,
            }
        )
    return pl.DataFrame(rows, schema=OVERVIEW)


def evaluation(view: "View", model: Model) -> pl.DataFrame:
    """Errors of the current version: as its training found them, and on what has come since (``since training``).

    Raises
    ------
    LakeError
        Where the model was never trained, or its file is not the one that was stored.
    """
    row = newest_of(view.storage, model)
    stored = pl.DataFrame(json.loads(row["evaluation"]), schema=EVALUATION)
    fitted = artifact(view.storage, model, row)
    since = _shaped(model.evaluate(known(view, model), fitted, row["data_as_of"]))
    parts = [stored.with_columns(on=pl.lit("training")), since.with_columns(on=pl.lit("since training"))]
    return pl.concat(parts).select("on", *EVALUATION)


def newest_of(storage: Storage, model: Model) -> dict[str, Any]:
    """Row of the model's current version."""
    row = current(versions(storage)).get(model.name)
    if row is None:
        raise LakeError(
            f"{model.name} was never trained. `carti-lake model train {model.name}`; it needs {model.needs}."
        )
    return row


def artifact(storage: Storage, model: Model, row: Mapping[str, Any]) -> dict[str, Any]:
    """The stored artifact of a version, once its file's hash is checked."""
    return store.load(storage, model.name, row["file"], row["sha256"], model.trusted)


def _stored(
    storage: Storage, model: Model, trained: Trained, *, seed: int, now: datetime, release: "View", rows: int
) -> dict[str, Any]:
    """The model's file, written; and its row, which is not yet."""
    evaluation = _shaped(trained.evaluation)
    if trained.refusal:
        said = pl.concat_str(pl.lit(f"not used: {trained.refusal}"), "note", separator="; ", ignore_nulls=True)
        evaluation = evaluation.with_columns(note=pl.when(estimator="model").then(said).otherwise("note"))
    if evaluation.select("estimator", "split", "metric").is_duplicated().any():
        raise ValueError(f"{model.name}: its evaluation tells a measure of an estimator on a split twice.")
    version, file, sha256 = store.save(storage, model.name, store.dumps(trained.artifact))
    return {
        "model": model.name,
        "version": version,
        "trained_at": now,
        "data_release": release.release.number,
        "data_as_of": release.release.data_as_of,
        "input_rows": rows,
        "rows": trained.rows,
        "seed": seed,
        "file": file,
        "sha256": sha256,
        "parameters": _json(trained.parameters),
        "libraries": _json(_libraries()),
        "served": trained.refusal is None,
        "reason": trained.refusal,
        "evaluation": _json(evaluation.to_dicts()),
        "curves": _json({name: _finite(rows).to_dicts() for name, rows in trained.curves.items()}),
    }


def _libraries() -> dict[str, str]:
    """What decides the bytes of a model: its libraries, and what packs its file."""
    own = {"python": sys.version.split()[0], "zlib": zlib.ZLIB_RUNTIME_VERSION}
    return {**own, **{name: installed(name) for name in LIBRARIES}}


def _shaped(evaluation: pl.DataFrame) -> pl.DataFrame:
    return _finite(evaluation.select(pl.col(name).cast(dtype) for name, dtype in EVALUATION.items()))


def _finite(rows: pl.DataFrame) -> pl.DataFrame:
    """The rows with null for what is no number, which JSON has not."""
    floats = pl.selectors.float()
    return rows.with_columns(pl.when(floats.is_finite()).then(floats))


def _json(value: object) -> str:
    return json.dumps(value, sort_keys=True, default=str, allow_nan=False)


def _append(storage: Storage, row: dict[str, Any]) -> None:
    """Add the training, unless the model's newest one made the same version of as much data."""
    same = ("version", "data_as_of", "input_rows")
    for attempt in range(TRIES):
        handle = storage.create(TABLE, TrainedModels, change_feed=False)
        newest = current(versions(storage)).get(row["model"])
        if newest is not None and all(newest[name] == row[name] for name in same):
            return
        number = (transaction(handle, NUMBERING) or 0) + 1
        frame = pl.DataFrame([{**row, "number": number}], schema=TrainedModels.dtypes())
        try:
            append(storage, handle, frame, transactions={NUMBERING: number}, metadata={"model": row["model"]})
        except ConflictError:
            if attempt == TRIES - 1:
                raise
        else:
            return
