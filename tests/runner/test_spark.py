"""The same run with its tasks on Spark's workers: the same tables, and the same words where something is wrong."""

import contextlib
import math
import pickle
import shutil
import sys
from datetime import date
from functools import partial

import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from carti_lake.runner.engine import here
from carti_lake.runner.spark import Job, WorkerError, installed, session_at, spark
from carti_lake.store import parts
from carti_lake.store.errors import LakeError
from carti_lake.store.places import Place
from carti_lake.store.scratch import FOLDER
from carti_lake.store.storage import storage_at
from carti_lake.upkeep.tables import existing
from tests.equality import assert_same, state
from tests.worlds.deliveries import filled, histories
from tests.worlds.rows import visit

pytestmark = [pytest.mark.server, pytest.mark.slow]


@contextlib.contextmanager
def served(mode):
    """A session of Spark Connect, served by Sail in this process: as one worker, or as a driver with workers."""
    pysail = pytest.importorskip("pysail.spark", reason="needs pysail and pyspark-client: make test-spark")
    with pytest.MonkeyPatch.context() as patch:
        # PySpark takes a process whose main module is no file, as pytest-xdist starts them, for its own doctests' run.
        patch.setattr(sys.modules["__main__"], "__file__", __file__, raising=False)
        patch.setenv("SAIL_MODE", mode)
        from pyspark.sql.connect.session import SparkSession

        server = pysail.SparkConnectServer("127.0.0.1", 0)
        server.start(background=True)
        host, port = server.listening_address
        session = SparkSession.builder.remote(f"sc://{host}:{port}").create()
    yield session
    session.stop()
    server.stop()


@pytest.fixture(scope="module")
def session():
    with served("local") as session:
        yield session


@pytest.fixture(scope="module", params=["local", "local-cluster"])
def either(request):
    with served(request.param) as session:
        yield session


@settings(max_examples=2)
@given(histories(), st.integers(1, 4), st.booleans())
def test_any_deliveries_come_to_the_same_tables(either, tmp_path_factory, deliveries, at_once, day_by_day):
    session, folder = either, tmp_path_factory.mktemp("engines")
    with pytest.MonkeyPatch.context() as patch:
        there = filled(folder / "there", deliveries, spark(session), day_by_day=day_by_day)
        patch.setattr(parts, "ROWS_AT_ONCE", at_once)
        split = filled(folder / "split", deliveries, spark(session), day_by_day=day_by_day)
    alone = filled(folder / "here", deliveries, here, day_by_day=day_by_day)
    assert_same(state(there), state(alone))
    assert_same(state(split), state(alone))
    shutil.rmtree(folder)


SOME_DAYS = [(date(2026, 5, day), [visit(f"V{one}", claim_paid=str(day)) for one in range(day, 12)]) for day in (2, 3)]


def test_a_lake_in_an_object_store_is_worked_on_there(session, tmp_path, s3, s3_uri, monkeypatch):
    alone = filled(tmp_path / "here", SOME_DAYS, here, day_by_day=False)
    monkeypatch.setattr(parts, "ROWS_AT_ONCE", 7)
    there = filled(f"{s3_uri}/lake", SOME_DAYS, spark(session), day_by_day=False, options=s3)
    assert_same(state(there), state(alone))
    assert Place(str(there.uri), s3).sizes(FOLDER) == {}


def test_no_plan_tells_how_a_store_is_reached(session, capsys):
    job = Job(pickle.dumps(partial(storage_at, options={"aws_secret_access_key": "MARKED"})), (b"",), installed())
    session.range(0, 1, 1, 1).mapInArrow(job.answers, "task long, answer binary").explain("extended")
    told = capsys.readouterr().out
    assert "Map" in told
    assert "MARKED" not in told + repr(job)


def test_a_release_says_on_which_engine_a_table_was_made(session, tmp_path):
    lake = filled(tmp_path / "lake", SOME_DAYS, spark(session), day_by_day=False)
    assert lake.releases()[-1].made_on["silver.visits"] == "spark"
    lake.load("ehr_visits", [visit("V99")], extract_date=date(2026, 5, 9))
    lake.run(accept=["drift", "quality"])
    assert lake.status()["release"]["made_on"]["silver.visits"] == "spark"
    lake.run(accept=["drift", "quality"], full=True)
    assert lake.releases()[-1].made_on["silver.visits"] == "here"


def test_a_change_of_engine_rebuilds_nothing(session, tmp_path):
    lake = filled(tmp_path / "lake", [(date(2026, 5, 2), [visit("V1")])], here, day_by_day=False)
    assert lake.run(engine=spark(session)).release is None


def test_results_come_in_the_order_of_their_tasks(session):
    assert spark(session)(math.sqrt, [float(one * one) for one in range(9)]) == [float(one) for one in range(9)]


def refuse(task, *, why):
    raise LakeError(why)


def test_what_a_task_says_is_said_as_in_this_process(session):
    with pytest.raises(LakeError, match=r"^visits.csv, line 7: no day$"):
        spark(session)(partial(refuse, why="visits.csv, line 7: no day"), [1])


def test_a_task_that_fails_is_told_with_what_went_wrong(session):
    with pytest.raises(WorkerError, match=r"ValueError: math domain error.*Nothing of this step was committed"):
        spark(session)(math.sqrt, [-1.0])


def test_a_worker_with_another_version_is_refused():
    job = Job(pickle.dumps(math.sqrt), (pickle.dumps(4.0),), "carti_lake 0 with Polars 1")
    answers = [batch.to_pylist() for batch in job.answers([pa.record_batch({"task": [0]})])]
    (refusal,) = (pickle.loads(one["answer"]) for batch in answers for one in batch)
    assert isinstance(refusal, WorkerError)
    assert str(refusal).endswith("and this process carti_lake 0 with Polars 1. Install the same on both.")


def test_nothing_answers_where_no_server_is(session):
    with pytest.raises(LakeError, match=r"No Spark answers at sc://127.0.0.1:1: .*--engine-url"):
        session_at("sc://127.0.0.1:1")


def test_spark_reads_the_rows_of_every_table_as_the_lake_reads_them(session, tmp_path):
    lake = filled(
        tmp_path / "lake", [(date(2026, 5, 2), [visit("V1"), visit("V2", claim_paid=None)])], here, day_by_day=True
    )
    names = existing(lake.storage)
    assert len(names) > 20
    for name in names:
        ours = lake.storage.scan(name).collect()
        theirs = pl.DataFrame(session.read.format("delta").load(lake.storage.path(name)).toArrow())
        flat = [column for column, dtype in ours.schema.items() if not dtype.is_nested()]
        rows = theirs.select(flat).cast({column: ours.schema[column] for column in flat})
        assert rows.sort(flat).equals(ours.select(flat).sort(flat)), name
