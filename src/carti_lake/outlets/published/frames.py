"""From gold tables to published ones: surrogate keys, types and spellings that Power BI takes. No I/O."""

from collections.abc import Collection, Mapping, Sequence
from datetime import date

import polars as pl
import polars.selectors as cs

from carti_lake.disclosure import Publication
from carti_lake.metrics import METRICS
from carti_lake.metrics.names import IN_WORDS, called
from carti_lake.outlets.dashboard.cubes import KPIS
from carti_lake.outlets.headline import opening_period
from carti_lake.outlets.history import months_of
from carti_lake.outlets.months import standing
from carti_lake.outlets.published.columns import ABOUT, DATE, MONTH, PUBLISHED, RELEASE, SECURITY
from carti_lake.outlets.published.star import (
    AXIS_FACTS,
    DIMENSIONS,
    FACTS,
    NETWORK,
    UNKNOWN_KEY,
    Dimension,
    Fact,
    Reference,
)
from carti_lake.pipeline.gold.dimensions import dim_date
from carti_lake.releases.release import Release
from carti_lake.tables.gold import DataQuality, Forecasts, ProviderSummary
from carti_lake.tables.gold.dimensions import UNDATED

Frames = Mapping[str, pl.DataFrame]


#: Providers by sign-in name; None: all.
Allowed = Mapping[str, Collection[str] | None]


def star(
    publication: Publication, release: Release, *, full_counts: bool, allowed: Allowed | None = None
) -> dict[str, pl.LazyFrame]:
    """Every published table of a release, lazily: the declared columns, and rows in the order of the key.

    Parameters
    ----------
    publication
        The release as it may be shown.
    release
        Its number, day and caption.
    full_counts
        Whether every fact of the star is published, empty where the release has none. Else those that the publication
        permits, and the network's sums along each axis by itself.
    allowed
        Who may see which providers through the model's role; nobody unless it is said.
    """
    gold = {**publication.tables, NETWORK: publication.network}
    facts = [fact for fact in FACTS if full_counts or fact.mart.short_name in gold]
    facts += [] if full_counts else [fact for fact in AXIS_FACTS if _source(fact) in gold]
    rows = {fact.name: _rows(fact, gold, release.data_as_of) for fact in facts}
    used = [one for one in DIMENSIONS if any(one is reference.to for fact in facts for reference in fact.references)]
    members = {one.name: _members(one, facts, rows, gold) for one in used}
    made = {fact.name: _fact(fact, rows[fact.name], members) for fact in facts}
    made |= {one.name: _labelled(members[one.name], one).lazy() for one in used}
    months = [rows[fact.name].select(MONTH) for fact in facts if fact.month and fact.mart is not Forecasts]
    ahead = [rows[fact.name].select(MONTH) for fact in facts if fact.mart is Forecasts]
    made[DATE] = _standing(_dates([*months, *ahead]), months, publication, release)
    made[SECURITY.name] = _security(allowed or {}, members.get("dim_provider"))
    about = (release.number, release.caption, release.at.date(), release.data_as_of, " ".join(publication.notes))
    made[ABOUT.name] = pl.LazyFrame([about], schema=ABOUT.schema(), orient="row")
    return {name: _typed(frame, name, release.number) for name, frame in made.items()}


def _security(allowed: Allowed, providers: pl.DataFrame | None) -> pl.LazyFrame:
    """A row per sign-in name and provider that it may see."""
    names = pl.DataFrame(
        [
            {"user_principal_name": name, "provider_id": None if seen is None else sorted(seen)}
            for name, seen in sorted(allowed.items())
        ],
        schema={"user_principal_name": pl.String, "provider_id": pl.List(pl.String)},
    )
    if providers is None or names.is_empty():
        return pl.LazyFrame(schema=SECURITY.schema())
    known = providers.filter(pl.col("provider_key") != UNKNOWN_KEY).select("provider_id", "provider_key")
    everything = names.filter(pl.col("provider_id").is_null()).drop("provider_id").join(known, how="cross")
    some = names.drop_nulls("provider_id").explode("provider_id").join(known, on="provider_id")
    rows = pl.concat([one.select("user_principal_name", "provider_key") for one in (everything, some)])
    return rows.sort("user_principal_name", "provider_key").lazy()


def _source(fact: Fact) -> str:
    """The publication's table that holds the fact's rows."""
    return ProviderSummary.short_name if fact.mart is ProviderSummary else fact.table or fact.mart.short_name


def _rows(fact: Fact, gold: Frames, as_of: date | None) -> pl.LazyFrame:
    """The fact's rows under gold's names, an unknown member for whatever is not said, and only dates that are dates.

    Checks of lists, whose rows have no date, count in the month of the newest extract: without a month they would be no
    part of any choice.
    """
    undated = as_of.replace(day=1) if as_of and fact.mart is DataQuality else None
    held = gold.get(_source(fact), pl.DataFrame(schema=fact.mart.dtypes()))
    rows = _current(held.lazy()) if fact.mart is Forecasts else held.lazy()
    months = [pl.col(fact.month).replace({UNDATED: undated}).alias(MONTH)] if fact.month else []
    names = {column: one.to.unknown for one in fact.references for column in one.columns}
    return rows.select(
        *(pl.col(name).fill_null(unknown) for name, unknown in names.items()),
        *months,
        *fact.texts,
        # A release made before the mart had the column has no values for it.
        *(
            pl.col(name) if name in held.columns else pl.lit(None, fact.mart.dtypes()[name]).alias(name)
            for name in fact.numbers
        ),
    )


def _added_up(rows: pl.LazyFrame, fact: Fact) -> pl.LazyFrame:
    """One row per published key: where the mart is finer, or has rows without a date, its rows are added up."""
    names = [column for one in fact.references for column in one.columns]
    finer = {*fact.mart.key()} - {*names, *fact.texts, fact.month}
    if fact.table is not None or fact.mart is Forecasts or not (finer or fact.mart is DataQuality):
        return rows
    keys = [*names, *([MONTH] if fact.month else []), *fact.texts]
    return rows.group_by(keys).agg(pl.col(name).sum() for name in fact.numbers)


def _current(forecasts: pl.LazyFrame) -> pl.LazyFrame:
    """Forecasts of the newest origin, with the member as the provider or the service line that it is."""
    member = pl.col("member")
    return (
        forecasts.filter(pl.col("origin") == pl.col("origin").max())
        .sort("model_version")
        .unique(["level", "member", "metric", "month"], keep="last", maintain_order=True)
        .with_columns(
            provider_id=pl.when(pl.col("level") == "provider").then(member),
            service_line=pl.when(pl.col("level") == "service_line").then(member),
        )
    )


def _members(one: Dimension, facts: Sequence[Fact], rows: Mapping[str, pl.LazyFrame], gold: Frames) -> pl.DataFrame:
    """The dimension's members with keys: those of its own table, and whoever a fact names beside them."""
    natural = list(one.natural)
    own = gold.get(one.declared.short_name, pl.DataFrame(schema=one.declared.dtypes()))
    named = [
        rows[fact.name].select(
            pl.col(column).alias(name) for column, name in zip(reference.columns, natural, strict=True)
        )
        for fact in facts
        for reference in fact.references
        if reference.to is one
    ]
    names = pl.concat([own.lazy().select(natural), *named]).unique().drop_nulls()
    known = names.filter(pl.any_horizontal(pl.col(natural) != one.unknown)).sort(natural).collect(engine="streaming")
    described = own.select(*natural, *one.attributes).unique().sort(pl.all()).unique(natural, keep="first")
    unknown = pl.DataFrame(
        {one.key: UNKNOWN_KEY, **dict.fromkeys(natural, one.unknown)}, schema_overrides={one.key: pl.Int64}
    )
    numbered = known.with_row_index(one.key, offset=1).cast({one.key: pl.Int64})
    return pl.concat([unknown, numbered]).join(described, on=natural, how="left", maintain_order="left")


def _labelled(members: pl.DataFrame, one: Dimension) -> pl.DataFrame:
    """Members with a label that no two share, whatever the case of its letters: Power BI would show them as one."""
    members = members.with_columns(_one_spelling(cs.string() - cs.by_name(one.label, *one.natural, require_all=False)))
    names = pl.concat_str(one.natural, separator=" · ")
    label = _tidy(pl.col(one.label)) if one.label in members.columns else pl.lit(None, pl.String)
    words = _in_words(names) if len(one.natural) == 1 and not one.attributes else names
    if (code := one.natural[0]) in IN_WORDS:
        words = pl.col(code).replace_strict(called(code, members[code]), default=words, return_dtype=pl.String)
    label = pl.coalesce(label, words)
    return members.with_columns(
        pl.when(label.str.to_lowercase().is_duplicated())
        .then(pl.format("{} ({})", label, names))
        .otherwise(label)
        .alias(one.label)
    ).with_columns(
        pl.when(pl.col(one.key) == UNKNOWN_KEY)
        .then(_in_words(pl.lit(one.unknown)))
        .otherwise(one.label)
        .alias(one.label)
    )


def _in_words(code: pl.Expr) -> pl.Expr:
    return code.str.replace_all("_", " ", literal=True).str.to_titlecase()


def _fact(fact: Fact, rows: pl.LazyFrame, members: Frames) -> pl.LazyFrame:
    """The rows with the dimensions' keys instead of names."""
    rows = _added_up(rows, fact)
    for reference in fact.references:
        rows = _keyed(rows, reference, members[reference.to.name])
    titles = {name: one.title for name, one in METRICS.items()}
    return rows.with_columns(
        pl.col(name)
        .replace_strict(titles, default=_in_words(pl.col(name)), return_dtype=pl.String)
        .alias(f"{name}_title")
        for name in fact.texts
        if name == "metric"
    )


def _keyed(rows: pl.LazyFrame, reference: Reference, members: pl.DataFrame) -> pl.LazyFrame:
    one = reference.to
    keys = members.lazy().select(
        pl.col(one.key).alias(reference.key),
        *(pl.col(name).alias(column) for column, name in zip(reference.columns, one.natural, strict=True)),
    )
    return rows.join(keys, on=list(reference.columns), how="left")


def _dates(months: Sequence[pl.LazyFrame]) -> pl.LazyFrame:
    """Every day of the years that the facts' months span."""
    quarter = pl.format("{} Q{}", pl.col("year"), pl.col("date").dt.quarter())
    days = dim_date(pl.concat([pl.LazyFrame(schema={MONTH: pl.Date}), *months]))
    return days.with_columns(quarter_name=quarter, month_year=pl.col("date").dt.strftime("%b %Y"))


def _standing(
    days: pl.LazyFrame, facts: Sequence[pl.LazyFrame], publication: Publication, release: Release
) -> pl.LazyFrame:
    """The days with what stays of their months, whether they have facts, and the period that outlets open with."""
    begun = pl.lit(True) if release.data_as_of is None else pl.col(MONTH) <= release.data_as_of
    counted = (
        pl.concat([pl.LazyFrame(schema={MONTH: pl.Date}), *facts]).unique().with_columns(has_facts=begun).collect()
    )
    there = counted.filter("has_facts")[MONTH].to_list()
    months = days.select(MONTH).unique().collect()
    stays = standing(months, months_of(publication), publication.tables, release.data_as_of)
    period = opening_period(publication, release.data_as_of, there, [METRICS[name] for name in KPIS])
    newest = pl.col(MONTH).is_between(*period) if period else pl.lit(False)
    placed = days.join(stays.lazy(), on=MONTH, how="left").join(counted.lazy(), on=MONTH, how="left")
    return placed.with_columns(pl.col("has_facts").fill_null(False), newest_period=newest)


def _typed(frame: pl.LazyFrame, name: str, release: int) -> pl.LazyFrame:
    """The declared columns in their types, tidy texts, finite numbers, rows in the order of the key."""
    table = PUBLISHED[name]
    return (
        frame.with_columns(pl.lit(release).alias(RELEASE.name))
        .select(*table.schema())
        .cast(table.schema())  # type: ignore[arg-type]
        .with_columns(_tidy(cs.string()), pl.when(cs.float().is_finite()).then(cs.float()))
        .sort(table.key)
    )


def _tidy(text: pl.Expr) -> pl.Expr:
    return text.str.strip_chars()


def _one_spelling(text: pl.Expr) -> pl.Expr:
    """Of texts that differ only in case or in blanks around them the first: Power BI does not tell them apart."""
    return _tidy(text).min().over(_tidy(text).str.to_lowercase())
