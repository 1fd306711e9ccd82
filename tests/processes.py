"""Other processes that work on a lake: started quickly, at the same moment, or killed."""

import multiprocessing
from collections.abc import Callable
from multiprocessing.connection import Connection
from multiprocessing.synchronize import Barrier
from typing import Any

# The server imports once and computes nothing, so forks of it are quick and inherit no lock.
FORKS = multiprocessing.get_context("forkserver")
FORKS.set_forkserver_preload(
    ["polars", "deltalake", "carti_lake.lake", "carti_lake.sources.files", "carti_lake.sources.frames"]
)

Job = tuple[Callable[..., Any], *tuple[Any, ...]]


def together(*jobs: Job) -> list[Any]:
    """Start the jobs (a function and its arguments) at one moment; gives what each returned, or raised."""
    gate = FORKS.Barrier(len(jobs))
    ends = [FORKS.Pipe(duplex=False) for _ in jobs]
    processes = [
        FORKS.Process(target=_work, args=(tell, gate, *job)) for (_, tell), job in zip(ends, jobs, strict=True)
    ]
    for process in processes:
        process.start()
    for _, tell in ends:
        tell.close()
    try:
        for hear, _ in ends:
            assert hear.poll(120), "a process hangs"
        return [hear.recv() for hear, _ in ends]
    finally:
        for process in processes:
            process.join(10)
            process.kill()


def _work(tell: Connection, gate: Barrier, function: Callable[..., Any], *arguments: Any) -> None:
    gate.wait(60)
    try:
        tell.send(function(*arguments))
    except Exception as error:
        tell.send(error)
