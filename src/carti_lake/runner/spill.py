"""Rows that one round of tasks leaves for the next: in files of the scratch folder, by bucket of their keys."""

from collections.abc import Sequence

import polars as pl

from carti_lake.pipeline.newest import in_bucket
from carti_lake.store import datafiles
from carti_lake.store.places import Place

#: Buckets with the files that hold their rows.
Spilled = list[tuple[str, str]]


def spill(rows: pl.LazyFrame, into: Place, buckets: int) -> Spilled:
    """Write rows with a ``key_hash`` by bucket of their keys."""
    written = datafiles.sink(rows.with_columns(bucket=in_bucket(buckets)), into.address, ["bucket"], into.options)
    numbers = [str(file.partition_values["bucket"]) for file in written]
    return list(zip(numbers, datafiles.addresses(written, into.address), strict=True))


def by_bucket(spilled: Sequence[Spilled]) -> list[tuple[int, list[str]]]:
    """The buckets that rows were spilled into, with all files of each."""
    files: dict[str, list[str]] = {}
    for of_task in spilled:
        for bucket, file in of_task:
            files.setdefault(bucket, []).append(file)
    return [(int(bucket), found) for bucket, found in sorted(files.items())]
