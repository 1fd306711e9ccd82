"""The semantic model as values: a star of tables with measures, relationships and roles. Nothing is written here."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import polars as pl

from carti_lake.outlets.powerbi.measures import DECIMAL, DOLLARS, WHOLE, Measure, measures
from carti_lake.outlets.powerbi.names import BASE, DATE, RELEASE, ROLE_TABLES, SECURITY, TABLES, column_name
from carti_lake.outlets.published.columns import PUBLISHED
from carti_lake.outlets.published.columns import Column as PublishedColumn
from carti_lake.outlets.published.star import DIMENSIONS, FACTS, PROVIDER, Dimension, Fact

OWN, ALL = "Own Providers", "All Providers"
_MONTH, _DAY, _KEY = "MMMM yyyy", "mm/dd/yyyy", "0"

#: Published columns of dimensions that the model has no use for: natural keys, and what only the lake needs.
_LEFT_OUT = {
    *((one.name, name) for one in DIMENSIONS for name in one.natural),
    *(("dim_date", name) for name in ("quarter", "day_of_week", "is_weekend")),
    ("dim_provider", "in_directory"),
}
#: By table: from the coarsest level to the finest.
_HIERARCHIES = {"Provider": ("Main Service Line", "Provider"), "Campaign": ("Campaign Type", "Campaign")}
#: In the calendar: what a text is sorted by.
_SORTED = {"Month": "Month Number", "Month Year": "Month Start"}
#: Columns that are dates or doubles for a reason; the Best Practice Analyzer takes these annotations as an answer.
_NO_INTEGER = "RELATIONSHIP_COLUMNS_SHOULD_BE_OF_INTEGER_DATA_TYPE"
_DOUBLE = "AVOID_FLOATING_POINT_DATA_TYPES"
_ALONE = "ENSURE_TABLES_HAVE_RELATIONSHIPS"
#: The release stands in every table, so that a mixture of two shows.
_REPEATED = "REMOVE_REDUNDANT_COLUMNS_IN_RELATED_TABLES"


@dataclass(frozen=True)
class Column:
    """A column: its published source, and how the model shows it."""

    name: str
    source: str
    dtype: pl.DataType
    description: str
    hidden: bool = False
    key: bool = False
    format: str | None = None
    sorted_by: str | None = None
    in_mdx: bool = True
    ignored_rule: str | None = None


@dataclass(frozen=True)
class Hierarchy:
    """Levels from the coarsest to the finest, each a column of the same name."""

    name: str
    description: str
    levels: tuple[str, ...]


@dataclass(frozen=True)
class Table:
    """A table: the published file that it reads, columns, measures, hierarchies."""

    name: str
    source: str
    description: str
    columns: tuple[Column, ...]
    measures: tuple[Measure, ...] = ()
    hierarchies: tuple[Hierarchy, ...] = ()
    hidden: bool = False
    ignored_rule: str | None = None


@dataclass(frozen=True)
class Relationship:
    """Many rows of one table to one row of another: table and column of both."""

    many: tuple[str, str]
    one: tuple[str, str]


@dataclass(frozen=True)
class Role:
    """Who sees which rows: a DAX condition by table."""

    name: str
    description: str
    permissions: dict[str, str]


@dataclass(frozen=True)
class Model:
    """The semantic model, and the audience whose published tables it reads."""

    description: str
    tables: tuple[Table, ...]
    relationships: tuple[Relationship, ...]
    roles: tuple[Role, ...]
    audience: str = "inside"


def model() -> Model:
    """The model of the published star; a function of the declarations alone."""
    tables = (*_facts(), *_dimensions(), date_table(), release_table(measures()), _security())
    security = Relationship((SECURITY, "Provider Key"), (TABLES[PROVIDER.name], "Provider Key"))
    relationships = (*relationships_of(FACTS), security)
    description = "Providers, referrals, claims, denials, marketing and forecasts of one audited release of the lake."
    return Model(description, tables, relationships, tuple(_roles(tables, relationships)))


def _facts() -> Iterator[Table]:
    made = measures()
    for fact in FACTS:
        yield fact_table(fact, made)


def fact_table(fact: Fact, made: Sequence[Measure]) -> Table:
    """A table of facts with those of the measures that are its own, and the columns that they read."""
    name = TABLES[fact.name]
    own = tuple(one for one in made if one.table == name)
    read = " ".join(one.expression for one in own)
    published = {one.name: one for one in PUBLISHED[fact.name].columns}
    columns = [
        _hidden(fact.name, published["release"]),
        *(_hidden(fact.name, published[way.key]) for way in fact.references),
        *([_hidden(fact.name, published["month"], ignored=_NO_INTEGER)] if fact.month else []),
        *(_shown(fact.name, published[f"{text}_title" if text == "metric" else text]) for text in fact.texts),
        # A number that no measure reads would only make the model larger.
        *(
            _hidden(fact.name, published[number])
            for number in fact.numbers
            if f"'{name}'[{column_name(fact.name, number)}]" in read
        ),
    ]
    # One row without a month or a member has nothing to be joined to.
    alone = None if fact.references or fact.month else _ALONE
    return Table(name, fact.name, PUBLISHED[fact.name].description, tuple(columns), own, ignored_rule=alone)


def dimension_table(one: Dimension) -> Table:
    """A table of members."""
    name = TABLES[one.name]
    levels = _HIERARCHIES.get(name)
    said = [Hierarchy(" to ".join(levels), f"{levels[0]}, then {levels[1].lower()}.", levels)] if levels else []
    return Table(name, one.name, PUBLISHED[one.name].description, _columns_of(one.name), (), tuple(said))


def _dimensions() -> Iterator[Table]:
    yield from map(dimension_table, DIMENSIONS)
    provider = TABLES[PROVIDER.name]
    kept = {"Release", "Provider Key", provider, "Network Status", "Organization"}
    for role, name in ROLE_TABLES.items():
        columns = tuple(
            replace(column, name=name) if column.name == provider else column
            for column in _columns_of(PROVIDER.name)
            if column.name in kept
        )
        yield Table(name, PROVIDER.name, f"One row per {role}: who saw the patient.", columns)


def _columns_of(dimension: str) -> tuple[Column, ...]:
    key = PUBLISHED[dimension].key[0]
    return tuple(
        _hidden(dimension, one, key=one.name == key) if one.name in ("release", key) else _shown(dimension, one)
        for one in PUBLISHED[dimension].columns
        if (dimension, one.name) not in _LEFT_OUT
    )


def date_table() -> Table:
    """The calendar."""
    columns = tuple(
        _hidden("dim_date", one)
        if one.name == "release"
        else Column(
            column_name("dim_date", one.name),
            one.name,
            one.dtype,
            f"{one.description}.",
            hidden=one.name in ("month", "month_of_year"),
            key=one.name == "date",
            format={"date": _DAY, "month": _MONTH}.get(one.name, _KEY if one.dtype.is_integer() else None),
            sorted_by=_SORTED.get(column_name("dim_date", one.name)),
            ignored_rule=_NO_INTEGER if one.name == "date" else None,
        )
        for one in PUBLISHED["dim_date"].columns
        if ("dim_date", one.name) not in _LEFT_OUT
    )
    calendar = Hierarchy("Calendar", "Year, quarter, month, day.", ("Year", "Quarter", "Month Year", "Date"))
    return Table(DATE, "dim_date", PUBLISHED["dim_date"].description, columns, (), (calendar,))


def release_table(made: Sequence[Measure]) -> Table:
    """The release that is shown, with what the measures say of it."""
    about = PUBLISHED["release"]
    columns = tuple(
        _hidden("release", one) if one.name == "release" else _shown("release", one) for one in about.columns
    )
    own = tuple(one for one in made if one.table == RELEASE)
    return Table(RELEASE, "release", about.description, columns, own, ignored_rule=_ALONE)


def _security() -> Table:
    columns = tuple(_hidden("security_map", one) for one in PUBLISHED["security_map"].columns)
    return Table(SECURITY, "security_map", PUBLISHED["security_map"].description, columns, hidden=True)


def _shown(table: str, one: PublishedColumn) -> Column:
    format_ = _DAY if one.dtype == pl.Date else None
    return Column(column_name(table, one.name), one.name, one.dtype, f"{one.description}.", format=format_)


def _hidden(table: str, one: PublishedColumn, *, key: bool = False, ignored: str | None = None) -> Column:
    name = column_name(table, one.name)
    formats = {pl.Date: _MONTH, pl.Decimal: DOLLARS if one.unit == "USD" else DECIMAL, pl.Float64: DECIMAL}
    format_ = formats.get(one.dtype.base_type())
    if one.dtype.is_integer():
        format_ = WHOLE if name.endswith(BASE) else _KEY
    ignored = ignored or (_DOUBLE if one.dtype.is_float() else _REPEATED if one.name == "release" else None)
    return Column(
        name, one.name, one.dtype, f"{one.description}.", True, key, format_, in_mdx=False, ignored_rule=ignored
    )


def relationships_of(facts: Sequence[Fact]) -> Iterator[Relationship]:
    """The ways of facts to their dimensions and to the calendar."""
    for fact in facts:
        name = TABLES[fact.name]
        for way in fact.references:
            to = ROLE_TABLES[way.role] if way.role else TABLES[way.to.name]
            yield Relationship((name, column_name(fact.name, way.key)), (to, column_name(way.to.name, way.to.key)))
        if fact.month:
            yield Relationship((name, column_name(fact.name, "month")), (DATE, "Date"))


def _roles(tables: tuple[Table, ...], relationships: tuple[Relationship, ...]) -> Iterator[Role]:
    """Everything, or the rows of one's own providers; the map of who may see what is nobody's."""
    nothing = "FALSE ()"
    yield Role(ALL, "Every provider; for leaders and analysts.", {SECURITY: nothing})
    provider = TABLES[PROVIDER.name]
    own = (
        f"NOT ISBLANK ( LOOKUPVALUE ( '{SECURITY}'[Provider Key], "
        f"'{SECURITY}'[User Principal Name], USERPRINCIPALNAME (), "
        f"'{SECURITY}'[Provider Key], '{provider}'[Provider Key] ) )"
    )
    filtered = {one.many[0] for one in relationships if one.one[0] == provider}
    facts = [TABLES[fact.name] for fact in FACTS]
    # What is about no provider would be shown whole to whoever may see a few.
    others = {name: nothing for name in facts if name not in filtered}
    yield Role(
        OWN,
        "Providers that Security Map lists for the signed-in user, and nothing else. Map a security group to it in the "
        "service; one role per user, since roles add up.",
        {provider: own, **others, SECURITY: nothing},
    )
