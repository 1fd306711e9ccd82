"""Columns that several tables share, so that each is described in one place."""

from typing import Any

import dataframely as dy

#: What sources write for a row that they have deleted, and for one that they have not, beside yes and no.
DELETED = ("d", "del", "deleted", "removed", "withdrawn", "inactive")
ALIVE = ("a", "active", "current", "not deleted")

#: What a mart's column is made from: ``visits.claim_amount``, a bare ``visits`` where rows are counted, or columns of
#: another mart (``provider_monthly.visits``) whose sum it is.
Sources = tuple[str, ...]


def text(description: str, *, nullable: bool = True, **metadata: Any) -> dy.String:
    """Text as delivered, or a normalised code where ``code`` names one."""
    return dy.String(nullable=nullable, description=description, metadata=metadata)


def name(description: str, **metadata: Any) -> dy.String:
    """What somebody or something is called: few words are no name."""
    return text(description, name=True, **metadata)


def zip3(whose: str) -> dy.String:
    """The coarse part of a ZIP code, with which nobody is found."""
    return text(f"First three digits of the {whose}'s ZIP code", code="zip3")


def npi(whose: str) -> dy.String:
    """The number by which a source names a provider beside the name."""
    return text(f"{whose}'s NPI; blank where the delivered number is none", code="npi")


def money(description: str, *, nullable: bool = True, minimum: int | None = None, of: Sources = ()) -> dy.Decimal:
    """US dollars to four decimals: exact sums, and Power BI's fixed decimal."""
    metadata = {"unit": "USD", "of": of}
    return dy.Decimal(18, 4, nullable=nullable, min=minimum, description=description, metadata=metadata)


def number(description: str, unit: str, *, required: bool = False) -> dy.Float64:
    """A delivered number; bronze keeps the digits that a double holds."""
    return dy.Float64(nullable=True, description=description, metadata={"unit": unit, "required": required})


def count(description: str, *, nullable: bool = False, of: Sources = (), distinct: bool = False) -> dy.Int64:
    """A count of rows or things; ``distinct`` where the counts of two rows do not add up."""
    metadata = {"unit": "count", "of": of, "distinct": distinct}
    return dy.Int64(nullable=nullable, description=description, metadata=metadata)


def rate(description: str) -> dy.Float64:
    """A ratio of sums; null where the denominator is zero or not delivered."""
    return dy.Float64(nullable=True, description=description, metadata={"unit": "ratio"})


def day(description: str, *, nullable: bool = True, **metadata: Any) -> dy.Date:
    """A calendar date."""
    return dy.Date(nullable=nullable, description=description, metadata=metadata)


def flag(description: str, **metadata: Any) -> dy.Bool:
    """True, false, or not delivered; ``yes`` and ``no`` are words for them beside the usual ones."""
    return dy.Bool(nullable=True, description=description, metadata=metadata)


def patient_id() -> dy.String:
    """The source's own patient number: bronze and quarantine only."""
    return text("Patient number of the source system", phi=True, required=True)


def patient_key(*, nullable: bool = False) -> dy.Int64:
    """The only name of a patient beyond bronze."""
    return dy.Int64(nullable=nullable, description="Keyed hash of the source's patient number (first 60 bits)")


def is_deleted() -> dy.Bool:
    """The source's soft delete."""
    return flag("True where the source withdraws the row (soft delete)", yes=DELETED, no=ALIVE)


def provider_id(role: str, *, nullable: bool = False, primary_key: bool = False) -> dy.String:
    """A resolved provider, in one role."""
    return dy.String(
        nullable=nullable,
        primary_key=primary_key,
        description=f"{role}: NPI where known, else `name:` and the normalised name",
    )


def key(description: str, **metadata: Any) -> dy.String:
    """A column of the business key."""
    return dy.String(primary_key=True, description=description, metadata=metadata)


def age() -> dy.Int64:
    """Ages of 90 and over stand as 90 (HIPAA Safe Harbor, 45 CFR 164.514(b)(2))."""
    return dy.Int64(
        nullable=True,
        min=0,
        max=90,
        description="Patient's age; 90 means 90 or over",
        metadata={"unit": "years", "code": "age"},
    )
