"""Rules of the Best Practice Analyzer for tabular models (microsoft/Analysis-Services) that need no data.

Each returns what breaks it, as ``table[object]``. A rule that an object is annotated to ignore is not asked of it.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterator

import polars as pl

from carti_lake.outlets.powerbi.measures import PERCENT, WHOLE, Measure
from carti_lake.outlets.powerbi.model import Column, Model, Table
from carti_lake.outlets.powerbi.tmdl import model_files

COLUMN = re.compile(r"('[^']+'|\b\w+)?\[([^\]]+)\]")


def columns(model: Model) -> Iterator[tuple[Table, Column]]:
    yield from ((table, column) for table in model.tables for column in table.columns)


def measures(model: Model) -> Iterator[Measure]:
    yield from (measure for table in model.tables for measure in table.measures)


def expressions(model: Model) -> Iterator[tuple[str, str]]:
    """Every DAX expression: measures and roles."""
    yield from ((measure.name, measure.expression) for measure in measures(model))
    yield from ((f"{role.name}: {table}", dax) for role in model.roles for table, dax in role.permissions.items())


def matching(pattern: str) -> Callable[[Model], list[str]]:
    """Expressions that match."""
    return lambda model: [name for name, dax in expressions(model) if re.search(pattern, dax, re.IGNORECASE)]


def names(model: Model) -> Iterator[str]:
    for table in model.tables:
        yield table.name
        yield from (one.name for one in (*table.columns, *table.measures, *table.hierarchies))
    yield from (role.name for role in model.roles)


def descriptions(model: Model) -> Iterator[tuple[str, str]]:
    for table in model.tables:
        yield table.name, table.description
        yield from ((one.name, one.description) for one in (*table.columns, *table.measures, *table.hierarchies))


def many(model: Model) -> set[tuple[str, str]]:
    return {one.many for one in model.relationships}


def ones(model: Model) -> set[tuple[str, str]]:
    return {one.one for one in model.relationships}


def used(model: Model) -> set[tuple[str, str]]:
    """Columns that a relationship, an expression, a hierarchy or a sort order needs."""
    found = many(model) | ones(model)
    for _, dax in expressions(model):
        found |= {(table.strip("'"), column) for table, column in COLUMN.findall(dax) if table}
    for table in model.tables:
        found |= {(table.name, level) for one in table.hierarchies for level in one.levels}
        found |= {(table.name, column.sorted_by) for column in table.columns if column.sorted_by}
    return found


def floating(model: Model) -> list[str]:
    return [
        f"{table.name}[{one.name}]" for table, one in columns(model) if one.dtype.is_float() and not one.ignored_rule
    ]


def attributes(model: Model) -> set[tuple[str, str]]:
    """Columns of hierarchies, and those that others are sorted by."""
    levels = {(t.name, level) for t in model.tables for one in t.hierarchies for level in one.levels}
    return levels | {(t.name, one.sorted_by) for t, one in columns(model) if one.sorted_by}


def mdx_of_nonattributes(model: Model) -> list[str]:
    return [
        f"{t.name}[{one.name}]"
        for t, one in columns(model)
        if one.in_mdx and (one.hidden or t.hidden) and (t.name, one.name) not in attributes(model)
    ]


def no_mdx_of_attributes(model: Model) -> list[str]:
    return [
        f"{t.name}[{one.name}]"
        for t, one in columns(model)
        if not one.in_mdx and (t.name, one.name) in attributes(model)
    ]


def snowflakes(model: Model) -> list[str]:
    return sorted({table for table, _ in many(model)} & {table for table, _ in ones(model)})


def no_date_table(model: Model) -> list[str]:
    text = model_files(model, "")["tables/Date.tmdl"]
    keys = [one for table, one in columns(model) if table.name == "Date" and one.key]
    good = "\tdataCategory: Time\n" in text and [(one.name, one.dtype) for one in keys] == [("Date", pl.Date())]
    return [] if good else ["Date is not marked"]


def auto_dates(model: Model) -> list[str]:
    text = model_files(model, "")
    off = "annotation __PBI_TimeIntelligenceEnabled = 0" in text["model.tmdl"]
    return [*([] if off else ["model"]), *(name for name in text if "LocalDateTable" in name)]


def both_directions(model: Model) -> list[str]:
    return (
        ["relationships"]
        if re.search("bothDirections|toCardinality", model_files(model, "")["relationships.tmdl"])
        else []
    )


def transformations(model: Model) -> list[str]:
    banned = r"Table\.(Combine|Join|NestedJoin|AddColumn|Group|Sort|Pivot|Unpivot)"
    return [name for name, text in model_files(model, "").items() if re.search(banned, text)]


def rls_logic(model: Model) -> list[str]:
    return [
        r.name
        for r in model.roles
        for dax in r.permissions.values()
        if re.search(r"\b(LEFT|RIGHT|UPPER|LOWER|FIND)\s*\(", dax)
    ]


def unqualified_columns(model: Model) -> list[str]:
    known = {one.name for one in measures(model)}
    return [name for name, dax in expressions(model) if any(not t and c not in known for t, c in COLUMN.findall(dax))]


def qualified_measures(model: Model) -> list[str]:
    known = {(table.name, one.name) for table in model.tables for one in table.measures}
    return [name for name, dax in expressions(model) if any((t.strip("'"), c) in known for t, c in COLUMN.findall(dax))]


def unknown_columns(model: Model) -> list[str]:
    """No rule of the analyzer, since its engine refuses them: every column that DAX reads is there."""
    known = {(table.name, one.name) for table, one in columns(model)}
    return [
        f"{name}: {t}[{c}]"
        for name, dax in expressions(model)
        for t, c in COLUMN.findall(dax)
        if t and (t.strip("'"), c) not in known
    ]


def duplicates(model: Model) -> list[str]:
    often = Counter(re.sub(r"\s", "", one.expression) for one in measures(model))
    return [one.name for one in measures(model) if often[re.sub(r"\s", "", one.expression)] > 1]


def other_types(model: Model) -> list[str]:
    types = {(table.name, one.name): one.dtype for table, one in columns(model)}
    return [f"{one.many} -> {one.one}" for one in model.relationships if types[one.many] != types[one.one]]


def unrelated(model: Model) -> list[str]:
    related = {table for table, _ in many(model) | ones(model)}
    return [table.name for table in model.tables if table.name not in related and not table.ignored_rule]


def partitions(model: Model) -> list[str]:
    text = model_files(model, "")
    found = {
        name: re.findall(r"^\tpartition (.+) = m$", one, re.M)
        for name, one in text.items()
        if name.startswith("tables/")
    }
    return [name for name, one in found.items() if [part.strip("'") for part in one] != [name[7:-5]]]


def by_format(model: Model, wanted: Callable[[Table, Column], str | None]) -> list[str]:
    return [f"{t.name}[{one.name}]" for t, one in columns(model) if wanted(t, one) not in (None, one.format)]


def date_format(table: Table, one: Column) -> str | None:
    return "mm/dd/yyyy" if one.dtype == pl.Date and "month" not in one.name.lower() else None


def month_format(table: Table, one: Column) -> str | None:
    return "MMMM yyyy" if one.dtype == pl.Date and "month" in one.name.lower() else None


def summarised(model: Model) -> list[str]:
    return [
        name
        for name, text in model_files(model, "").items()
        if text.count("\tcolumn '") + len(re.findall(r"^\tcolumn \w", text, re.M))
        != text.count("\t\tsummarizeBy: none\n")
        and name.startswith("tables/")
    ]


def percentages(model: Model) -> list[str]:
    return [one.name for one in measures(model) if "%" in one.format and one.format != PERCENT]


def whole_numbers(model: Model) -> list[str]:
    counts = [one for one in measures(model) if one.folder == "Counts"]
    return [one.name for one in counts if one.format != WHOLE]


def shown_keys(model: Model) -> list[str]:
    hidden = {(table.name, one.name): one.hidden for table, one in columns(model)}
    return [f"{one.many}" for one in model.relationships if not hidden[one.many]]


def unmarked_keys(model: Model) -> list[str]:
    keys = {(table.name, one.name): one.key for table, one in columns(model)}
    return [f"{one.one}" for one in model.relationships if not keys[one.one]]


def shown_bases(model: Model) -> list[str]:
    read = used(model)
    facts = {table for table, _ in many(model)}
    return [
        f"{t.name}[{one.name}]"
        for t, one in columns(model)
        if t.name in facts and one.dtype.is_numeric() and (t.name, one.name) in read and not one.hidden
    ]


def unsorted_months(model: Model) -> list[str]:
    return [
        f"{t.name}[{one.name}]"
        for t, one in columns(model)
        if one.dtype == pl.String and "Month" in one.name and not one.sorted_by
    ]


def clashes(model: Model) -> list[str]:
    """No rule of the analyzer, since its engine refuses them: names that two objects share, whatever their case."""
    found = [name for name, n in Counter(one.name.lower() for one in measures(model)).items() if n > 1]
    for table in model.tables:
        often = Counter(one.name.lower() for one in (*table.columns, *table.measures, *table.hierarchies))
        found += [f"{table.name}[{name}]" for name, n in often.items() if n > 1]
    tables = Counter([table.name.lower() for table in model.tables] + ["lakefolder", "publishedtable"])
    return found + [name for name, n in tables.items() if n > 1]


RULES: dict[str, Callable[[Model], list[str]]] = {
    "AVOID_FLOATING_POINT_DATA_TYPES": floating,
    "ISAVAILABLEINMDX_FALSE_NONATTRIBUTE_COLUMNS": mdx_of_nonattributes,
    "ISAVAILABLEINMDX_TRUE_NECESSARY": no_mdx_of_attributes,
    "SNOWFLAKE_SCHEMA_ARCHITECTURE": snowflakes,
    "MODEL_SHOULD_HAVE_A_DATE_TABLE": no_date_table,
    "DATE/CALENDAR_TABLES_SHOULD_BE_MARKED_AS_A_DATE_TABLE": no_date_table,
    "REMOVE_AUTO-DATE_TABLE": auto_dates,
    "MANY-TO-MANY_RELATIONSHIPS_SHOULD_BE_SINGLE-DIRECTION": both_directions,
    "LIMIT_ROW_LEVEL_SECURITY_(RLS)_LOGIC": rls_logic,
    "MINIMIZE_POWER_QUERY_TRANSFORMATIONS": transformations,
    "DAX_COLUMNS_FULLY_QUALIFIED": unqualified_columns,
    "DAX_MEASURES_UNQUALIFIED": qualified_measures,
    "AVOID_DUPLICATE_MEASURES": duplicates,
    "USE_THE_DIVIDE_FUNCTION_FOR_DIVISION": matching(r"\]\s*/(?!/)|\)\s*/\s*[\[('a-zA-Z]"),
    "AVOID_USING_THE_IFERROR_FUNCTION": matching(r"\bIFERROR\s*\("),
    "MEASURES_SHOULD_NOT_BE_DIRECT_REFERENCES_OF_OTHER_MEASURES": matching(r"^\s*\[[^\]]+\]\s*$"),
    "FILTER_COLUMN_VALUES": matching(r"FILTER\s*\(\s*'?[A-Za-z ]+'?\s*,"),
    "DATA_COLUMNS_MUST_HAVE_A_SOURCE_COLUMN": lambda model: [one.name for _, one in columns(model) if not one.source],
    "RELATIONSHIP_COLUMNS_SAME_DATA_TYPE": other_types,
    "AVOID_INVALID_NAME_CHARACTERS": lambda model: [one for one in names(model) if not one.isprintable()],
    "AVOID_INVALID_DESCRIPTION_CHARACTERS": lambda model: [
        one for one, said in descriptions(model) if not said.isprintable()
    ],
    "UNNECESSARY_COLUMNS": lambda model: [
        f"{t.name}[{one.name}]" for t, one in columns(model) if one.hidden and (t.name, one.name) not in used(model)
    ],
    "UNNECESSARY_MEASURES": lambda model: [table.name for table in model.tables if table.hidden and table.measures],
    "ENSURE_TABLES_HAVE_RELATIONSHIPS": unrelated,
    "OBJECTS_WITH_NO_DESCRIPTION": lambda model: [name for name, said in descriptions(model) if len(said) < 4],
    "PARTITION_NAME_SHOULD_MATCH_TABLE_NAME_FOR_SINGLE_PARTITION_TABLES": partitions,
    "OBJECTS_SHOULD_NOT_START_OR_END_WITH_A_SPACE": lambda model: [one for one in names(model) if one != one.strip()],
    "DATECOLUMN_FORMATSTRING": lambda model: by_format(model, date_format),
    "MONTHCOLUMN_FORMATSTRING": lambda model: by_format(model, month_format),
    "PROVIDE_FORMAT_STRING_FOR_MEASURES": lambda model: [one.name for one in measures(model) if not one.format],
    "PERCENTAGE_FORMATTING": percentages,
    "INTEGER_FORMATTING": whole_numbers,
    "NUMERIC_COLUMN_SUMMARIZE_BY": summarised,
    "HIDE_FOREIGN_KEYS": shown_keys,
    "MARK_PRIMARY_KEYS": unmarked_keys,
    "HIDE_FACT_TABLE_COLUMNS": shown_bases,
    "FIRST_LETTER_OF_OBJECTS_MUST_BE_CAPITALIZED": lambda model: [one for one in names(model) if one[0].islower()],
    "MONTH_(AS_A_STRING)_MUST_BE_SORTED": unsorted_months,
    "columns that DAX reads are there": unknown_columns,
    "no two objects share a name": clashes,
}
