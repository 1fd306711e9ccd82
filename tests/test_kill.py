"""Kills at random moments of load, run, optimise and vacuum: nothing is lost or doubled, readers never notice.

``CARTI_LAKE_KILLS=100`` kills a hundred times.
"""

import os
import random
import signal
import time
from collections.abc import Callable
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path

import pytest

from carti_lake import Lake
from carti_lake.upkeep import vacuum as vacuum_module
from tests.equality import assert_same, state
from tests.processes import FORKS
from tests.strategies import Delivery, sequence

KILLS = int(os.environ.get("CARTI_LAKE_KILLS", "50"))
SEED = 7
#: A list per day, a directory that re-attributes, and rows that it re-attributes.
FEEDS = ("ehr_visits", "ehr_visits", "salesforce_crm", "providers")


def lake_at(folder: Path) -> Lake:
    return Lake(folder, environment={})


def load(folder: Path, delivery: Delivery) -> None:
    lake_at(folder).load(
        delivery.feed, delivery.frame, extract_date=delivery.extract_date, delivered_at=delivery.delivered_at
    )


def run(folder: Path, *, full: bool = False) -> None:
    result = lake_at(folder).run(full=full, accept=["drift", "quality"])
    assert not result.failed, result.failed


def rebuild(folder: Path) -> None:
    run(folder, full=True)


def optimize(folder: Path) -> None:
    lake_at(folder).optimize()


def vacuum(folder: Path) -> None:
    # Nobody else writes here, so that files of a moment ago may go as well.
    vacuum_module.KEPT_HOURS = 0
    lake_at(folder).vacuum(keep_days=0)


def child(started: Connection, work: Callable[..., None], arguments: tuple[object, ...]) -> None:
    started.send(time.monotonic())
    work(*arguments)


def start(work: Callable[..., None], *arguments: object) -> tuple[BaseProcess, float]:
    hear, tell = FORKS.Pipe(duplex=False)
    process = FORKS.Process(target=child, args=(tell, work, arguments))
    process.start()
    tell.close()
    assert hear.poll(60)
    return process, hear.recv()


def finish(work: Callable[..., None], *arguments: object) -> float:
    """Do the work in a process that nobody kills; returns the seconds that it took."""
    process, began = start(work, *arguments)
    process.join(60)
    assert process.exitcode == 0
    return time.monotonic() - began


def is_killed(work: Callable[..., None], *arguments: object, after: float) -> bool:
    """Whether the work was still under way after so many seconds, and has been killed."""
    process, began = start(work, *arguments)
    process.join(max(0.0, began + after - time.monotonic()))
    process.kill()
    process.join(60)
    assert process.exitcode in (0, -signal.SIGKILL)
    return process.exitcode != 0


def assert_readable(folder: Path, name: str | None = None) -> int:
    """Every table of the latest release, or of the named one, can be read; gives its number."""
    view = lake_at(folder).at(release=name)
    for table in view.tables():
        rows = view.scan(table).collect()
        assert table == "silver.claims" or rows.height <= view.release.rows[table]
    return view.release.number


@pytest.mark.slow
def test_a_lake_survives_kills_at_any_moment(tmp_path):
    calm, shaken = tmp_path / "calm", tmp_path / "shaken"
    deliveries = sequence(40, SEED, FEEDS)
    took = {load: max(finish(load, calm, one) for one in deliveries[:5])}
    for one in deliveries[5:]:
        load(calm, one)
    took |= {work: finish(work, calm) for work in (run, optimize, vacuum, rebuild)}

    for one in deliveries[:5]:
        load(shaken, one)
    run(shaken)
    lake_at(shaken).lock("board")
    waiting, draw, killed, newest = deliveries[5:], random.Random(SEED), dict.fromkeys(took, 0), 1
    while sum(killed.values()) < KILLS:
        work = draw.choices([load, run, rebuild, optimize, vacuum], [35, 30, 15, 10, 10])[0]
        if work is load and not waiting:
            continue
        arguments = (shaken, waiting[0]) if work is load else (shaken,)
        if is_killed(work, *arguments, after=draw.uniform(0, took[work])):
            killed[work] += 1
        elif work is load:
            waiting.pop(0)
        release = assert_readable(shaken)
        assert release >= newest
        newest = release
        if draw.random() < 0.2:
            finish(run, shaken)
            if waiting and draw.random() < 0.5:
                finish(load, shaken, waiting.pop(0))

    for one in waiting:
        load(shaken, one)
    run(shaken)
    assert min(killed.values()) > 0
    assert assert_readable(shaken, "board") == 1
    assert not [check.problem for check in lake_at(shaken).verify() if check.problem]
    assert_same(state(lake_at(calm)), state(lake_at(shaken)))
