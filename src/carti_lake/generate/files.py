"""The extracts of a synthetic network as files, as if the systems had dropped them into a folder."""

import os
from collections.abc import Callable, Collection
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Literal

from carti_lake.generate.calendar import Every, number
from carti_lake.generate.draws import stream
from carti_lake.generate.network import extracts
from carti_lake.generate.settings import Network
from carti_lake.tables.feeds import FEEDS

Format = Literal["csv", "parquet", "ndjson"]
#: Called with the days written so far and all days.
Progress = Callable[[int, int], None]


def write(
    network: Network,
    folder: Path,
    format: Format = "csv",
    progress: Progress | None = None,
    *,
    every: Every = "day",
    feeds: Collection[str] = tuple(FEEDS),
) -> list[Path]:
    """Write every extract to ``<folder>/<feed>/<feed>_<extract date>.<format>``, its file time being delivered_at.

    Parameters
    ----------
    network
        Settings; the same ones give the same files to the byte. With dirt, a share of the CSV files is in cp1252.
    folder
        Where to write; made if need be. Files of the same name are replaced.
    format
        ``csv`` (UTF-8), ``parquet`` or ``ndjson``.
    progress
        Called with the days written so far, and all days.
    every, feeds
        See :func:`extracts`.

    Returns
    -------
    list of Path
        The files in the order of delivery.
    """
    paths = []
    for feed, extract_date, delivered_at, rows in extracts(network, every=every, feeds=feeds):
        path = folder / feed / f"{feed}_{extract_date}.{format}"
        path.parent.mkdir(parents=True, exist_ok=True)
        if format == "parquet":
            rows.write_parquet(path, compression="lz4", statistics=False)
        elif format == "ndjson":
            rows.write_ndjson(path)
        elif _in_cp1252(network, feed, extract_date):
            path.write_bytes(rows.write_csv().encode("cp1252"))
        else:
            rows.write_csv(path)
        _set_time(path, delivered_at)
        paths.append(path)
        if progress is not None:
            progress((extract_date - network.start).days + 1, network.days)
    return paths


def _in_cp1252(network: Network, feed: str, extract_date: date) -> bool:
    """Whether the system wrote this file in the Windows encoding of western Europe."""
    rng = stream(network.seed, f"encoding {feed}", number(extract_date))
    return bool(rng.random() < network.dirt)


def _set_time(path: Path, moment: datetime) -> None:
    seconds = (moment - datetime(1970, 1, 1, tzinfo=UTC)).total_seconds()
    nanoseconds = int(seconds) * 1_000_000_000
    os.utime(path, ns=(nanoseconds, nanoseconds))
