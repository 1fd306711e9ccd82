"""What a silver entity is: typed columns, row rules, and the lineage of its current row."""

from functools import cache
from typing import Any, ClassVar

import dataframely as dy
import polars as pl

from carti_lake.tables.checks import CELLS, DELIVERY_CHECKS, REPORT_ONLY, Finding, Thresholds, left_out
from carti_lake.tables.feeds.feed import Feed
from carti_lake.tables.table import Table

#: Columns that say where the current row of a key came from.
ORIGIN = ("batch_id", "extract_date", "delivered_at", "row_number", "row_hash", "unread")
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
    unread = dy.String(
        nullable=True,
        description="Checks that single values of the row failed, which are left out for it, separated by commas",
    )
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
    def lasting(cls) -> list[str]:
        """Delivered columns that stay as they are while the row's status moves on, but for corrections.

        A flag is a state, too; and nobody is another for being spelt in another way.
        """
        moving = {*cls.statuses, *(name for known in cls.statuses.values() for name in known)}
        moving |= {name for naming in cls.providers.values() for name in naming}
        return [name for name in cls.parsed_columns() if name not in moving and cls.dtypes()[name] != pl.Boolean]

    @classmethod
    def parsed_columns(cls) -> list[str]:
        """Columns that carry the feed's column of the same name, cleansed."""
        delivered = cls.feed.delivered()
        return [name for name in cls.business_columns() if name in delivered]

    @classmethod
    def needs(cls, column: str) -> bool:
        """Whether a row cannot be without the column: its key, what it declares to have, what its feed requires."""
        declared = cls.columns()[column]
        return column in cls.key() or not declared.nullable or column in cls.feed.required()

    @classmethod
    def identifiers(cls) -> list[str]:
        """Delivered columns that name something: the key, other rows, the patient."""
        named = [name for name in cls.feed.delivered() if name.endswith("_id")]
        return [*named, *(name for name in cls.key() if name in cls.feed.delivered() and name not in named)]

    @classmethod
    def numbers(cls) -> list[str]:
        """Identifiers that a system gives, and fills in where it has none."""
        return [name for name in cls.identifiers() if name.endswith("_id")]

    @classmethod
    def names(cls) -> list[str]:
        """Delivered columns in which the last line of a report says ``Total``: the key, and names of providers."""
        delivered = cls.feed.delivered()
        naming = [*cls.key(), "provider_name", *(name for name, _ in cls.providers.values())]
        return [name for name in dict.fromkeys(naming) if name in delivered]

    @classmethod
    def amounts(cls) -> list[str]:
        """Columns of money, as the feed delivers them."""
        return [name for name in cls.feed.delivered() if cls.feed.meta(name).get("unit") == "USD"]

    @classmethod
    def refusing_rules(cls) -> list[str]:
        """Ids of the rules that send a row to quarantine."""
        elsewhere = {*ORIGIN, *HIDDEN, cls.partition_by}
        declared = [rule for rule in cls.row_rules() if rule.split("|")[0] not in elsewhere]
        needed = [name for name in cls.parsed_columns() if cls.needs(name)]
        return [
            *declared,
            *(f"{name}|unreadable" for name in [*needed, "is_deleted"]),
            *(f"{name}|implausible" for name in needed if cls.columns()[name].dtype == pl.Date),
            *(f"{name}|icd9" for name in needed if cls.meta(name).get("code") == "icd10"),
            *(f"{name}|mangled" for name in cls.identifiers()),
            *(f"{name}|filler" for name in cls.numbers() if name in cls.feed.required()),
            *(f"{name}|total_row" for name in cls.names()),
            *(["currency|foreign"] if cls.amounts() else []),
        ]

    @classmethod
    def own_findings(cls) -> list[Finding]:
        """Checks of the entity's own; an entity with any overrides this."""
        return []

    @classmethod
    @cache
    def findings(cls) -> list[Finding]:
        """Checks that report and do not refuse: the entity's own, and single values that are left out."""
        return [*cls.own_findings(), *(left_out(name, kind) for name, kind in cls.cell_checks())]

    @classmethod
    @cache
    def cell_checks(cls) -> list[tuple[str, str]]:
        """Columns and kinds of checks that leave out a single value, and not its row."""
        found = []
        for name in cls.parsed_columns():
            dtype, code = cls.columns()[name].dtype, cls.meta(name).get("code")
            if cls.meta(name).get("salesforce"):
                found.append((name, "checksum"))
            if name in cls.numbers() and name not in cls.feed.required():
                found.append((name, "filler"))
            if cls.needs(name):
                continue
            found.append((name, "unreadable"))
            if code == "icd10":
                found.append((name, "icd9"))
            if dtype == pl.Date:
                found.append((name, "implausible"))
        return found

    @classmethod
    def declared_thresholds(cls, rule: str) -> Thresholds:
        """Thresholds of a rule or finding as declared, without what people have set since."""
        kind = rule.partition("|")[2]
        cells = [f"{name}|{one}" for name, one in cls.cell_checks()]
        if rule in cells and rule not in cls.thresholds:
            # Where the number is none, the name beside it says who is meant.
            numbers = {number for _, number in cls.providers.values()}
            return REPORT_ONLY if rule.partition("|")[0] in numbers else CELLS.get(kind, REPORT_ONLY)
        return super().declared_thresholds(rule)

    @classmethod
    def check_ids(cls) -> list[str]:
        """Ids of everything that is checked: rules that refuse, findings that report, what the feed delivers."""
        return [*cls.refusing_rules(), *(finding.id for finding in cls.findings()), *DELIVERY_CHECKS]
