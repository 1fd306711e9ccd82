"""``tables``, ``query``, ``history``, ``diff`` and ``quarantine``: what the lake holds, and how it came to be."""

import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from carti_lake.cli import show
from carti_lake.cli.app import app
from carti_lake.cli.options import (
    DEFAULT_LAKE,
    AsOf,
    FromRelease,
    Json,
    LakeAt,
    OfRelease,
    StorageOptions,
    ToRelease,
    command,
    open_lake,
)

if TYPE_CHECKING:
    import polars as pl

#: Rows that a table on the screen shows.
MOST_ROWS = 50
#: Columns of an updated row that are shown with their old and new values.
MOST_CHANGES = 5

TableName = Annotated[str, typer.Argument(metavar="TABLE", help="E.g. gold.provider_summary, or its bare name.")]
OutputFile = Annotated[
    str | None, typer.Option("--output", "-o", metavar="FILE", help="Write to this file; .csv, .json or .parquet.")
]


class Format(StrEnum):
    """How a query's result is printed or written."""

    table = "table"
    csv = "csv"
    json = "json"
    parquet = "parquet"


@app.command()
def tables(
    table: Annotated[str | None, typer.Argument(metavar="TABLE", help="Table to describe; else all.")] = None,
    lake: LakeAt = DEFAULT_LAKE,
    storage_option: StorageOptions = None,
    json: Json = False,
) -> None:
    """Show the catalogue, or a table's columns and rules."""
    from carti_lake.tables import TABLES, find
    from carti_lake.tables.catalogue import describe

    if table is not None:
        described = describe(find(table))
        if json:
            show.as_json(described)
        else:
            _print_table(described)
        return
    releases = open_lake(lake, storage_option).releases()
    rows = releases[-1].rows if releases else {}
    listed = [
        {"table": name, "rows": rows.get(name), "key": one.key(), "purpose": one.purpose()}
        for name, one in TABLES.items()
    ]
    if json:
        show.as_json(listed)
        return
    show.screen().print(show.grid({"table": "bold", "rows": "", "purpose": ""}, [_listed(one) for one in listed]))
    show.say(f"Rows are those of release {releases[-1].number}." if releases else "There is no release yet.", "dim")
    show.next_steps((command("tables gold.provider_summary", lake), "a table's columns, rules and description"))


def _listed(table: dict[str, Any]) -> tuple[Any, ...]:
    return table["table"], table["rows"], table["purpose"]


def _print_table(table: dict[str, Any]) -> None:
    show.say(table["name"], "bold")
    show.say(table["purpose"])
    facts = {"Key": ", ".join(table["key"]), "Partition": table["partition"], "View of": table["view_of"]}
    for label, value in facts.items():
        if value:
            show.say(f"{label}: {value}")
    columns = [
        (one["name"], one["type"], one["unit"] or "", "yes" if one["required"] else "", one["description"])
        for one in table["columns"]
    ]
    show.screen().print(show.grid(["column", "type", "unit", "required", "description"], columns))
    for title, texts in (("rule", table["rules"]), ("finding", table["findings"])):
        if texts:
            show.screen().print(show.grid([title, "meaning"], list(texts.items())))
    if table["checks"]:
        checks = [
            (one["id"], one["category"], one["action"], one["warn"], one["block"], one["fewest"])
            for one in table["checks"]
        ]
        headers = ["check", "category", "a failing row", "warns\nfrom", "blocks\nfrom", "and\nrows"]
        show.screen().print(show.grid(headers, checks, "Checks, with the failing share of a month that matters"))


@app.command()
def query(
    sql: Annotated[
        str, typer.Argument(metavar="SQL", help="A SELECT: gold tables by bare name, others as silver.visits.")
    ],
    as_of: AsOf = None,
    release: OfRelease = None,
    format: Annotated[
        Format | None, typer.Option(metavar="FORMAT", help="table, csv, json or parquet; else as the file is named.")
    ] = None,
    output: OutputFile = None,
    lake: LakeAt = DEFAULT_LAKE,
    storage_option: StorageOptions = None,
    json: Json = False,
) -> None:
    """Read a release by SQL."""
    if as_of and release:
        raise typer.BadParameter("give --as-of or --release, not both.")
    chosen = Format.json if json and format is None else format
    opened = open_lake(lake, storage_option)
    from carti_lake.releases.query import explained

    result = opened.at(as_of, release=release).query(sql)
    # Some mistakes show only in the rows, as a text that is no date.
    with explained(sql):
        if output is None:
            print_rows(result, chosen or Format.table)
        else:
            write(result, output, chosen, dict(opened.storage_options))


def write(rows: "pl.LazyFrame", output: str, format: Format | None, options: dict[str, str]) -> None:
    """Write rows to the file that the reader asked for, and say so."""
    from carti_lake.outlets.table_file import FORMATS, write_table

    chosen = str(format) if format else Path(output).suffix.removeprefix(".")
    if chosen not in FORMATS:
        raise typer.BadParameter(f"{output}: choose --format {', '.join(FORMATS)}.", param_hint="--output")
    with show.steps(f"Writing {output}"):
        write_table(rows, chosen, output, options)
    show.aside().print(f"Wrote {output}", markup=False)


def print_rows(rows: "pl.LazyFrame", format: Format) -> None:
    """Print rows in the format that the reader asked for; as a table, the first of them."""
    from carti_lake.outlets.table_file import flat, json_text

    if format is Format.parquet:
        raise typer.BadParameter("Parquet needs a file: -o FILE.", param_hint="--format")
    if format is Format.json:
        print(json_text(rows))
    elif format is Format.csv:
        flat(rows).sink_csv(sys.stdout.buffer, engine="streaming")
    else:
        print_head(rows)


def print_head(rows: "pl.LazyFrame") -> int:
    """Print the first rows; returns how many."""
    head = rows.head(MOST_ROWS + 1).collect(engine="streaming")
    show.frame_grid(head.head(MOST_ROWS))
    if head.height > MOST_ROWS:
        show.say(f"The first {MOST_ROWS} rows; -o FILE.csv writes all.", "dim")
    elif head.is_empty():
        show.say("No rows.", "dim")
    return head.height


@app.command()
def history(
    table: TableName, lake: LakeAt = DEFAULT_LAKE, storage_option: StorageOptions = None, json: Json = False
) -> None:
    """Show the versions of a table, and the releases that hold them."""
    versions = open_lake(lake, storage_option).history(table)
    if json:
        show.as_json(versions)
        return
    rows = [
        (one["version"], one["at"], one["operation"], one["rows_added"] or None, one["releases"])
        for one in versions[:MOST_ROWS]
    ]
    show.screen().print(show.grid(["version", "at (UTC)", "operation", "rows added", "releases"], rows))
    if len(versions) > MOST_ROWS:
        show.say(f"The newest {MOST_ROWS} of {len(versions)} versions; --json prints all.", "dim")


@app.command()
def diff(
    table: TableName,
    from_: FromRelease,
    to: ToRelease,
    lake: LakeAt = DEFAULT_LAKE,
    storage_option: StorageOptions = None,
    json: Json = False,
) -> None:
    """Show the rows of a table that two releases hold differently."""
    import polars as pl

    from carti_lake.tables import find

    changes = open_lake(lake, storage_option).diff(table, from_, to)
    if json:
        print_rows(changes, Format.json)
        return
    counts = dict(changes.group_by("change").agg(pl.len()).sort("change").collect(engine="streaming").iter_rows())
    if not counts:
        show.say(f"{table} is the same in {from_} and {to}.")
        return
    declared = find(table)
    names = {*declared.columns()} & {"provider_name"} - {*declared.key()}
    shown = [*declared.key(), *names]
    rows = [
        (row["change"], *(row[name] for name in shown), _what_changed(row))
        for row in changes.head(MOST_ROWS).collect(engine="streaming").iter_rows(named=True)
    ]
    show.screen().print(show.grid(["change", *shown, "old → new"], rows))
    more = f" The first {MOST_ROWS} are shown; --json prints all." if sum(counts.values()) > MOST_ROWS else ""
    show.say(", ".join(f"{number:,} {change}" for change, number in counts.items()) + f".{more}")


def _what_changed(row: dict[str, Any]) -> str:
    if row["change"] != "updated":
        return ""
    from carti_lake.tables.silver.entity import ORIGIN

    changed = [name for name in row["changed_columns"] if name not in ORIGIN]
    shown = [f"{name} {show.cell(row[f'{name}_before'])} → {show.cell(row[name])}" for name in changed[:MOST_CHANGES]]
    if len(changed) > MOST_CHANGES:
        shown.append(f"{len(changed) - MOST_CHANGES} more")
    return "; ".join(shown) or "delivered again"


@app.command()
def quarantine(
    entity: Annotated[str | None, typer.Argument(metavar="ENTITY", help="E.g. visits; else all are counted.")] = None,
    rule: Annotated[
        str | None, typer.Option(metavar="R", help="Only rows that broke this rule; a column stands for its rules.")
    ] = None,
    output: OutputFile = None,
    lake: LakeAt = DEFAULT_LAKE,
    storage_option: StorageOptions = None,
    json: Json = False,
) -> None:
    """Show the rows that silver refused, and why."""
    import polars as pl

    opened = open_lake(lake, storage_option)
    rows = opened.quarantine(entity, rule=rule)
    if output is not None:
        write(rows, output, None, dict(opened.storage_options))
        return
    if entity is None and rule is None:
        rows = (
            rows.with_columns(rule=pl.col("rules").str.split(","))
            .explode("rule")
            .group_by("entity", "rule")
            .agg(rows=pl.len(), newest_extract=pl.col("extract_date").max())
            .sort("rows", "entity", "rule", descending=[True, False, False])
        )
    if json:
        print_rows(rows, Format.json)
        return
    shown = print_head(rows)
    if shown and entity is None and rule is None:
        show.next_steps((command("quarantine visits", lake), "shows each refused row and where it was delivered"))
