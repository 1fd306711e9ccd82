"""Histories by the hundred, in one process."""

import gc
import os
import tempfile
from pathlib import Path

# The rows of a history are few: threads would only begin and end. Polars asks when it is first imported.
os.environ.setdefault("POLARS_MAX_THREADS", "1")

from tests.histories.history import History, begin

#: The fastest place for files that nobody keeps.
PLACE = "/dev/shm" if Path("/dev/shm").is_dir() else None

# What was imported is not looked through again and again for what nobody holds any more.
gc.freeze()

Found = tuple[int, str, list[str]]


def one(seed: int) -> str | None:
    """What is wrong with the history of a seed, and what went before; None where all is well."""
    found = many((seed, 1))[1]
    return found[0][1] if found else None


def many(part: tuple[int, int]) -> tuple[int, list[Found]]:
    """So many histories from a seed on: how many were lived, and which went wrong."""
    found: list[Found] = []
    start, count = part
    for seed in range(start, start + count):
        with tempfile.TemporaryDirectory(dir=PLACE) as folder:
            history: History = begin(Path(folder), seed)
            try:
                history.live()
            except Exception as error:
                found.append((seed, f"{type(error).__name__}: {error}", history.log[-20:]))
    return count, found
