"""Keys as the lake stores them: a hash of the business key, and pseudonyms of identifiers."""

from html import unescape

import polars as pl
import polars_hash as plh


def key_hash(columns: list[str]) -> pl.Expr:
    """Stable 64-bit hash of the business key; null where a part of it is."""
    joined = plh.concat_str(*columns, separator="\x1f") if len(columns) > 1 else plh.col(columns[0])
    return joined.nchash.xxhash64().reinterpret(signed=True)


def pseudonym(column: str, secret: str) -> pl.Expr:
    """First 60 bits of SHA-256 over the secret and the identifier; null where it is blank."""
    digest = plh.concat_str(pl.lit(secret), identifier(pl.col(column))).chash.sha2_256()
    return digest.str.slice(0, 15).str.to_integer(base=16)


def identifier(text: pl.Expr) -> pl.Expr:
    """An identifier without blanks around it; null where nothing is left."""
    bare = text.str.strip_chars()
    return pl.when(bare.str.len_bytes() > 0).then(bare)


#: Words, signs and figures that stand where there is no number: nobody counts so, or comes upon it once.
_FILLED_IN = (
    r"unknown|unk|unspecified|undefined|unassigned|not[ _-]?(?:assigned|available|known|applicable)|missing|tbd|dummy"
    r"|test|[?.*_]+|#+|#(?:ref|value|div/0|num|name|spill|calc|field)[!?]|x{2,}|0[0-]*0|9[9-]{3,}9|"
    + "|".join(f"{figure}{{9,}}" for figure in range(1, 9))
    + "|0?123456789|1234567890"
)
_NOUGHT = "0"
#: Other labels of a report's last lines.
_SUMMED = "sum|summe|gesamt|gesamtsumme|average|avg|count|record count"


def suspect(text: pl.Expr) -> pl.Expr:
    """Whether a look at an identifier is worth while: all that the other looks find is among these."""
    words = rf"(?i:total|^#|{_SUMMED}|^(?:{_FILLED_IN}|{_NOUGHT})$)"
    return text.str.contains(rf"^$|^[ =']| $|[^ -~]|[&+]|\d[eE]-?\d|\d\.0+$|{words}")


def filler(text: pl.Expr, *, nought: bool) -> pl.Expr:
    """Whether an identifier was filled in where there is none: ``UNKNOWN``, ``99999``; a single ``nought`` too."""
    return text.str.contains(rf"(?i)^\s*(?:{_FILLED_IN}{'|' + _NOUGHT if nought else ''})\s*$")


def blank(text: pl.Expr) -> pl.Expr:
    """Whether an identifier has blanks around it, or nothing between them."""
    return text.str.contains(r"^\s|\s$|^$")


def odd(text: pl.Expr) -> pl.Expr:
    """Whether an identifier may hold more than itself: characters that nobody sees, escapes, spreadsheet marks."""
    return text.str.contains(r"[^ -~]|&#?\w+;|^\s*[=']|\d\.0+\s*$")


def plain_identifier(text: pl.Expr) -> pl.Expr:
    """An identifier without what a spreadsheet adds to keep it a text, or to a number: ``="00123"``, ``17.0``."""
    unquoted = clean(text).str.replace(r"^\s*(?:=\s*\"([^\"]*)\"|'([^']*)'?)\s*$", "$1$2")
    return unquoted.str.replace(r"^(\s*\d+)\.0+\s*$", "$1")


def mangled(text: pl.Expr) -> pl.Expr:
    """Whether a spreadsheet has rounded the number that was the identifier: ``2.60331E+12`` names many."""
    return text.str.contains(r"^\s*(?:\d+(?:[.,]\d+)?[eE]\+\d{1,3}|\d[.,]\d+[eE]-?\d{1,3}|\d{5,}[eE]-\d{1,3})\s*$")


def total_row(text: pl.Expr) -> pl.Expr:
    """Whether a key or name is the label of a report's last line, or of the last one of a group.

    ``Grand Totals (3 records)``; ``Dana Ortiz Total``, ``Subtotal: Dana Ortiz``, ``Total for Dana Ortiz``.
    """
    of_all = (
        rf"^[\s*]*(?:grand|sub|page|report|overall|net)?[\s_-]*(?:totals?|{_SUMMED})\b[\s:*]*"
        r"(?:\(.*\)|[\d,. ]+\w*)?[\s:*]*$"
    )
    of_group = r"\b(?:sub[\s_-]*)?totals?[\s:*]*$|^[\s*]*(?:sub[\s_-]*totals?\b|totals?(?: (?:for|of|by)\b|\s*:))"
    return text.str.contains(rf"(?i){of_all}|{of_group}")


def clean(text: pl.Expr) -> pl.Expr:
    """Text without what no one sees or means: invisible characters, HTML escapes, UTF-8 that was read as Latin-1."""
    plain = text.map_batches(_repaired, return_dtype=pl.String, is_elementwise=True)
    seen = plain.str.replace_all(r"[\p{Cf}\p{Cc}--\s]", "").str.replace_all(r"[\s\x1c-\x1f]+", " ")
    return seen.str.replace_all(r"[\u2010-\u2015\u2212]", "-").str.normalize("NFC")


def _repaired(texts: pl.Series) -> pl.Series:
    """Each distinct text that has escapes or the marks of a wrong decoding, as it was meant."""
    suspect = texts.filter(
        texts.str.contains(r"&#?\w+;|[\u00c2-\u00f4][\u0080-\u00bf\u0152-\u02dc\u2010-\u2122]")
    ).unique()
    meant = {text: _decoded(unescape(text)) for text in suspect.drop_nulls()}
    return texts.replace(meant) if meant else texts


def _decoded(text: str) -> str:
    """UTF-8 that was read as Windows-1252 or Latin-1, read again, where the way back is exact."""
    for encoding in ("cp1252", "latin-1"):
        try:
            return text.encode(encoding).decode("utf-8")
        except UnicodeError:
            continue
    return text


def salesforce_id(text: pl.Expr) -> pl.Expr:
    """A Salesforce Id of 15 or 18 characters as the one of 18; others as they are.

    The last three say which letters of the first fifteen are capitals, five a character; the fifteen name the record.
    """
    fifteen = text.str.extract(SALESFORCE_ID, 1)
    letters = pl.Series([*"ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"])
    suffix = []
    for start in (0, 5, 10):
        capitals = [fifteen.str.slice(start + place, 1).str.contains("[A-Z]").cast(pl.UInt32) for place in range(5)]
        bits = pl.sum_horizontal(capital * (1 << place) for place, capital in enumerate(capitals))
        suffix.append(bits.replace_strict(range(32), letters, return_dtype=pl.String))
    return pl.coalesce(pl.concat_str(fifteen, *suffix), text)


#: An opportunity (006), a campaign (701), or a record of an object that the customer made (a..).
SALESFORCE_ID = r"^\s*((?:006|701|a[0-9A-Za-z]{2})[0-9A-Za-z]{12})(?:[0-9A-Za-z]{3})?\s*$"
