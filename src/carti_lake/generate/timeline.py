"""Who delivers what when: the steps of an entity's life, and the rows of extracts that they make."""

import numpy as np
import polars as pl

from carti_lake.generate import truths
from carti_lake.generate.calendar import NEVER, Window
from carti_lake.generate.draws import Flags, Ints, between, chance


def in_order(*steps: Ints) -> Ints:
    """Entities x steps of days, none before the step that precedes it; a step that never comes stays so."""
    days = np.column_stack(steps)
    reached = np.maximum.accumulate(np.where(days >= NEVER, 0, days), axis=1)
    return np.where(days >= NEVER, NEVER, reached)


def late(rng: np.random.Generator, days: Ints) -> Ints:
    """The days on which rows are first delivered: a small share comes days or weeks late."""
    delay = between(rng, truths.LATE_DAYS, len(days))
    return days + np.where(chance(rng, truths.LATE, len(days)), delay, 0)


def withdrawn(rng: np.random.Generator, days: Ints, share: float = truths.WITHDRAWN) -> Ints:
    """The days on which the source withdraws rows that it first delivered on ``days``; NEVER for most."""
    return np.where(chance(rng, share, len(days)), days + between(rng, truths.WITHDRAWN_DAYS, len(days)), NEVER)


def deliveries(truth: pl.DataFrame, steps: Ints, window: Window, gone: Ints | None = None) -> pl.DataFrame:
    """The rows of extracts in which the entities' steps appear.

    Of several steps that fall into one extract, the source shows the last.

    Parameters
    ----------
    truth
        One row per entity.
    steps
        Entities x steps of days in order (see :func:`in_order`), NEVER where a step does not happen.
    window
        The extracts.
    gone
        Day on which the source withdraws the entity; nothing follows it.

    Returns
    -------
    pl.DataFrame
        The entity's columns with ``extract`` (day), ``step`` (the last one taken, from 0) and ``is_deleted``.
    """
    count = steps.shape[1]
    if gone is not None:
        steps = np.column_stack([np.where(steps < gone[:, None], steps, NEVER), gone])
    extracts = window.extract_day(steps)
    # What is delivered next, if anything: the earliest extract of all later steps.
    coming = np.minimum.accumulate(extracts[:, ::-1], axis=1)[:, ::-1]
    coming = np.column_stack([coming[:, 1:], np.full(len(steps), NEVER)])
    shown: Flags = (extracts < NEVER) & (extracts != coming)
    entity, step = np.nonzero(shown)
    taken = step
    if gone is not None:
        last_taken = count - 1 - np.argmax(steps[:, count - 1 :: -1] < NEVER, axis=1)
        taken = np.where(step == count, last_taken[entity], step)
    return truth[entity].with_columns(
        extract=pl.Series(extracts[entity, step], dtype=pl.Int32),
        step=pl.Series(taken, dtype=pl.Int8),
        is_deleted=pl.Series(step == count, dtype=pl.Boolean),
    )


class Later:
    """Rows that wait for their month, in the order in which they came."""

    def __init__(self) -> None:
        self._waiting: dict[int, list[pl.DataFrame]] = {}

    def put(self, rows: pl.DataFrame, day: str) -> None:
        """Keep rows for the month of the numbered day in column ``day``."""
        month = _month_number(rows[day].to_numpy())
        for value in np.unique(month):
            chosen = rows if len(month) and (month == value).all() else rows.filter(pl.Series(month == value))
            self._waiting.setdefault(int(value), []).append(chosen)

    def take(self, day: int) -> pl.DataFrame | None:
        """The rows of the month of that day; None where there are none."""
        kept = self._waiting.pop(int(_month_number(np.asarray([day]))[0]), None)
        return pl.concat(kept) if kept else None


def _month_number(days: Ints) -> Ints:
    return days.astype("datetime64[D]").astype("datetime64[M]").astype(np.int64)
