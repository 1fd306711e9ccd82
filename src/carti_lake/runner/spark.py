"""Work done on Spark: by its own executors, by Sail, or by a platform's cluster, through one call of its data frames.

Nothing of a task stands in a plan, a description or a log: tasks travel with the function, and rows hold numbers.
"""

import pickle
import socket
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from importlib.metadata import version
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import polars as pl

from carti_lake.runner.engine import SPARK, Map, Result, Task
from carti_lake.store.errors import LakeError

if TYPE_CHECKING:
    import pyarrow as pa
    from pyspark.sql import SparkSession


#: Where servers of Spark Connect listen, and the seconds that one has to answer.
CONNECT_PORT, PATIENCE = 15002, 10


class WorkerError(LakeError):
    """A task that no worker could finish."""


def spark(session: "SparkSession") -> Map:
    """An engine that works out each task on a worker of the session.

    Workers need this package with the same Polars, and must see the lake under the same address.

    Parameters
    ----------
    session
        Any session: of a cluster, of Spark Connect, or that of a notebook.

    Raises
    ------
    WorkerError
        When it works: a worker has other versions, or Spark gave a task up.
    LakeError
        When it works: what a task itself says, as it would in this process.
    """

    def work(function: Callable[[Task], Result], tasks: Sequence[Task], /) -> list[Result]:
        if not tasks:
            return []
        job = Job(pickle.dumps(function), tuple(map(pickle.dumps, tasks)), installed())
        numbers = session.range(0, len(tasks), 1, len(tasks))
        try:
            answers = numbers.mapInArrow(job.answers, "task long, answer binary").collect()
        except Exception as error:
            raise WorkerError(f"The cluster gave up: {_told(error)} Nothing of this step was committed.") from error
        results: dict[int, Any] = {answer["task"]: pickle.loads(answer["answer"]) for answer in answers}
        for result in results.values():
            if isinstance(result, LakeError):
                raise result
        return [results[number] for number in range(len(tasks))]

    work.__name__ = SPARK
    return work


def session_at(url: str | None) -> "SparkSession":
    """The session of a Spark Connect server (``sc://host:15002``), or the one that is there.

    Raises
    ------
    LakeError
        Where Spark's client is not installed, or nothing answers.
    """
    try:
        from pyspark.errors import PySparkException
        from pyspark.sql import SparkSession
    except ImportError as error:
        raise LakeError("Spark's client is not installed: pip install 'carti-lake[spark]'.") from error
    try:
        if url is None:
            return SparkSession.builder.getOrCreate()
        # The client itself would try for ten minutes.
        at = urlsplit(url)
        socket.create_connection((at.hostname or "", at.port or CONNECT_PORT), PATIENCE).close()
        return SparkSession.builder.remote(url).create()
    except (PySparkException, RuntimeError, OSError) as error:
        sought = "session is here" if url is None else f"answers at {url}"
        raise LakeError(
            f"No Spark {sought}: {_told(error)} Give the address of a server of Spark Connect: --engine-url sc://host:15002."
        ) from error


def installed() -> str:
    """What has to be the same wherever a run is worked on."""
    return f"carti_lake {version('carti_lake')} with Polars {pl.__version__}"


@dataclass(frozen=True)
class Job:
    """A function and its tasks, pickled, and what the driver has installed."""

    function: bytes = field(repr=False)
    tasks: tuple[bytes, ...] = field(repr=False)
    driver: str

    def answers(self, batches: "Iterator[pa.RecordBatch]") -> "Iterator[pa.RecordBatch]":
        """For numbers of tasks, what came of each."""
        import pyarrow as pa

        for batch in batches:
            numbers = batch.column(0)
            answers = [pickle.dumps(self._answer(number)) for number in numbers.to_pylist()]
            yield pa.RecordBatch.from_arrays([numbers, pa.array(answers, pa.binary())], ["task", "answer"])

    def _answer(self, number: int) -> Any:
        if (here := installed()) != self.driver:
            return WorkerError(f"A worker has {here}, and this process {self.driver}. Install the same on both.")
        try:
            return pickle.loads(self.function)(pickle.loads(self.tasks[number]))
        except LakeError as error:
            # It says what to do, and would say it again: the cluster need not try the task several times.
            return error


def _told(error: Exception) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[-1] if lines else type(error).__name__
