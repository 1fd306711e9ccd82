"""Runs on Spark itself, in processes of its own: the same tables, and nothing lost where one of them is killed."""

import math
import os
import random
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from carti_lake import Lake
from carti_lake.runner.engine import here
from carti_lake.runner.spark import WorkerError, spark
from carti_lake.store import parts
from carti_lake.store.errors import LakeError
from carti_lake.store.storage import storage_at
from tests.equality import assert_same, state
from tests.worlds.deliveries import filled, histories, loaded
from tests.worlds.rows import visit

pytestmark = pytest.mark.spark

KILLS = int(os.environ.get("CARTI_LAKE_KILLS", "3"))
ACCEPTED = ["drift", "quality"]
#: What a process's command line says of what it is.
WORKER, EXECUTOR = "pyspark.daemon", "CoarseGrainedExecutorBackend"
#: Enough rows of enough batches that each round has several tasks.
DELIVERIES = [
    (
        date(2026, 5, day),
        [
            visit(f"V{number}", claim_paid=str(day), visit_date=f"2026-0{1 + number % 4}-11")
            for number in range(day, day + 12)
        ],
    )
    for day in range(1, 5)
]


def start() -> Any:
    """A cluster of two executors, each a Java process with Python workers, on this machine."""
    from pyspark.sql import SparkSession

    os.environ.update(PYSPARK_PYTHON=sys.executable, SPARK_LOCAL_IP="127.0.0.1")
    session = (
        SparkSession.builder.master("local-cluster[2,1,1024]")
        .config("spark.ui.enabled", "false")
        .config("spark.executorEnv.POLARS_MAX_THREADS", "1")
        .getOrCreate()
    )
    session.sparkContext.setLogLevel("OFF")
    return session


@pytest.fixture(scope="module")
def session() -> Iterator[Any]:
    if shutil.which("java") is None:
        pytest.skip("needs a Java runtime: apt-get install default-jre-headless")
    pytest.importorskip("py4j", reason="needs Spark itself: make test-spark")
    session = start()
    yield session
    session.stop()


@pytest.fixture
def many_tasks(monkeypatch):
    monkeypatch.setattr(parts, "ROWS_AT_ONCE", 5)


@settings(max_examples=2)
@given(histories(), st.integers(1, 4), st.booleans())
def test_any_deliveries_come_to_the_same_tables(session, tmp_path_factory, deliveries, at_once, day_by_day):
    folder = tmp_path_factory.mktemp("engines")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(parts, "ROWS_AT_ONCE", at_once)
        there = filled(folder / "there", deliveries, spark(session), day_by_day=day_by_day)
    alone = filled(folder / "here", deliveries, here, day_by_day=day_by_day)
    assert_same(state(there), state(alone))
    shutil.rmtree(folder)


def test_what_a_task_says_is_said_as_in_this_process(session):
    with pytest.raises(LakeError, match=r"^The lake's folder .* has .* in its path, which Delta cannot read"):
        spark(session)(partial(storage_at, options={}), ["/lakes\\ours"])


def test_a_task_that_fails_is_told_with_what_went_wrong(session):
    with pytest.raises(WorkerError, match=r"ValueError: math domain error.*Nothing of this step was committed"):
        spark(session)(math.sqrt, [-1.0])


def processes(kind: str) -> list[int]:
    """Numbers of the processes of a kind."""
    found = []
    for one in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):
            if kind.encode() in one.read_bytes():
                found.append(int(one.parent.name))
    return found


def killer(kind: str, step: int, draw: random.Random) -> tuple[Callable[[str], None], list[str]]:
    """Progress of a run that kills a process of the kind soon after the so manieth step; during which, is told."""
    steps: list[str] = []
    killed: list[str] = []

    def kill() -> None:
        if found := processes(kind):
            with suppress(ProcessLookupError):
                os.kill(draw.choice(found), signal.SIGKILL)
                killed.append(steps[-1])

    def progress(name: str) -> None:
        steps.append(name)
        if len(steps) == step:
            threading.Timer(draw.uniform(0, 0.5), kill).start()

    return progress, killed


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    return filled(tmp_path_factory.mktemp("undisturbed") / "lake", DELIVERIES, here, day_by_day=False)


def sound(lake: Lake, undisturbed: Lake) -> None:
    """After whatever became of a run, the next one finishes it; what no commit names is removed by a vacuum."""
    lake.run(accept=ACCEPTED, engine=here)
    assert_same(state(lake), state(undisturbed))
    lake.vacuum(keep_days=0)
    assert [one.problem for one in lake.verify() if one.problem] == []
    assert_same(state(lake), state(undisturbed))


@pytest.mark.parametrize("kind", [WORKER, EXECUTOR])
def test_a_killed_worker_is_replaced_or_ends_the_run_and_nothing_is_lost(
    session, tmp_path, many_tasks, undisturbed, kind
):
    draw = random.Random(kind)
    steps: list[str] = []
    loaded(tmp_path / "whole", DELIVERIES).run(accept=ACCEPTED, engine=spark(session), progress=steps.append)
    met: list[str] = []
    for turn in range(20 * KILLS):
        lake = loaded(tmp_path / str(turn), DELIVERIES)
        progress, killed = killer(kind, draw.randint(1, len(steps)), draw)
        with suppress(WorkerError):
            lake.run(accept=ACCEPTED, engine=spark(session), progress=progress)
        sound(lake, undisturbed)
        met += killed
        if len(met) == KILLS:
            print(f"{kind} killed during {', '.join(met)}")
            return
    raise AssertionError(f"only {len(met)} of {KILLS} kills met a process")


DRIVER = """
import sys
from pathlib import Path
from carti_lake import Lake
from carti_lake.runner.spark import spark
from carti_lake.store import parts
from tests.runner.test_spark_cluster import start

parts.ROWS_AT_ONCE = 5
session = start()
print("ready", flush=True)
Lake(sys.argv[1], environment={}).run(
    accept=["drift", "quality"], engine=spark(session), progress=lambda step: print(step, flush=True)
)
"""


def test_a_killed_driver_leaves_what_the_next_run_finishes(tmp_path, undisturbed):
    pytest.importorskip("py4j", reason="needs Spark itself: make test-spark")
    draw = random.Random("driver")
    for turn in range(KILLS):
        lake = loaded(tmp_path / str(turn), DELIVERIES)
        driver = subprocess.Popen(
            [sys.executable, "-c", DRIVER, lake.uri],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            start_new_session=True,
        )
        assert driver.stdout is not None
        assert driver.stdout.readline() == "ready\n"
        last = draw.randrange(1, 25)
        phase = ""
        for number, line in enumerate(driver.stdout):
            phase = line.strip()
            if number == last:
                break
        # With all that it has started: Java does not outlive its driver either.
        os.killpg(driver.pid, signal.SIGKILL)
        driver.wait()
        print(f"driver killed at {phase}")
        sound(lake, undisturbed)
