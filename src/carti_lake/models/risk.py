"""What the models of single claims, stays and appointments share, down to the rows of ``gold.risk_scores``."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import date
from typing import Any

import polars as pl

from carti_lake.models import classifier, estimators
from carti_lake.models.design import Feature
from carti_lake.models.estimators import INSTANT, MODEL, SUBJECT, explained
from carti_lake.models.model import Known, Model, Tables, Trained
from carti_lake.tables.gold import RiskScores


def risk_model(
    name: str,
    *,
    title: str,
    purpose: str,
    needs: str,
    inputs: tuple[str, ...],
    module: str,
    examples: Callable[[Sequence[Known], date | None], pl.DataFrame],
    recent: Callable[[Tables, date], Tables],
    to_score: Callable[[Tables, date], pl.LazyFrame],
    features: Callable[[pl.LazyFrame, Tables], pl.LazyFrame],
    declared: Sequence[Feature],
    segments: Mapping[str, pl.Expr],
) -> Model:
    """A model of the probability of an outcome that fills ``gold.risk_scores``.

    Parameters
    ----------
    name, title, purpose, needs, inputs, module
        As `carti_lake.models.model.Model` has them.
    examples
        Subjects whose outcome is known, with what was known at their instant; after a day, or all.
    recent
        The months of the tables that subjects from a day on need.
    to_score
        Subjects to score, from those months and the newest extract date.
    features
        Adds columns to subjects.
    declared
        The features' declarations.
    segments
        Conditions whose errors stand on the card.
    """

    def train(known: Sequence[Known], seed: int) -> Trained:
        found = examples(known, None)
        return with_share_known(classifier.train(found, declared, seed, segments), found, known)

    def score(now: Known, artifact: Mapping[str, Any], version: str) -> tuple[pl.LazyFrame]:
        tables = recent(now.tables, now.as_of)
        # Read once, however many features.
        subjects = to_score(tables, now.as_of).collect(engine="streaming")
        return (risk_scores(name, features(subjects.lazy(), tables), artifact, version, declared),)

    def evaluate(now: Known, artifact: Mapping[str, Any], since: date) -> pl.DataFrame:
        return classifier.evaluate(artifact, examples([now], since))

    return Model(
        name=name,
        title=title,
        purpose=purpose,
        needs=needs,
        inputs=inputs,
        fills=(RiskScores,),
        train=train,
        score=score,
        evaluate=evaluate,
        trusted=estimators.TRUSTED,
        module=module,
    )


def with_share_known(trained: Trained, examples: pl.DataFrame, known: Sequence[Known]) -> Trained:
    """The training with the share of its examples whose features come from a release that stood at their instant.

    The others are from before the first release, as after a history was loaded at once: its rows are cut by their
    dates, but values that were corrected before it are known as they were corrected.
    """
    stood = examples.select((pl.col(INSTANT) > known[0].as_of).mean()).item() if len(known) > 1 else 0.0
    share = round(stood or 0.0, 4)
    said = (
        f"{share:.0%} of its examples have features from a release that stood then; the others are from a history that "
        "was loaded before, cut by its dates"
    )
    first = pl.col("split") == pl.col("split").first()
    note = pl.when(first & (pl.col("estimator") == MODEL)).then(pl.coalesce("note", pl.lit(said))).otherwise("note")
    return replace(
        trained,
        parameters={**trained.parameters, "examples_known_then": share},
        evaluation=trained.evaluation.with_columns(note=note),
    )


def risk_scores(
    model: str, subjects: pl.LazyFrame, artifact: Mapping[str, Any], version: str, features: Sequence[Feature]
) -> pl.LazyFrame:
    """Probability and drivers of each subject.

    Parameters
    ----------
    model
        Name of the model.
    subjects
        ``subject_id``, ``provider_id``, ``subject_date`` and the features.
    artifact, version
        Of the model that is served.
    features
        The features' declarations.
    """
    # Two visits may be billed by one claim.
    rows = subjects.sort(SUBJECT, "subject_date", "provider_id").collect(engine="streaming")
    rows = rows.unique(SUBJECT, keep="first", maintain_order=True)
    scored = rows.hstack(explained(artifact, rows, features).with_columns(pl.col("probability").round(6)))
    scored = scored.with_columns(model=pl.lit(model), model_version=pl.lit(version))
    return scored.lazy().select(pl.col(name).cast(dtype) for name, dtype in RiskScores.dtypes().items())
