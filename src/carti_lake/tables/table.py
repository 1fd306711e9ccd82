"""What a declared table is: columns, key, partition, rules and findings, all read from one class."""

from collections.abc import Mapping
from functools import cache
from typing import Any, ClassVar, Final

import dataframely as dy
import polars as pl

from carti_lake.tables.checks import DEFAULTS, DELIVERY_CHECKS, KAHN_CATEGORIES, Finding, Thresholds

#: Category of the rules that one column can break, by kind.
KINDS: Final = {
    "unreadable": "conformance",
    "icd9": "conformance",
    "mangled": "conformance",
    "filler": "conformance",
    "total_row": "conformance",
    "foreign": "conformance",
    "implausible": "plausibility",
    "nullability": "completeness",
    "min": "plausibility",
    "max": "plausibility",
}


class Table(dy.Schema):
    """A table of the lake, declared once; everything else is derived from the declaration.

    Class keywords: ``layer`` (bronze, silver, gold), ``table`` (its name), ``partition_by``, ``view_of`` (a table that
    is a projection of another one and holds no files of its own).
    """

    layer: ClassVar[str] = ""
    short_name: ClassVar[str] = ""
    partition_by: ClassVar[str | None] = None
    view_of: ClassVar[type["Table"] | None] = None
    #: Thresholds of checks that the defaults of their category do not suit.
    thresholds: ClassVar[Mapping[str, Thresholds]] = {}

    def __init_subclass__(
        cls,
        *,
        layer: str | None = None,
        table: str | None = None,
        partition_by: str | None = None,
        view_of: "type[Table] | None" = None,
        **kwargs: Any,
    ) -> None:
        super().__init_subclass__(**kwargs)
        if layer is not None:
            cls.layer = layer
        if table is not None:
            cls.short_name = table
        if partition_by is not None:
            cls.partition_by = partition_by
        if view_of is not None:
            cls.view_of = view_of

    @classmethod
    @cache
    def columns(cls) -> dict[str, dy.Column]:
        """Declared columns by name; put together once, since every derivation asks for them."""
        return super().columns()

    @classmethod
    def full_name(cls) -> str:
        """Layer and name, as users write it: ``gold.provider_summary``."""
        return f"{cls.layer}.{cls.short_name}" if cls.layer else cls.short_name

    @classmethod
    def purpose(cls) -> str:
        """First line of the declaration's docstring."""
        return (cls.__doc__ or "").strip().splitlines()[0]

    @classmethod
    def key(cls) -> list[str]:
        """Columns that together identify a row."""
        return cls.primary_key()

    @classmethod
    @cache
    def dtypes(cls) -> dict[str, pl.DataType]:
        """Column names and Polars types as held in memory."""
        return {name: column.dtype for name, column in cls.columns().items()}

    @classmethod
    def meta(cls, column: str) -> dict[str, Any]:
        """Declared properties of a column: ``unit``, ``phi``, ``required``, ``code``."""
        return cls.columns()[column].metadata or {}

    @classmethod
    def phi_columns(cls) -> list[str]:
        """Columns that hold protected health information as delivered."""
        return [name for name in cls.columns() if cls.meta(name).get("phi")]

    @classmethod
    def row_rules(cls) -> dict[str, pl.Expr]:
        """Rules that one row can break by itself: id to an expression that is true for good rows.

        The key's uniqueness is not among them: the pipeline makes keys unique, the audit proves it.
        """
        rules = cls._validation_rules(with_cast=False)
        return {name: rule.expr for name, rule in rules.items() if name != "primary_key"}

    @classmethod
    def rule_text(cls) -> dict[str, str]:
        """Rule ids and what they ask for, for the catalogue."""
        texts = {}
        for name, expression in cls.row_rules().items():
            declared = getattr(getattr(cls, name, None), "validation_fn", None)
            texts[name] = (getattr(declared, "__doc__", None) or str(expression)).strip()
        return texts

    @classmethod
    def findings(cls) -> list[Finding]:
        """Checks that report and do not refuse; a table with any overrides this."""
        return []

    @classmethod
    def check_ids(cls) -> list[str]:
        """Ids of everything that is checked of the table."""
        return [finding.id for finding in cls.findings()]

    @classmethod
    @cache
    def category_of(cls, rule: str) -> str:
        """Kahn's category of a rule or finding, by its id."""
        for finding in cls.findings():
            if finding.id == rule:
                return finding.category
        if rule in DELIVERY_CHECKS:
            return DELIVERY_CHECKS[rule].category
        kind = rule.partition("|")[2]
        if kind in KINDS:
            return KINDS[kind]
        # A rule between columns says its category first.
        said = cls.rule_text().get(rule, "").partition(":")[0].lower()
        return said if said in KAHN_CATEGORIES else "plausibility"

    @classmethod
    def declared_thresholds(cls, rule: str) -> Thresholds:
        """Thresholds of a rule or finding as declared, without what people have set since."""
        if rule in DELIVERY_CHECKS:
            return cls.thresholds.get(rule, DELIVERY_CHECKS[rule].thresholds)
        return cls.thresholds.get(rule, DEFAULTS[cls.category_of(rule)])
