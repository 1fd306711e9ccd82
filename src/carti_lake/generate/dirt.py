"""Dirt: the ways in which a delivered row can be malformed, and the share of rows that are."""

from collections.abc import Callable

import numpy as np
import polars as pl

from carti_lake.generate.draws import Ints
from carti_lake.tables.feeds import Feed

Spoil = Callable[[pl.Expr], pl.Expr]

#: Dates that do not exist, that name the month by a word, or that carry a time of day.
DATES: tuple[Spoil, ...] = (
    lambda day: pl.lit("31/02/") + day.str.slice(0, 4),
    lambda day: day.str.slice(0, 4) + "-13-01",
    lambda day: day.str.to_date("%Y-%m-%d", strict=False).dt.strftime("%b %d, %Y"),
    lambda day: day + " 00:00:00",
)
#: Amounts written for people.
AMOUNTS: tuple[Spoil, ...] = (
    lambda text: "$" + _grouped(text, ",", "."),
    lambda text: _grouped(text, ".", ","),
    lambda text: "(" + _two_decimals(text) + ")",
    lambda text: _two_decimals(text) + " USD",
)
#: Codes that no list knows.
CODES: tuple[Spoil, ...] = (
    lambda text: pl.lit("???"),
    lambda text: text + "-X9",
    lambda text: " " + text.str.to_uppercase() + " ",
)
#: Keys of rows that do not exist.
KEYS: tuple[Spoil, ...] = (lambda key: key.str.slice(0, 1) + "-0" + key.str.slice(1),)
#: Other spellings of a name: `LAST, FIRST MD`, double blanks, no accents, another title.
NAMES: tuple[Spoil, ...] = (
    lambda name: name.str.replace(r"^(.+) (\S+), (\w+)$", "$2, $1 $3").str.to_uppercase(),
    lambda name: " " + name.str.replace_all(" ", "  ", literal=True),
    lambda name: name.str.normalize("NFKD").str.replace_all(r"\p{M}", ""),
    lambda name: "Dr. " + name.str.replace(r", \w+$", "").str.to_lowercase(),
)

#: Columns of codes, among those declared as text.
CODED = (
    "service_line",
    "diagnosis_code",
    "procedure_code",
    "principal_diagnosis_code",
    "drug_code",
    "payer",
    "claim_status",
    "referral_status",
    "appointment_status",
    "network_status",
    "patient_zip3",
    "stage_name",
    "pipeline_stage",
)


def columns(feed: type[Feed]) -> dict[str, tuple[Spoil, ...]]:
    """What can go wrong in which column of a feed, read off its declaration."""
    own_key = next((name for name in feed.delivered() if name.endswith("_id")), None)
    spoiled: dict[str, tuple[Spoil, ...]] = {}
    for name, dtype in feed.delivered().items():
        if dtype == pl.Date:
            spoiled[name] = DATES
        elif feed.meta(name).get("unit") == "USD":
            spoiled[name] = AMOUNTS
        elif name in CODED:
            spoiled[name] = CODES
        elif name.endswith(("provider_name", "_provider")):
            spoiled[name] = NAMES
        elif name.endswith("_id") and name not in (own_key, "patient_id"):
            spoiled[name] = KEYS
    return spoiled


def as_text(rows: pl.DataFrame, feed: type[Feed]) -> pl.DataFrame:
    """The rows with every column that dirt can touch as text: a source that cannot type one row types none."""
    amounts = [name for name in columns(feed) if rows.schema[name].is_float()]
    return rows.with_columns(pl.col(list(columns(feed))).cast(pl.String)).with_columns(
        _two_decimals(pl.col(name)).alias(name) for name in amounts
    )


def spoil(rows: pl.DataFrame, feed: type[Feed], rng: np.random.Generator, share: float, origin: Ints) -> pl.DataFrame:
    """The rows as text, a share of them malformed in one value.

    Parameters
    ----------
    rows
        Clean rows of the feed.
    feed
        Their declaration.
    rng
        Stream to draw from.
    share
        Share of rows to touch.
    origin
        Place of the row that each row repeats: a row delivered twice is malformed twice in the same way.
    """
    text = as_text(rows, feed)
    ways = columns(feed)
    count = int(origin.max(initial=-1)) + 1
    touched = rng.random(count) < share
    # Where the drawn column is empty, the next one that is not takes the dirt: the share is of rows, not of tries.
    drawn, way = rng.integers(0, len(ways), count), rng.random(count)
    filled = text.select(pl.col(list(ways)).is_not_null()).to_numpy()
    turns = (np.arange(len(ways)) - drawn[origin][:, None]) % len(ways)
    hit = np.where(filled, turns, len(ways)).argmin(axis=1)
    hit[~touched[origin]] = -1
    changes = {}
    for place, (name, spoilers) in enumerate(ways.items()):
        chosen = np.where(hit == place, (way[origin] * len(spoilers)).astype(np.int64), -1)
        value = pl.col(name)
        for number, spoiler in enumerate(spoilers):
            value = pl.when(pl.Series(chosen == number)).then(spoiler(pl.col(name))).otherwise(value)
        changes[name] = value
    spoiled = text.with_columns(**changes)
    # A misspelt name comes without its NPI every other time: only the name can tell who is meant.
    unknown = pl.Series((way[origin] * 8).astype(np.int64) % 2 == 1)
    blanked = {}
    for place, (name, spoilers) in enumerate(ways.items()):
        npi = f"{name.removesuffix('_name')}_npi"
        if spoilers is NAMES and npi in spoiled.columns:
            blanked[npi] = pl.when(~(pl.Series(hit == place) & unknown)).then(npi)
    return spoiled.with_columns(**blanked)


def _two_decimals(text: pl.Expr) -> pl.Expr:
    """A plain number's text with exactly two decimals."""
    return text.cast(pl.Decimal(18, 2)).cast(pl.String)


def _grouped(text: pl.Expr, thousands: str, decimal: str) -> pl.Expr:
    """A number's text with separated thousands and two decimals."""
    plain = _two_decimals(text)
    whole = plain.str.slice(0, plain.str.len_chars().cast(pl.Int64) - 3)
    split = whole.str.replace(r"(\d)(\d{3})$", "${1}" + thousands + "$2").str.replace(
        r"^(\d+)(\d{3})([,.])", "${1}" + thousands + "${2}${3}"
    )
    return split + decimal + plain.str.slice(-2, 2)
