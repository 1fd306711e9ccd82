"""Monthly forecasts of the network, its service lines and its providers, six months ahead."""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from carti_lake.metrics.window import months_between
from carti_lake.models import measures as evaluation
from carti_lake.models.forecast import backtest as backtest_module
from carti_lake.models.forecast import boosting, choice, judge, panel
from carti_lake.models.forecast.choice import SPLIT, Choice, Judgement
from carti_lake.models.forecast.coherence import Coherent, coherent
from carti_lake.models.forecast.judge import Judged, errors_by_horizon, evaluated, judged
from carti_lake.models.forecast.methods import BASELINES, forecasts
from carti_lake.models.forecast.panel import HORIZON, SEASON, Panel
from carti_lake.models.forecast.season import adjusted
from carti_lake.models.model import Known, Model, NotEnoughData, Trained
from carti_lake.pipeline.gold import forecast_series as series
from carti_lake.pipeline.gold.forecast_series import HISTORY, INPUTS, NETWORK, month_after
from carti_lake.tables.gold import Forecasts

if TYPE_CHECKING:
    from carti_lake.models.forecast.panel import Floats

#: Months of the network that training needs: half of them to forecast from, half to judge by.
LEAST_TO_TRAIN = 2 * SEASON
#: Months of a series that its own forecast needs: a season, and the months of one forecast to judge it by.
LEAST_TO_FORECAST = SEASON + HORIZON
#: The living members of a level that have fewer, together.
OTHERS = "others"
NOTE = (
    "Each origin's choice and intervals come from earlier origins alone. Where no release tells what was known at an "
    "origin, today's corrected rows are cut off there. A level's intervals have the size of its own errors, and the "
    "tail of all levels' errors."
)


def read(known: Known) -> Panel:
    """The series as they were known, side by side."""
    looked_at = month_after(known.as_of.replace(day=1), -HISTORY - 1)
    visits = known.tables["silver.visits"].filter(pl.col("visit_month") >= looked_at)
    tables = {**known.tables, "silver.visits": visits}
    rows, weekend = pl.collect_all([series.series(tables), series.weekend(visits)], engine="streaming")
    return panel.panel(rows, weekend.item())


def train(knowns: Sequence[Known], seed: int) -> Trained:
    """Choose by backtest, measure how far the choice misses, and fit boosting on all that is known.

    Raises
    ------
    NotEnoughData
        Where the network has fewer than 24 months.
    """
    now = read(knowns[-1])
    months = _months(now)
    if months < LEAST_TO_TRAIN:
        raise NotEnoughData(f"has {months} complete months of the network, needs {LEAST_TO_TRAIN}")
    test = backtest_module.backtest(now, seed, _then(now, knowns[:-1]))
    chosen, levels = choice.choose(test), choice.judgements(test)
    found = judged(test)
    fitted = boosting.fitted(adjusted(now).values, now.horizon, seed)
    return Trained(
        artifact={"choice": chosen.as_values(), "boosting": fitted},
        rows=len(now.values),
        parameters={
            "method": chosen.methods,
            "not used": {level: one.refusal for level, one in levels.items() if one.refusal},
            "origins": len(test.ago),
            "months": months,
            "horizon": HORIZON,
            "scaled error": {level: round(value, 3) for level, value in chosen.errors.items()},
            "half width": {
                name: {level: [round(one, 3) for one in values] for level, values in by_level.items()}
                for name, by_level in chosen.quantiles.items()
            },
            "boosting": boosting.PARAMETERS,
        },
        evaluation=with_verdicts(evaluated(found, SPLIT, NOTE) if found else evaluation.rows({}, SPLIT, 0), levels),
        curves={"errors": errors_by_horizon(found)} if found else {},
    )


def with_verdicts(rows: pl.DataFrame, levels: Mapping[str, Judgement]) -> pl.DataFrame:
    """Evaluation rows with the gain of each level whose model is used, and the reason why another's is not."""
    for level, one in levels.items():
        if one.refusal:
            said = pl.lit(f"The {one.method} stands in the model's place: it is {one.refusal}.")
            here = (pl.col("estimator") == judge.MODEL) & (pl.col("split") == f"{SPLIT}, {level}")
            both = pl.concat_str(said, "note", separator=" ", ignore_nulls=True)
            rows = rows.with_columns(note=pl.when(here).then(both).otherwise("note"))
    return pl.concat([rows, *(one.gains for one in levels.values() if not one.refusal)])


def score(known: Known, artifact: Mapping[str, Any] | None, version: str) -> tuple[pl.LazyFrame]:
    """Rows of ``gold.forecasts`` from the newest origin; none without a trained model.

    A living series that is too short has rows without a forecast; what its members bring stands in the level's row
    ``others``, which has no interval.
    """
    if artifact is None:
        return (pl.LazyFrame(schema=Forecasts.dtypes()),)
    now = read(known)
    chosen = Choice.of_values(artifact["choice"])
    made = _made(now, artifact, chosen)
    ends = judge.intervals(made.points, now.scale, now.keys["level"].to_numpy(), chosen)
    own = _rows(now.keys, made.points, ends).filter(pl.Series(np.repeat(now.living, now.horizon)))
    origin = dict(zip(now.keys["metric"], now.keys["origin"], strict=True))
    others = [
        _rows(pl.DataFrame([{"level": level, "member": OTHERS, "metric": of, "origin": origin[of]}]), brought[None], {})
        for (level, of), brought in made.others.items()
    ]
    rows = pl.concat([own, *others], how="diagonal").with_columns(
        model_version=pl.lit(version),
        method=pl.when(pl.col("lower_80").is_not_null()).then(
            pl.col("level").replace_strict(chosen.methods, default=None, return_dtype=pl.String)
        ),
    )
    ordered = rows.sort("level", "member", "metric", "month")
    return (ordered.lazy().select(pl.col(name).cast(dtype) for name, dtype in Forecasts.dtypes().items()),)


def evaluate(known: Known, artifact: Mapping[str, Any], since: date) -> pl.DataFrame:
    """Errors of the forecasts that the artifact makes from what had come by a day, on what has come since."""
    now, split = read(known), "since training"
    nothing = evaluation.rows({}, split, 0)
    if not len(now.values):
        return nothing
    # The month of the day counts where it was its last.
    ended = (since + timedelta(days=1)).replace(day=1)
    newest = now.keys["origin"].max()
    assert isinstance(newest, date)
    months = months_between(ended, newest) + 1
    if not 0 < months <= now.months - SEASON:
        return nothing
    past, ahead = now.until(months), min(months, HORIZON)
    chosen = Choice.of_values(artifact["choice"])
    made = _made(past, artifact, chosen).points
    actual = np.full_like(made, np.nan)
    actual[:, :ahead] = now.actual[:, past.months : past.months + ahead]
    baselines = forecasts(past, None, {*BASELINES})
    level = past.keys["level"].to_numpy()
    ends = judge.intervals(made, past.scale, level, chosen)
    return evaluated(Judged(past.keys, actual, past.scale, {judge.MODEL: made, **baselines}, ends), split)


def _made(now: Panel, artifact: Mapping[str, Any], chosen: Choice) -> Coherent:
    """The model's forecasts from what is known."""
    wanted = set(chosen.methods.values())
    made = forecasts(now, artifact["boosting"], wanted, now.lengths >= LEAST_TO_FORECAST)
    return coherent(now, choice.chosen(now.keys["level"].to_numpy(), made, chosen), chosen.errors)


def _months(now: Panel) -> int:
    whole = now.keys.select(pl.col("level") == NETWORK).to_series().to_numpy()
    return int(now.lengths[whole].max(initial=0))


def _then(now: Panel, knowns: Sequence[Known]) -> dict[int, Panel]:
    """Panels of earlier releases by months before, their rows and months those of the present one."""
    found: dict[int, Panel] = {}
    for known in knowns:
        old = read(known)
        if not len(old.values):
            continue
        newest, then = now.keys["origin"].max(), old.keys["origin"].max()
        assert isinstance(newest, date) and isinstance(then, date)
        months = months_between(then, newest)
        if 0 < months < now.months:
            found[months] = now.until(months).as_known_in(old)
    return found


def _rows(keys: pl.DataFrame, made: "Floats", ends: Mapping[str, tuple["Floats", "Floats"]]) -> pl.DataFrame:
    """Rows of series x horizon, one below the other; NaN is null."""
    horizon = made.shape[1]
    repeated = keys.select(pl.all().repeat_by(horizon).explode())
    ahead = pl.Series("ahead", np.tile(np.arange(1, horizon + 1), keys.height))
    columns = {"forecast": made}
    for name, (lower, upper) in ends.items():
        columns |= {f"lower_{name}": lower, f"upper_{name}": upper}
    return repeated.with_columns(
        ahead, *(pl.Series(name, values.ravel()).fill_nan(None) for name, values in columns.items())
    ).with_columns(month=pl.col("origin").dt.offset_by(pl.format("{}mo", "ahead")))


MODEL = Model(
    name="forecast",
    title="Monthly forecasts",
    purpose=(
        "What six months will come to, of visits, new patients, gross charges, net cash and referrals, for the"
        " network, its service lines and its providers; with intervals meant to hold 80 % and 95 % of what comes: how "
        "many they held when tested stands below, by level. Where the model was not better than the seasonal naive and "
        "than the mean of 12 months by the whole interval, the better of these stands in its place at that level. "
        "It carries on what has been: it knows of no opening, closing or campaign that the months before do not show. "
        "An interval is about one number, not about all at once, and intervals do not add up as the forecasts do. Not "
        "for judging a provider: a low forecast is no fault of theirs."
    ),
    needs=(
        f"{LEAST_TO_TRAIN} complete months of visits; a service line or provider with fewer than {LEAST_TO_FORECAST} "
        "months has no forecast of its own"
    ),
    inputs=INPUTS,
    fills=(Forecasts,),
    train=train,
    score=score,
    evaluate=evaluate,
    trusted=boosting.TRUSTED,
    keeps=True,
    module=__name__,
)
