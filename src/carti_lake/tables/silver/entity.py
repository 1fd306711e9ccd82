"""What a silver entity is: typed columns, row rules, and the lineage of its current row."""

from typing import Any, ClassVar

import dataframely as dy
import polars as pl

from carti_lake.tables.checks import DELIVERY_CHECKS
from carti_lake.tables.feeds.feed import Feed
from carti_lake.tables.table import Table

#: Columns that say where the current row of a key came from.
ORIGIN = ("batch_id", "extract_date", "delivered_at", "row_number", "row_hash")
#: Columns that the lake needs and readers do not see.
HIDDEN = ("key_hash", "withdrawn")


class Entity(Table, layer="silver"):
    """A cleansed entity: one current row per business key.

    Class keywords: ``feed`` (where its rows come from), ``month_of`` (the date whose month is the partition), ``dated``
    (the day that a row is about; that of ``month_of`` unless told), ``providers`` (role to the feed's columns that name
    the provider: name, NPI), ``statuses`` (status to the columns that become known with it), ``dollars`` (the column of
    what a row is worth), ``takes_back`` (whether a row takes back the one before it: a withdrawal, unless told) and
    ``instead`` (what to do with an extract of several rows a key).
    """

    feed: ClassVar[type[Feed]]
    month_of: ClassVar[str | None] = None
    dated: ClassVar[str | None] = None
    providers: ClassVar[dict[str, tuple[str, str]]] = {}
    statuses: ClassVar[dict[str, tuple[str, ...]]] = {}
    dollars: ClassVar[str | None] = None
    takes_back: ClassVar[pl.Expr] = pl.col("withdrawn")
    instead: ClassVar[str] = ""

    batch_id = dy.String(description="Delivery that the current row came with")
    extract_date = dy.Date(description="Extract date of that delivery")
    delivered_at = dy.Datetime(time_unit="us", time_zone="UTC", description="When that delivery was made")
    row_number = dy.Int64(description="Position of the row in that delivery")
    row_hash = dy.Int64(description="Hash of the row as bronze holds it")
    key_hash = dy.Int64(description="xxHash64 of the business key")
    withdrawn = dy.Bool(description="Tombstone: the source withdrew the row")

    def __init_subclass__(
        cls,
        *,
        feed: type[Feed] | None = None,
        month_of: str | None = None,
        dated: str | None = None,
        providers: dict[str, tuple[str, str]] | None = None,
        statuses: dict[str, tuple[str, ...]] | None = None,
        dollars: str | None = None,
        takes_back: pl.Expr | None = None,
        instead: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init_subclass__(**kwargs)
        if feed is not None:
            cls.feed = feed
        if month_of is not None:
            cls.month_of = month_of
        if dated is not None or month_of is not None:
            cls.dated = dated or month_of
        if providers is not None:
            cls.providers = providers
        if statuses is not None:
            cls.statuses = statuses
        if dollars is not None:
            cls.dollars = dollars
        if takes_back is not None:
            cls.takes_back = takes_back
        if instead is not None:
            cls.instead = instead

    @classmethod
    def business_columns(cls) -> list[str]:
        """Declared columns without lineage and bookkeeping."""
        return [name for name in cls.columns() if name not in (*ORIGIN, *HIDDEN)]

    @classmethod
    def parsed_columns(cls) -> list[str]:
        """Columns that carry the feed's column of the same name, cleansed."""
        delivered = cls.feed.delivered()
        return [name for name in cls.business_columns() if name in delivered]

    @classmethod
    def refusing_rules(cls) -> list[str]:
        """Ids of the rules that send a row to quarantine."""
        elsewhere = {*ORIGIN, *HIDDEN, cls.partition_by}
        declared = [rule for rule in cls.row_rules() if rule.split("|")[0] not in elsewhere]
        return [*declared, *(f"{name}|unreadable" for name in cls.parsed_columns())]

    @classmethod
    def check_ids(cls) -> list[str]:
        """Ids of everything that is checked: rules that refuse, findings that report, what the feed delivers."""
        return [*cls.refusing_rules(), *(finding.id for finding in cls.findings()), *DELIVERY_CHECKS]
