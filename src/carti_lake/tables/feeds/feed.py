"""What a feed is: a contract for one kind of extract, and the lineage that every bronze row carries."""

from functools import cache
from typing import Any, ClassVar

import dataframely as dy
import polars as pl

from carti_lake.tables.table import Table

#: Columns that bronze adds to what was delivered.
LINEAGE = ("rescued", "row_number", "row_hash", "delivered_at", "batch_id", "extract_date")


class Feed(Table, layer="bronze", partition_by="extract_date"):
    """A feed: what a source system delivers, row by row, as it was delivered.

    Class keyword ``snapshot``: what is delivered about a day is a full list, so a key that the newest one lacks is
    withdrawn.
    """

    snapshot: ClassVar[bool] = False

    rescued = dy.String(nullable=True, description="JSON of delivered values that fit no declared column or type")
    row_number = dy.Int64(description="Position of the row in its batch, from 1")
    row_hash = dy.Int64(description="Hash of the row as bronze holds it: XXH3 by column, seeded by its name")
    delivered_at = dy.Datetime(time_unit="us", time_zone="UTC", description="When the source delivered the batch")
    batch_id = dy.String(description="Feed, extract date and content hash of the delivery")
    extract_date = dy.Date(description="Day that the extract is about")

    def __init_subclass__(cls, *, snapshot: bool = False, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        cls.snapshot = snapshot

    @classmethod
    @cache
    def delivered(cls) -> dict[str, pl.DataType]:
        """Declared columns of the extract itself, with the type that bronze gives them."""
        return {name: dtype for name, dtype in cls.dtypes().items() if name not in LINEAGE}

    @classmethod
    @cache
    def required(cls) -> list[str]:
        """Columns without which an extract is not this feed."""
        return [name for name in cls.delivered() if cls.meta(name).get("required")]
