"""Codes and names as one spelling each: ICD-10, procedures, NPI, ZIP3, statuses, service lines, provider names."""

from collections.abc import Callable

import polars as pl

#: Closed vocabularies: canonical code to the other words that sources use for it.
VOCABULARIES: dict[str, dict[str, tuple[str, ...]]] = {
    "claim_status": {
        "paid": ("adjudicated_paid", "p", "closed_paid"),
        "denied": ("rejected", "d", "adjudicated_denied"),
        "pending": ("open", "submitted", "in_process", "in_review"),
        "reversed": ("void", "voided", "reversal"),
    },
    "remittance_status": {
        "processed_primary": ("1", "19", "paid", "processed", "processed_as_primary", "p"),
        "processed_secondary": ("2", "20", "processed_as_secondary"),
        "processed_tertiary": ("3", "21", "processed_as_tertiary"),
        "denied": ("4", "23", "rejected", "d"),
        "reversed": ("22", "void", "voided", "reversal", "reversal_of_previous_payment"),
        "pending": ("5", "open", "submitted", "in_process", "in_review"),
    },
    "adjustment_group": {"co": (), "pr": (), "oa": (), "pi": (), "cr": ()},
    "referral_status": {
        "new": ("open", "received"),
        "scheduled": ("booked",),
        "completed": ("complete", "closed", "seen"),
        "lost": ("never_completed", "cancelled", "canceled", "declined"),
    },
    "network_status": {
        "in_network": ("in", "inn", "yes"),
        "out_of_network": ("out", "oon", "no"),
    },
    "appointment_status": {
        "booked": ("scheduled", "confirmed"),
        "completed": ("kept", "arrived", "checked_out"),
        "no_show": ("noshow", "missed"),
        "cancelled": ("canceled",),
    },
}

TITLES_AND_CREDENTIALS = (
    r"\b(dr|doctor|prof|mr|mrs|ms|md|do|np|aprn|pa|pac|phd|facp|facs|frcp|mph|msn|rn|jr|sr|ii|iii|iv)\b"
)


def slug(text: pl.Expr) -> pl.Expr:
    """Lower case words joined by underscores."""
    return text.str.to_lowercase().str.replace_all(r"[^a-z0-9]+", "_").str.strip_chars("_").replace("", None)


def icd10(text: pl.Expr) -> pl.Expr:
    """ICD-10-CM code in upper case with its dot after the third character; null where the shape is another."""
    bare = text.str.to_uppercase().str.replace_all(r"[.\s]", "")
    shaped = bare.str.contains(r"^[A-Z]\d[0-9A-Z][0-9A-Z]{0,4}$")
    dotted = bare.str.slice(0, 3) + pl.when(bare.str.len_chars() > 3).then("." + bare.str.slice(3)).otherwise(
        pl.lit("")
    )
    return pl.when(shaped).then(dotted)


def procedure(text: pl.Expr) -> pl.Expr:
    """CPT, HCPCS, RxNorm or SNOMED code: letters and digits in upper case, blanks removed."""
    bare = text.str.to_uppercase().str.replace_all(r"[\s-]", "")
    return pl.when(bare.str.contains(r"^[A-Z0-9]{3,18}$")).then(bare)


def zip3(text: pl.Expr) -> pl.Expr:
    """First three digits of a ZIP code; null where it does not begin with three."""
    return text.str.strip_chars().str.extract(r"^(\d{3})(?:\d{0,2}|\d{2}-\d{4})$", 1)


def npi(text: pl.Expr) -> pl.Expr:
    """A ten-digit National Provider Identifier whose check digit is right (Luhn over 80840 and the number)."""
    digits = text.str.strip_chars().str.extract(r"^([12]\d{9})(?:\.0)?$", 1)
    total = pl.lit(24)
    for position in range(9):
        digit = digits.str.slice(position, 1).cast(pl.Int64)
        doubled = digit * 2
        total = total + (pl.when(doubled > 9).then(doubled - 9).otherwise(doubled) if position % 2 == 0 else digit)
    check = (10 - total % 10) % 10
    return pl.when(digits.str.slice(9, 1).cast(pl.Int64) == check).then(digits)


def name_key(text: pl.Expr) -> pl.Expr:
    """A person's name for matching, without titles, credentials, accents, case; ``Last, First`` is turned round."""
    plain = text.str.normalize("NFKD").str.replace_all(r"\p{M}", "").str.to_lowercase()
    bare = plain.str.replace_all(r"[.'\u2019`]", "").str.replace_all(TITLES_AND_CREDENTIALS, " ")
    turned = bare.str.replace(r"^\s*([^,]+?)\s*,\s*([^,]*?\p{L}[^,]*?)\s*(?:,.*)?$", "$2 $1")
    return turned.str.replace_all(r"[^a-z0-9]+", " ").str.strip_chars().replace("", None)


def vocabulary(name: str) -> Callable[[pl.Expr], pl.Expr]:
    """Normaliser of a closed vocabulary: a word that it lacks becomes null."""
    words = {word: code for code, others in VOCABULARIES[name].items() for word in (code, *others)}

    def normalise(text: pl.Expr) -> pl.Expr:
        return slug(text).replace_strict(words, default=None, return_dtype=pl.String)

    return normalise


#: What a column's declared ``code`` means.
NORMALISERS: dict[str, Callable[[pl.Expr], pl.Expr]] = {
    "slug": slug,
    "icd10": icd10,
    "procedure": procedure,
    "zip3": zip3,
    "npi": npi,
    **{name: vocabulary(name) for name in VOCABULARIES},
}
