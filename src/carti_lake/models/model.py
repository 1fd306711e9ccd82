"""What every model says of itself, and what it takes and gives: the one shape that training and scoring know."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import polars as pl

from carti_lake.tables.gold import Gold

#: Tables by full name, without withdrawn rows; a table that nothing has filled yet is empty.
Tables = Mapping[str, pl.LazyFrame]


class NotEnoughData(Exception):
    """There is too little history to train on; says how much there is and how much is needed."""


@dataclass(frozen=True)
class Known:
    """The lake as it was known at a time.

    Attributes
    ----------
    as_of
        Newest extract date: what happened later was not known.
    release
        Number of the release that stood then; None within a run, before there is one.
    tables
        The rows of its tables.
    """

    as_of: date
    release: int | None
    tables: Tables


@dataclass(frozen=True)
class Trained:
    """What training made.

    Attributes
    ----------
    artifact
        Fitted estimators and plain values, as skops stores them.
    rows
        Examples (series for forecasts) that it was fitted on.
    parameters
        Hyper-parameters, and what was chosen by the data.
    evaluation
        Errors on rows that were held out: ``estimator``, ``split``, ``metric``, ``value``, ``n``, ``note``. Every
        baseline stands beside the model.
    curves
        Rows of the card's charts by name: ``calibration``, ``drivers``, ``errors``, …
    refusal
        Why it must not be used: it is no better than its baseline. None where it is, by the whole interval.
    """

    artifact: dict[str, Any]
    rows: int
    parameters: dict[str, Any]
    evaluation: pl.DataFrame
    curves: dict[str, pl.DataFrame] = field(default_factory=dict)
    refusal: str | None = None


@dataclass(frozen=True)
class Retrain:
    """When the data has moved so far that a model is due for training.

    Attributes
    ----------
    days
        Days between the newest extract it was trained on and the newest one now.
    growth
        Growth of its inputs' rows since, as a share of those that it was trained on.
    """

    days: int = 35
    growth: float = 0.25


@dataclass(frozen=True)
class Model:
    """A model: what it answers, from which tables, and how.

    Attributes
    ----------
    name
        As users type it.
    title
        A few words for headings.
    purpose
        What a prediction means, and what it must not be used for; for the card.
    needs
        What it takes to train it, in words.
    inputs
        Full names of the tables that it reads.
    fills
        Gold tables that its scoring fills, in the order in which ``score`` gives their rows.
    train
        From the lake as it was known at several times, oldest first and the present last, and a seed. Raises
        `NotEnoughData`.
    score
        Rows of each of ``fills`` from the present, the artifact of the version that is served, and that version's
        name. Lazy, deterministic.
    evaluate
        Evaluation rows of an artifact on outcomes that came after a day: as `Trained.evaluation`, empty without any.
    trusted
        Types, beside skops' own, that its file may hold.
    retrain
        When it is due.
    keeps
        Whether rows that stand are kept as they were made (forecasts) and not made anew (scores).
    module
        Name of the module that declares it: when it or what it imports changes, scores are made anew.
    """

    name: str
    title: str
    purpose: str
    needs: str
    inputs: tuple[str, ...]
    fills: tuple[type[Gold], ...]
    train: Callable[[Sequence[Known], int], Trained]
    score: Callable[[Known, Mapping[str, Any], str], tuple[pl.LazyFrame, ...]]
    evaluate: Callable[[Known, Mapping[str, Any], date], pl.DataFrame]
    module: str
    trusted: tuple[str, ...] = ()
    retrain: Retrain = Retrain()
    keeps: bool = False
