"""Codes and names as one spelling each: ICD-10, procedures, NPI, ZIP3, statuses, service lines, provider names."""

from collections.abc import Callable

import polars as pl

from carti_lake.pipeline.keys import clean

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

#: UB-04 form locators 14 (type of admission) and 17 (patient discharge status).
ADMISSION_TYPES = {"1": "emergency", "2": "urgent", "3": "elective", "4": "newborn", "5": "trauma"}
DISPOSITIONS = {
    "1": "home",
    "2": "transfer_to_hospital",
    "3": "skilled_nursing",
    "4": "intermediate_care",
    "5": "transfer_to_cancer_or_childrens_hospital",
    "6": "home_health",
    "7": "against_medical_advice",
    "20": "expired",
    "21": "court_or_law_enforcement",
    "30": "still_patient",
    **dict.fromkeys(("40", "41", "42"), "expired"),
    "43": "transfer_to_federal_hospital",
    "50": "hospice_home",
    "51": "hospice_facility",
    "61": "swing_bed",
    "62": "rehabilitation",
    "63": "long_term_care_hospital",
    "64": "nursing_facility",
    "65": "transfer_to_psychiatric_hospital",
    "66": "transfer_to_critical_access_hospital",
}

#: Family, given and further names, and what is behind them (Jr.), in the order of HL7; before them a number.
_HL7_NAME = r"^(?:\w*\d\w*)?\^?([^^]+)\^([^^]+)(?:\^([^^]*))?(?:\^([^^]*))?.*$"

#: Before a name, and behind it: no surnames.
TITLES = r"^(?:(?:dr|doctor|prof|professor|mr|mrs|ms|miss|mx|rev|sister|fr) +)+"
CREDENTIALS = (
    "md|phd|mph|msn|bsn|dnp|aprn|arnp|crna|cnm|cns|cnp|fnp|np|rn|lpn|pac|facp|facs|facc|faap|facog|frcp|frcs|mbbs|mbchb|"
    "dpm|dds|dmd|pharmd|psyd|lcsw|esq|pa-c"
)
#: What is a credential behind a whole name and may be a surname: Kim Do, Kim Pa, Yo-Yo Ma.
SHORT_CREDENTIALS = "do|pa|ma|od|dc|ms|ba|bs|mba|pt|ot|dr|mha|mb"
GENERATIONS = "jr|sr|ii|iii|iv"


def slug(text: pl.Expr) -> pl.Expr:
    """Lower case words joined by underscores."""
    return text.str.to_lowercase().str.replace_all(r"[^a-z0-9]+", "_").str.strip_chars("_").replace("", None)


def _coded(words: dict[str, str]) -> Callable[[pl.Expr], pl.Expr]:
    """Normaliser of words that some systems write as the numbers of a claim form; words stay what they are."""

    def normalise(text: pl.Expr) -> pl.Expr:
        number = text.str.extract(r"^\s*0*(\d{1,2})(?:\.0+)?\s*$", 1)
        return number.replace_strict(words, default=slug(text), return_dtype=pl.String)

    return normalise


def icd10(text: pl.Expr) -> pl.Expr:
    """ICD-10-CM code in upper case with its dot after the third character; null where the shape is another.

    After the first letter no I and no O; the V codes (transport accidents) have seven characters, those of ICD-9 fewer.
    """
    upper = text.str.to_uppercase().str.replace_all(r"\s", "")
    bare = upper.str.replace(".", "", literal=True)
    shaped = upper.str.contains(r"^[A-Z]\d[0-9AB]\.?(?:[0-9A-HJ-NP-Z]{1,4})?$") & ~upper.str.contains(
        r"^V\d\d\.?\w{0,3}$"
    )
    dotted = bare.str.slice(0, 3) + pl.when(bare.str.len_chars() > 3).then("." + bare.str.slice(3)).otherwise(
        pl.lit("")
    )
    return pl.when(shaped).then(dotted)


def is_icd9(text: pl.Expr) -> pl.Expr:
    """Whether a text that is no ICD-10-CM code has the shape of an ICD-9-CM one: ``162.9``, ``V58.11``, ``E849.0``."""
    return text.str.contains(r"(?i)^\s*(?:\d{3}\.\d{1,2}|\d{3,5}|V\d\d(?:\.?\d{1,2})?|E\d{3}\.\d)\s*$")


PCS_LENGTH = 7
#: A CPT or HCPCS code, and the modifiers of two characters behind it.
_CPT, _MODIFIERS = r"(\d{4}[0-9A-Z]|[A-Z]\d{4})", r"[-:, /_]+([0-9A-Z]{2}(?:[-:, /_]+[0-9A-Z]{2}){0,3})"


#: An ICD-10-PCS code by its section and body system, the others no I and no O: what ``99213TC``, a CPT code with its
#: modifier right behind it, is not.
_PCS = (
    r"(?:[0BCDX][0-9A-HJ-NP-Z]|10[2-9A-HJ-NP-Z]|2[WY]|302|3[CE]|[456][AB]|7W|8[CE]|9W|F[01]|[GH]Z)[0-9A-HJ-NP-Z]{4,5}"
)


def procedure(text: pl.Expr) -> pl.Expr:
    """CPT or HCPCS code without its modifiers, ICD-10-PCS code or SNOMED CT number; null where it is none of these."""
    upper = text.str.to_uppercase().str.strip_chars().str.replace(r"^(\d+)\.0$", "$1")
    bare = pl.coalesce(upper.str.extract(f"^{_CPT}{_MODIFIERS}$", 1), upper.str.replace_all(r"[\s-]", ""))
    pcs = (bare.str.len_chars() == PCS_LENGTH) & bare.str.contains(rf"^{_PCS}$")
    return pl.when(bare.str.contains(rf"^(?:{_CPT}|\d{{3,15}}[01]0\d)$") | pcs).then(bare)


def modifiers(text: pl.Expr) -> pl.Expr:
    """Modifiers behind a procedure's code, separated by blanks: ``25`` of ``99213-25``; null where there are none."""
    found = text.str.to_uppercase().str.strip_chars().str.extract(f"^{_CPT}{_MODIFIERS}$", 2)
    return found.str.replace_all(r"[-:, /_]+", " ")


def _group_and_reason(text: pl.Expr) -> tuple[pl.Expr, pl.Expr]:
    """CAS group and CARC of ``CO-45``, ``co045``, ``45.0``; both null where the text is neither."""
    written = rf"^(?:({'|'.join(VOCABULARIES['adjustment_group'])})[-_ ]*)?0*(\d{{1,3}}|[a-z]\d{{1,2}})(?:\.0+)?$"
    parts = text.str.strip_chars().str.to_lowercase().str.extract_groups(written)
    return parts.struct.field("1"), parts.struct.field("2")


def carc(text: pl.Expr) -> pl.Expr:
    """Claim adjustment reason code without its group and noughts before it; other words as one."""
    return pl.coalesce(_group_and_reason(text)[1], slug(text))


def denial_reason(text: pl.Expr) -> pl.Expr:
    """Group and CARC of a denial as ``co_45``, the CARC alone where there is no group; other words as one."""
    group, reason = _group_and_reason(text)
    whole = pl.concat_str(group, reason, separator="_", ignore_nulls=True)
    return pl.when(reason.is_not_null()).then(whole).otherwise(slug(text))


def drug(text: pl.Expr) -> pl.Expr:
    """RxNorm, NDC or HCPCS code: letters and digits in upper case, blanks removed."""
    bare = text.str.to_uppercase().str.replace_all(r"[\s-]", "")
    return pl.when(bare.str.contains(r"^[A-Z0-9]{3,18}$")).then(bare)


def zip3(text: pl.Expr) -> pl.Expr:
    """First three digits of a ZIP code of five or nine digits, or of three; zeros that a spreadsheet lost are put back.

    Null where it is none, such as a postal code of another country: no area has a number below 005, or 099, and 99999
    stands for none.
    """
    digits = _zip_digits(text)
    whole = pl.coalesce(
        digits.str.extract(r"^(\d{3})(?:\d{2}|\d{6})?$", 1),
        "0" + digits.str.extract(r"^(\d{2})(?:\d{2}|\d{6})?$", 1),
        "00" + digits.str.extract(r"^(\d)$", 1),
    )
    return pl.when(~whole.str.contains("^(?:00[0-4]|099)$") & (digits != "99999")).then(whole)


def whole_zip(text: pl.Expr, *, lost: bool) -> pl.Expr:
    """A ZIP code of a column of whole ones: three digits are an area's, or five without the zeros before them.

    They are the latter in a file that has ``lost`` zeros elsewhere, where there is such an area; else null.
    """
    digits = _zip_digits(text)
    restored = "00" + digits.str.extract(r"^([5-9]\d\d)$", 1)
    short = digits.str.contains(r"^\d{1,3}$")
    return pl.when(~short).then(text).otherwise(restored if lost else pl.lit(None, pl.String))


def digits_of_zips(text: pl.Expr) -> pl.Expr:
    """How many digits a ZIP code has, without the four behind a whole one; null where it is none."""
    digits = _zip_digits(text)
    whole = digits.str.replace(r"^(\d{4,5})\d{4}$", "$1")
    return pl.when(whole.str.contains(r"^\d{1,5}$")).then(whole.str.len_chars())


def _zip_digits(text: pl.Expr) -> pl.Expr:
    bare = text.str.strip_chars().str.replace(r"\.0$", "")
    return bare.str.replace(r"^(\d{4,5})[- ](\d{4})$", "$1$2").str.replace(r"-$", "")


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
    """A person's name for matching, without titles, credentials, accents, case; turned round where the last is first.

    So it is before a comma, and in the fields of HL7: ``1234^Ortiz^Dana^M^^Dr``.

    What may be a surname is one, unless it stands behind a comma, another credential or in capitals behind two names;
    Jr. and Sr. are two people.
    """
    # Capitals in a name that has small letters too are no surname, nor are letters with dots.
    family_first = clean(text).str.replace(_HL7_NAME, "$1 $4, $2 $3")
    written = family_first.str.replace(
        rf"^(\S+ .*\p{{Ll}}.*?)(?: (?:{SHORT_CREDENTIALS.upper()}|(?:[A-Z]\.){{2,3}}))+$", "$1"
    )
    plain = written.str.normalize("NFKD").str.replace_all(r"\p{M}", "").str.to_lowercase()
    bare = (
        plain.str.replace_all(r"[.'\u2019`]", "").str.replace_all(r"[^a-z0-9,-]+", " ").str.replace_all(r" ?, ?", ",")
    )
    named = bare.str.strip_chars(" ,").str.replace(TITLES, "").str.replace(rf"^(?:dr|{CREDENTIALS})$", "")
    degrees = rf"(?:{CREDENTIALS}|{SHORT_CREDENTIALS})"
    without = (
        named.str.replace(rf"(?:[ ,](?:{CREDENTIALS}))+(?:[ ,]{degrees})*$", "")
        .str.replace(rf"^([^,]+[ ,][^,]+)(?:,{degrees}(?: {degrees})*)+$", "$1")
        .str.replace(rf"^([^,]+,[^, ]+(?: [^, ]+)*?)(?:[ ,]{degrees})+$", "$1")
        .str.replace(rf"(?:[ ,](?:{CREDENTIALS}))+$", "")
    )
    generation = without.str.extract(rf"[ ,]({GENERATIONS})(?:[ ,]|$)", 1)
    alone = without.str.replace(rf"[ ,](?:{GENERATIONS})(,|$)", "$1").str.replace(rf"[ ,](?:{GENERATIONS}) ", " ")
    turned = alone.str.replace(r"^([^,]+),([^,]+)$", "$2 $1")
    whole = pl.concat_str(turned, generation, separator=" ", ignore_nulls=True)
    return whole.str.replace_all(r"[^a-z0-9]+", " ").str.strip_chars().replace("", None)


def vocabulary(name: str) -> Callable[[pl.Expr], pl.Expr]:
    """Normaliser of a closed vocabulary: a word that it lacks becomes null."""
    words = {word: code for code, others in VOCABULARIES[name].items() for word in (code, *others)}

    def normalise(text: pl.Expr) -> pl.Expr:
        # A code that a spreadsheet has made a number, or a system has given noughts.
        plain = text.str.replace(r"^\s*0*(\d+)(?:\.0+)?\s*$", "$1")
        return slug(plain).replace_strict(words, default=None, return_dtype=pl.String)

    return normalise


#: What a column's declared ``code`` means.
NORMALISERS: dict[str, Callable[[pl.Expr], pl.Expr]] = {
    "slug": slug,
    "admission_type": _coded(ADMISSION_TYPES),
    "disposition": _coded(DISPOSITIONS),
    "icd10": icd10,
    "procedure": procedure,
    "carc": carc,
    "denial_reason": denial_reason,
    "drug": drug,
    "zip3": zip3,
    "npi": npi,
    **{name: vocabulary(name) for name in VOCABULARIES},
}
