"""Which steps of an entity's life appear in which extract."""

from datetime import date

import numpy as np
import polars as pl

from carti_lake.generate.calendar import NEVER, Window, months, number, weekday, working_day
from carti_lake.generate.timeline import Later, deliveries, in_order

FIRST = number(date(2026, 1, 1))
DAILY = Window(FIRST, FIRST + 58, "day")
MONTHLY = Window(FIRST, FIRST + 58, "month")


def steps_of(window: Window, *days: int, gone: int | None = None) -> list[tuple[int, int, bool]]:
    truth = pl.DataFrame({"claim": [1]})
    steps = np.array([[FIRST + day if day < NEVER else NEVER for day in days]])
    end = None if gone is None else np.array([FIRST + gone])
    rows = deliveries(truth, steps, window, end)
    return [(day - FIRST, step, deleted) for day, step, deleted in rows.select("extract", "step", "is_deleted").rows()]


def test_every_step_is_delivered_on_its_day():
    assert steps_of(DAILY, 3, 9, 20) == [(3, 0, False), (9, 1, False), (20, 2, False)]


def test_a_step_that_never_comes_is_not_delivered():
    assert steps_of(DAILY, 3, NEVER, 20) == [(3, 0, False), (20, 2, False)]


def test_of_two_steps_in_one_extract_the_last_is_shown():
    assert steps_of(DAILY, 3, 3, 20) == [(3, 1, False), (20, 2, False)]
    assert steps_of(MONTHLY, 3, 9, 40) == [(30, 1, False), (58, 2, False)]


def test_what_is_older_than_the_window_comes_with_its_first_extract_and_what_is_later_never():
    assert steps_of(DAILY, -90, -4, 70) == [(0, 1, False)]


def test_a_withdrawn_row_shows_its_last_state_and_nothing_follows_it():
    assert steps_of(DAILY, 3, 9, 20, gone=12) == [(3, 0, False), (9, 1, False), (12, 1, True)]


def test_steps_are_put_in_order_without_touching_those_that_never_come():
    assert in_order(np.array([9, 1]), np.array([4, NEVER]), np.array([NEVER, 5])).tolist() == [
        [9, 9, NEVER],
        [1, NEVER, 5],
    ]


def test_rows_wait_for_their_month():
    later = Later()
    later.put(pl.DataFrame({"extract": [FIRST + 1, FIRST + 40]}), "extract")
    assert later.take(FIRST)["extract"].to_list() == [FIRST + 1]
    assert later.take(FIRST) is None
    assert later.take(FIRST + 58)["extract"].to_list() == [FIRST + 40]


def test_months_are_cut_to_the_window():
    assert [last - first + 1 for first, last in months(date(2026, 1, 20), date(2026, 3, 5))] == [12, 28, 5]


def test_working_days_skip_weekends():
    friday = np.array([number(date(2026, 1, 2))])
    assert weekday(friday) == 4
    assert working_day(friday, np.array([1])) == number(date(2026, 1, 5))
    assert working_day(friday, np.array([6])) == number(date(2026, 1, 12))
