"""Data-quality checks: what a check is, those that many tables share, and when a failing share matters."""

from dataclasses import dataclass

import polars as pl

KAHN_CATEGORIES = ("conformance", "completeness", "plausibility")
#: Words by which sources say that they have no value, as a code.
PLACEHOLDERS = ("unknown", "n_a", "na", "none", "null", "nil", "tbd", "unspecified", "not_specified", "not_available")


#: Words by which systems write that a cell has no value, in any letters: no column has them for a value of its own.
NO_VALUE = (
    "null", "\\n", "(null)", "<null>", "[null]", "none", "nan", "na", "n/a", "n.a.", "#n/a", "<na>", "nat", "nil",
    "(none)", "(blank)", "(empty)", "<none>", "#null!", "-", "--", "---", "\u2013", "\u2014",
)  # fmt: skip
#: Each as systems spell it.
NULL_WORDS = tuple(
    dict.fromkeys(
        spelt
        for word in (*NO_VALUE, "NaN", "NaT")
        for spelt in (word, word.lower(), word.upper(), word.capitalize(), word.title())
    )
)
#: The spellings that are nobody's name: Na, Nan, Nat and Nil are, and are not what machines write.
NULL_SPELLINGS = tuple(word for word in NULL_WORDS if word not in ("Na", "Nan", "Nat", "Nil", "na", "nat", "nil"))


@dataclass(frozen=True)
class Finding:
    """A data-quality check that reports rows without refusing them.

    Attributes
    ----------
    id
        Name of the check, unique within its table; ``<column>|<kind>`` for a check of one column.
    category
        One of Kahn's categories: conformance, completeness, plausibility (Kahn et al. 2016, eGEMs 4(1):1244).
    description
        What a failing row looks like, in plain words.
    failed
        Boolean expression: the rows that fail; null counts as passed.
    applies
        Boolean expression: the rows that the check is about; None for all.
    amount
        Column whose sum over the failing rows is reported (USD), if any.
    once_delivered
        Whether it applies only from the first month in which a row passes: until then the source does not deliver what
        is asked for.
    whole_month
        Whether ``failed`` looks at the other rows of the month.
    refers
        A column, and the entity that must have its values as keys; rows that name an unknown one fail.
    """

    id: str
    category: str
    description: str
    failed: pl.Expr
    applies: pl.Expr | None = None
    amount: str | None = None
    once_delivered: bool = False
    whole_month: bool = False
    refers: tuple[str, str] | None = None


@dataclass(frozen=True)
class Thresholds:
    """From which share of failing rows, in a month of a table, a check counts.

    Attributes
    ----------
    warn
        Failing share of the rows checked from which the check is shown as ``warn``; None: never.
    block
        Failing share from which a release is not published; None: never.
    fewest
        Failing rows below which nothing is blocked, whatever their share.
    """

    warn: float | None
    block: float | None
    fewest: int = 1


#: In force wherever neither the table's declaration nor a person says otherwise.
DEFAULTS = {
    "conformance": Thresholds(warn=0.01, block=0.20, fewest=100),
    "completeness": Thresholds(warn=0.05, block=0.50, fewest=100),
    "plausibility": Thresholds(warn=0.01, block=0.20, fewest=100),
}
#: A failing row is worth a look, however rare, and never stops a release.
REPORT_ONLY = Thresholds(warn=0.0, block=None)
#: Values that are left out: any is worth a look, and a release without most of a column's is none.
CELLS = {"unreadable": Thresholds(warn=0.0, block=0.5, fewest=3)}
#: What a value that is left out looks like, by the kind of check.
_LEFT_OUT = {
    "unreadable": ("conformance", "{}: the delivered value cannot be read, and is left out"),
    "icd9": ("conformance", "{}: an ICD-9-CM code, which is left out"),
    "implausible": ("plausibility", "{}: no day that can be meant, such as 9999-12-31; it is left out"),
    "checksum": ("conformance", "{}: the last three characters do not fit the first fifteen, by which it is known"),
    "filler": ("conformance", "{}: stands where there is no number, such as 99999 or TEST; it is left out"),
}


def left_out(column: str, kind: str) -> Finding:
    """A delivered value that silver leaves out, while it keeps the row."""
    category, description = _LEFT_OUT[kind]
    failed = pl.col("unread").str.contains(f"{column}|{kind}", literal=True).fill_null(False)
    return Finding(
        f"{column}|{kind}",
        category,
        description.format(column),
        failed=failed,
        applies=pl.col(column).is_not_null() | failed,
    )


def missing(column: str, when: pl.Expr | None = None) -> Finding:
    """Completeness: the column has no value, in rows where one is expected."""
    return Finding(
        f"{column}|missing",
        "completeness",
        f"{column} has no value",
        failed=pl.col(column).is_null(),
        applies=when,
        once_delivered=True,
    )


def placeholder(column: str) -> Finding:
    """Conformance: the code is a word for having none."""
    return Finding(
        f"{column}|placeholder",
        "conformance",
        f"{column} is a word that says nothing, such as unknown or n/a",
        failed=pl.col(column).is_in(PLACEHOLDERS),
        applies=pl.col(column).is_not_null(),
    )


def in_future(column: str) -> Finding:
    """Plausibility: what an extract tells had happened lies after the extract."""
    return Finding(
        f"{column}|future",
        "plausibility",
        f"{column} lies after the extract that tells of it",
        failed=pl.col(column) > pl.col("extract_date"),
        applies=pl.col(column).is_not_null(),
    )


def before(column: str, earlier: str) -> Finding:
    """Plausibility: two days in the wrong order."""
    return Finding(
        f"{column}|before_{earlier}",
        "plausibility",
        f"{column} is before {earlier}",
        failed=pl.col(column) < pl.col(earlier),
        applies=pl.col(column).is_not_null() & pl.col(earlier).is_not_null(),
    )


def repeated(column: str) -> Finding:
    """Plausibility: a number that should name one row names another row of the month as well."""
    return Finding(
        f"{column}|repeated",
        "plausibility",
        f"{column} was given to an earlier row of the month as well",
        # By hash, which is half the work: no month has numbers enough for two to share one.
        failed=~pl.col(column).hash().is_first_distinct(),
        applies=pl.col(column).is_not_null(),
        whole_month=True,
    )


def known(column: str, entity: str) -> Finding:
    """Conformance: the row names a row of another entity that nobody has delivered."""
    return Finding(
        f"{column}|unknown",
        "conformance",
        f"{column} names none of silver.{entity}",
        failed=pl.lit(False),
        applies=pl.col(column).is_not_null(),
        refers=(column, entity),
    )


@dataclass(frozen=True)
class DeliveryCheck:
    """A check of what a feed delivers, for every entity.

    Attributes
    ----------
    category
        One of Kahn's categories.
    description
        What fails it, in plain words.
    thresholds
        From which share it counts; the share is of extract days, batches or rows, as the description says.
    """

    category: str
    description: str
    thresholds: Thresholds = REPORT_ONLY


#: By id.
DELIVERY_CHECKS = {
    "extracts|late": DeliveryCheck(
        "completeness",
        "The newest extract lags behind other feeds' by over twice the feed's own rhythm",
    ),
    "extracts|volume": DeliveryCheck(
        "plausibility",
        "An extract day brings under half of the smallest, or over twice the largest, of the 28 extract days before",
    ),
    # A small feed has too few rows for the rules' own thresholds, and would be gone without a word.
    "extracts|refused": DeliveryCheck(
        "conformance",
        "Nine tenths or more of a month's rows, or of those of one batch of at least 10, are refused",
        Thresholds(warn=0.0, block=0.0),
    ),
    "extracts|rows_of_one_key": DeliveryCheck(
        "conformance",
        "A row is lost to a later row of its key in the same batch that says something else (share of such batches)",
        Thresholds(warn=0.0, block=0.05),
    ),
}
